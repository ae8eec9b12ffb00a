/**
 * The export file, line by line. The first character tells the kind, so `grep ^E` and `cut` take it apart.
 * @see docs/evidence-format.md
 */
import type { ClaimedEntry } from './chain.ts';
import type { EvidenceReceipt, TickStamp } from './ledger.ts';

export const HEADER_LINE = 'H sekisho-evidence 1';

/** Certificates that the export carries so that a verifier needs nothing but trust anchors. */
export const CERTIFICATE_ROLES = ['sam-device', 'sam-ca', 'tsa', 'tsa-ca'] as const;
export type CertificateRole = (typeof CERTIFICATE_ROLES)[number];

export interface CarriedCertificate {
  readonly role: CertificateRole;
  readonly der: Uint8Array;
}

export type ExportLine =
  | { readonly kind: 'header' }
  | { readonly kind: 'certificate'; readonly certificate: CarriedCertificate }
  | { readonly kind: 'entry'; readonly entry: ClaimedEntry }
  | { readonly kind: 'stamp'; readonly stamp: TickStamp }
  | { readonly kind: 'end'; readonly count: number; readonly headHash: string };

export function encodeCertificateLine({ role, der }: CarriedCertificate): string {
  return `C ${role} ${Buffer.from(der).toString('base64')}`;
}

export function encodeEntryLine(hash: string, canonical: string): string {
  return `E ${hash} ${canonical}`;
}

export function encodeStampLine({ stamp, signature }: TickStamp): string {
  return `S ${stamp} ${signature}`;
}

/** Tells a complete export from one that lost its end on the way. */
export function encodeEndLine(head: EvidenceReceipt | undefined): string {
  return head === undefined ? 'Z 0 -' : `Z ${head.seq} ${head.hash}`;
}

const HASH_AT = 2;
const CANONICAL_AT = HASH_AT + 64 + 1;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** Reads one line without its line feed; undefined when it is none of ours. */
export function parseExportLine(line: Buffer): ExportLine | undefined {
  switch (line[0]) {
    case 0x45: // E
      return parseEntryLine(line);
    case 0x53: // S
      return parseStampLine(line.toString('latin1'));
    case 0x43: // C
      return parseCertificateLine(line.toString('latin1'));
    case 0x48: // H
      return line.toString('latin1') === HEADER_LINE ? { kind: 'header' } : undefined;
    case 0x5a: // Z
      return parseEndLine(line.toString('latin1'));
    default:
      return undefined;
  }
}

/** The hot path of verification: no regular expression; a wrong hash text can equal no computed hash. */
function parseEntryLine(line: Buffer): ExportLine | undefined {
  if (line[1] !== 0x20 || line[CANONICAL_AT - 1] !== 0x20) return undefined;
  const hash = line.toString('latin1', HASH_AT, CANONICAL_AT - 1);
  return { kind: 'entry', entry: { hash, canonical: line.subarray(CANONICAL_AT) } };
}

function parseStampLine(line: string): ExportLine | undefined {
  const [, stamp, signature] = /^S ((?:[0-9a-f]{2})+) ((?:[0-9a-f]{2})+)$/.exec(line) ?? [];
  if (stamp === undefined || signature === undefined) return undefined;
  return { kind: 'stamp', stamp: { stamp, signature } };
}

function parseCertificateLine(line: string): ExportLine | undefined {
  const [, name, base64] = /^C ([a-z-]+) (\S+)$/.exec(line) ?? [];
  const role = CERTIFICATE_ROLES.find((known) => known === name);
  if (role === undefined || base64 === undefined || !BASE64.test(base64)) return undefined;
  return { kind: 'certificate', certificate: { role, der: Buffer.from(base64, 'base64') } };
}

function parseEndLine(line: string): ExportLine | undefined {
  const [, count, headHash] = /^Z (0|[1-9]\d{0,14}) (-|[0-9a-f]{64})$/.exec(line) ?? [];
  if (count === undefined || headHash === undefined) return undefined;
  return { kind: 'end', count: Number(count), headHash };
}
