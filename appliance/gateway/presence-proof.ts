/** What evidence keeps of an application that proved to be on the card in the field. */
import { createHash, type KeyObject } from 'node:crypto';
import { toHex } from '#card/bytes.ts';
import type { PresenceProof } from '#evidence/record.ts';
import type { Trust } from '#trust/ports.ts';

/** The key names a card for ever and everywhere, so it is sealed; only its hash stands in clear, as of the certificate. */
export async function describePresence(
  trust: Trust,
  publicKey: KeyObject,
  signature: Uint8Array,
): Promise<PresenceProof> {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return {
    signature: toHex(signature),
    publicKeySha256: createHash('sha256').update(spki).digest('hex'),
    sealedPublicKey: Buffer.from(await trust.sealForAudit(spki)).toString('base64'),
  };
}
