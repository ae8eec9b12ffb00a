/** The SAM device certificates of an export: which key made a stamp, and whether the path ends at a trusted CA. */
import { X509Certificate } from 'node:crypto';
import type { CarriedCertificate } from './export-format.ts';
import { Flaw } from './flaw.ts';
import type { TickStamp } from './ledger.ts';
import { verifyStamp } from './tick-stamp.ts';

const LONGEST_PATH = 4;
const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

export interface DeviceCertificates {
  /** The certificate whose key made this stamp; throws when none did. */
  signerOf(stamp: TickStamp): X509Certificate;
}

/** With `anchorPem`, a device certificate without a path to it is refused at once. */
export function openDeviceCertificates(
  carried: readonly CarriedCertificate[],
  anchorPem: string | undefined,
): DeviceCertificates {
  const devices = carried.filter(({ role }) => role === 'sam-device').map(parse);
  if (anchorPem !== undefined) {
    const anchors = (anchorPem.match(PEM_CERTIFICATE) ?? []).map((pem) => new X509Certificate(pem));
    const between = carried.filter(({ role }) => role === 'sam-ca').map(parse);
    if (!devices.every((device) => hasPath(device, between, anchors, LONGEST_PATH))) {
      throw new Flaw('device-certificate-untrusted');
    }
  }
  return {
    signerOf(stamp) {
      const at = devices.findIndex(({ publicKey }) => verifyStamp(stamp, publicKey));
      const signer = devices[at];
      if (signer === undefined) throw new Flaw('stamp-signature-wrong');
      // A clinic has one SAM, seldom a replaced one: the last signer is asked first next time.
      devices.splice(at, 1);
      devices.unshift(signer);
      return signer;
    },
  };
}

/** True when `certificate` was valid at a proven time. */
export function coversTime(certificate: X509Certificate, atMs: number): boolean {
  return Date.parse(certificate.validFrom) <= atMs && atMs <= Date.parse(certificate.validTo);
}

function parse({ der }: CarriedCertificate): X509Certificate {
  try {
    return new X509Certificate(der);
  } catch {
    throw new Flaw('certificate-malformed');
  }
}

/** RFC 5280 §6.1 as far as a private PKI of two or three levels needs it: issuer by name and key, CA flag, signature. */
function hasPath(
  certificate: X509Certificate,
  between: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
  stepsLeft: number,
): boolean {
  const issued = (issuer: X509Certificate): boolean =>
    issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
  if (anchors.some(issued)) return true;
  if (stepsLeft === 0) return false;
  return between.some((issuer) => issued(issuer) && hasPath(issuer, between, anchors, stepsLeft - 1));
}
