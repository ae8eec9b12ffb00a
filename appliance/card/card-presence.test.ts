import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { encodeHex } from './bytes.ts';
import { signChallenge, verifyChallenge } from './card-presence.ts';
import { openExchange } from './exchange.ts';
import { ScriptedChannel } from './testing/scripted-channel.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-presence-'));
afterAll(() => rmSync(folder, { recursive: true }));

const challenge = Uint8Array.from(Buffer.from('of this tap only', 'ascii'));
const card = generateKeyPairSync('rsa', { modulusLength: 2048 });
const other = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** As openssl signs it. */
function opensslSignature(): Uint8Array {
  writeFileSync(join(folder, 'key.pem'), card.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  writeFileSync(join(folder, 'challenge'), challenge);
  const command = ['dgst', '-sha256', '-sign', 'key.pem', 'challenge'];
  return new Uint8Array(execFileSync('openssl', command, { cwd: folder }));
}

describe('a card that proves to be there', () => {
  const digest = createHash('sha256').update(challenge).digest('hex');
  const command = `802A000033 3031300D060960864801650304020105000420 ${digest} 00`;

  it('signs the DigestInfo of the challenge with the key of the selected application, without PIN', async () => {
    const signature = opensslSignature();
    const channel = new ScriptedChannel([[command, `${encodeHex(signature)} 9000`]]);
    expect(await signChallenge(openExchange(channel), challenge)).toEqual(signature);
    channel.assertFinished();
    expect(verifyChallenge(card.publicKey, challenge, signature)).toBe(true);
  });

  it('is not believed for another challenge, under another key, or with another signature', () => {
    const signature = opensslSignature();
    expect(verifyChallenge(card.publicKey, challenge.subarray(1), signature)).toBe(false);
    expect(verifyChallenge(other.publicKey, challenge, signature)).toBe(false);
    signature.set([(signature[255] ?? 0) ^ 1], 255);
    expect(verifyChallenge(card.publicKey, challenge, signature)).toBe(false);
    expect(verifyChallenge(card.publicKey, challenge, new Uint8Array())).toBe(false);
  });

  it.each([
    ['6A86', 'card.unsupported-algorithm'],
    ['6982', 'card.security-status'],
    ['9000', 'card.protocol'],
  ])('and one that answers %s did not prove it: %s', async (status, code) => {
    const channel = new ScriptedChannel([[command, status]]);
    await expect(signChallenge(openExchange(channel), challenge)).rejects.toMatchObject({ code });
  });
});
