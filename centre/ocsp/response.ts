/** OCSPResponse (RFC 6960 §4.2.1): the answer for every certificate that was asked for, signed by the delegate. */
import { createHash } from 'node:crypto';
import { bitString, context, contextPrimitive, enumerated, octetString, oid, sequence } from '../asn1/der.ts';
import { generalizedTime } from '../asn1/time.ts';
import { MalformedDer } from '../asn1/tlv.ts';
import { encodeSignatureAlgorithm, signBytes } from '../pki/algorithm.ts';
import type { Authority } from '../pki/authority.ts';
import { extension } from '../pki/extension.ts';
import { REVOCATION_REASONS, type RevocationRegister } from '../pki/revocation-register.ts';
import { type CertId, OCSP_NONCE, type OcspRequest, parseOcspRequest } from './request.ts';

const BASIC_RESPONSE = '1.3.6.1.5.5.7.48.1.1';
const FRESH_FOR_MS = 10 * 60 * 1000;

const OCSP_STATUS = { successful: 0, malformedRequest: 1, unauthorized: 6 } as const;

export interface OcspResponder {
  readonly authorities: readonly Authority[];
  readonly revocations: RevocationRegister;
  readonly nowMs: () => number;
}

/** Answers one DER request with one DER response; bad input gets an unsigned error status (§2.3). */
export function answerOcsp(responder: OcspResponder, der: Uint8Array): Buffer {
  let request: OcspRequest;
  try {
    request = parseOcspRequest(der);
  } catch (thrown) {
    if (thrown instanceof MalformedDer) return encodeStatus(OCSP_STATUS.malformedRequest);
    throw thrown;
  }
  // A delegate may speak for its own authority only (§4.2.2.2), so one request has one authority.
  const [signer, ...others] = new Set(request.certIds.map((certId) => findAuthority(responder, certId)));
  return signer === undefined || others.length > 0
    ? encodeStatus(OCSP_STATUS.unauthorized)
    : encodeSuccess(responder, signer, request);
}

const encodeStatus = (status: number): Buffer => sequence(enumerated(status));

function findAuthority(responder: OcspResponder, certId: CertId): Authority | undefined {
  const { hash } = certId;
  if (hash === undefined) return undefined;
  return responder.authorities.find(({ certificate }) => {
    const nameHash = createHash(hash).update(certificate.subject).digest();
    const keyHash = createHash(hash).update(certificate.publicKeyBits).digest();
    return nameHash.equals(certId.issuerNameHash) && keyHash.equals(certId.issuerKeyHash);
  });
}

function encodeSuccess(responder: OcspResponder, signer: Authority, request: OcspRequest): Buffer {
  const nowMs = responder.nowMs();
  const { key, certificate } = signer.ocspResponder;
  const singles = request.certIds.map((certId) =>
    sequence(
      certId.encoded,
      certificateStatus(responder, signer, certId),
      generalizedTime(nowMs),
      context(0, generalizedTime(nowMs + FRESH_FOR_MS)),
    ),
  );
  const nonce =
    request.nonce === undefined ? [] : [context(1, sequence(extension(OCSP_NONCE, false, request.nonce)))];
  const responseData = sequence(
    context(2, octetString(Buffer.from(certificate.keyId, 'hex'))),
    generalizedTime(nowMs),
    sequence(...singles),
    ...nonce,
  );
  const basic = sequence(
    responseData,
    encodeSignatureAlgorithm(key),
    bitString(signBytes(key, responseData)),
    context(0, sequence(certificate.der)),
  );
  return sequence(
    enumerated(OCSP_STATUS.successful),
    context(0, sequence(oid(BASIC_RESPONSE), octetString(basic))),
  );
}

function certificateStatus(responder: OcspResponder, signer: Authority, certId: CertId): Buffer {
  const revocation = responder.revocations.find(signer.certificate.keyId, certId.serial);
  if (revocation === undefined) return contextPrimitive(0, Buffer.alloc(0));
  const reason = REVOCATION_REASONS[revocation.reason];
  // `unspecified` is said by leaving the reason out (RFC 5280 §5.3.1).
  return context(
    1,
    generalizedTime(revocation.revokedAtMs),
    ...(reason === 0 ? [] : [context(0, enumerated(reason))]),
  );
}
