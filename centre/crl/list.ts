/** Certificate revocation lists, version 2 (RFC 5280 §5). */
import { bitString, context, enumerated, integer, sequence } from '../asn1/der.ts';
import { certificateTime } from '../asn1/time.ts';
import { encodeSignatureAlgorithm, signBytes } from '../pki/algorithm.ts';
import type { Authority } from '../pki/authority.ts';
import { authorityKeyIdentifier, EXTENSION, extension } from '../pki/extension.ts';
import { REVOCATION_REASONS, type Revocation, type RevocationRegister } from '../pki/revocation-register.ts';

const FRESH_FOR_MS = 24 * 60 * 60 * 1000;

/** The complete list of one authority, signed now. */
export function signRevocationList(
  authority: Authority,
  revocations: RevocationRegister,
  nowMs: number,
): Buffer {
  const { certificate, key } = authority;
  const algorithm = encodeSignatureAlgorithm(key);
  const entries = revocations.list(certificate.keyId).map(encodeEntry);
  const tbs = sequence(
    integer(1),
    algorithm,
    certificate.subject,
    certificateTime(nowMs),
    certificateTime(nowMs + FRESH_FOR_MS),
    // An empty list of entries is left out altogether (§5.1.2.6).
    ...(entries.length === 0 ? [] : [sequence(...entries)]),
    context(
      0,
      sequence(
        authorityKeyIdentifier(Buffer.from(certificate.keyId, 'hex')),
        extension(EXTENSION.crlNumber, false, integer(revocations.revision())),
      ),
    ),
  );
  return sequence(tbs, algorithm, bitString(signBytes(key, tbs)));
}

function encodeEntry({ serial, reason, revokedAtMs }: Revocation): Buffer {
  const code = REVOCATION_REASONS[reason];
  const extensions = code === 0 ? [] : [sequence(extension(EXTENSION.reasonCode, false, enumerated(code)))];
  return sequence(integer(serial), certificateTime(revokedAtMs), ...extensions);
}
