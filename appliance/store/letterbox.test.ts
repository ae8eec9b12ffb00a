import { createPrivateKey, createPublicKey } from 'node:crypto';
import { expect, test } from 'vitest';
import { makeLetterboxKeys, openDoor, openSlot } from './letterbox.ts';

const PLACE = 'visit/1/record';
const PUBLIC = Buffer.from('65c4ad05b5983d1cbd4978c9e8f2b549cd301572688754e60c47bfe181c21f24', 'hex');
const PRIVATE = Buffer.from('b0cc233cc92c2226edd0963f94579c04b27c3bb05e522337fb75de3293c64146', 'hex');
const LETTER = Buffer.from(
  '024dba1f02a04d817498b70dc0fa1d28ef4e60449b0bf7c347c79958b2b5c42309fe717a1ce343fc7624cf84b5e975895a2a2b49ce2df6977b0023',
  'hex',
);
const failed = expect.objectContaining({ code: 'store.failed' });

test('both keys are one pair, as the library reads them', () => {
  const { publicKey, privateKey } = makeLetterboxKeys();
  const [x = '', d = ''] = [publicKey, privateKey].map((each) => Buffer.from(each).toString('base64url'));
  const key = createPrivateKey({ key: { kty: 'OKP', crv: 'X25519', x, d }, format: 'jwk' });
  expect(createPublicKey(key).export({ format: 'jwk' }).x).toBe(x);
  expect(privateKey).toHaveLength(32);
});

test('what goes through the slot comes out of the door, for its place, until the door is destroyed', () => {
  const keys = makeLetterboxKeys();
  const letter = openSlot(keys.publicKey)(Buffer.from('保険'), PLACE);
  const door = openDoor(keys);
  keys.privateKey.fill(0);
  expect(Buffer.from(door.open(letter, PLACE)).toString()).toBe('保険');
  expect(() => door.open(letter, 'visit/2/record')).toThrow(failed);
  expect(() => openDoor(makeLetterboxKeys()).open(letter, PLACE)).toThrow(failed);
  door.destroy();
  expect(() => door.open(letter, PLACE)).toThrow(failed);
});

/** Made before keys were handled as DER: databases in the field have such letters. */
test('an old letter opens', () => {
  const door = openDoor({ publicKey: PUBLIC, privateKey: PRIVATE });
  expect(Buffer.from(door.open(LETTER, PLACE)).toString()).toBe('letter');
});
