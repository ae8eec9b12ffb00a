/** The JPKI application (公的個人認証AP): its name and its files. @see docs/protocol-facts.md 1.1, 1.4 */
import { fromHex } from '../bytes.ts';
import { selectApplication } from '../commands/select-file.ts';
import type { CardExchange } from '../exchange.ts';

const JPKI_AID = fromHex('D392F000260100000001');

/** Short file identifiers: each is the low byte of the file identifier. */
export const JPKI_FILE = {
  signingCertificate: 0x01,
  signingCaCertificate: 0x02,
  tokenInfo: 0x06,
  authenticationCertificate: 0x0a,
  authenticationCaCertificate: 0x0b,
  authenticationKey: 0x17,
  authenticationPin: 0x18,
  signingKey: 0x1a,
  signingPassword: 0x1b,
} as const;

/** P2 of VERIFY and COMPUTE SIGNATURE for a key or PIN named without SELECT. @see docs/protocol-facts.md 1.3 "short EF id" */
export function shortReference(shortId: number): number {
  return 0x80 | shortId;
}

/** Selects the application; any card without it is not a My Number Card. */
export async function openJpki(exchange: CardExchange): Promise<void> {
  await selectApplication(exchange, JPKI_AID, { answer: 'none', absent: 'card.not-my-number-card' });
}
