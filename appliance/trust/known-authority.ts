/**
 * Certificates of authorities and of their OCSP responders, parsed once: the same few come with every tap, and a key
 * costs more than all the rest of a certificate. Nothing is trusted by being known here, and no
 * certificate of a card may be: its serial number must not stay in memory.
 */
import { type Certificate, parseCertificate } from './certificate.ts';

/** More than a clinic meets; a server that sends others each time only makes us parse them. */
const MAX_KNOWN = 16;

const known = new Map<string, Certificate>();

/** As `parseCertificate`. The same bytes give the same certificate. */
export function parseAuthority(der: Uint8Array): Certificate {
  const text = Buffer.from(der).toString('latin1');
  const found = known.get(text);
  if (found !== undefined) return found;
  const certificate = parseCertificate(der);
  const [oldest] = known.keys();
  if (known.size >= MAX_KNOWN && oldest !== undefined) known.delete(oldest);
  known.set(text, certificate);
  return certificate;
}
