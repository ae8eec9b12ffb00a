import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { PUBLISHED_KEYS, PUBLISHED_SECRETS } from './published-keys.generated.ts';
import { publishedKey, publishedKeyIn, publishedSecret } from './published-keys.ts';
import { type Places, shippedKeys, shippedSecrets } from './testing/shipped-keys.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDERS = ['anchor', 'appliance', 'centre', 'clinic', 'docs', 'drivers', 'provisioning', 'tools', 'ui'];
const anchorPem = readFileSync(`${ROOT}docs/lease-vectors/anchor-public.pem`, 'utf8');

function render(keys: Places, secrets: Places): string {
  const rows = (places: Places): string =>
    [...places].map(([fingerprint, place]) => `  ['${fingerprint}', '${place}'],\n`).join('');
  return `/**
 * What this project publishes, each with the first file that has it.
 * Made by \`UPDATE_GOLDEN=1 npx vitest run appliance/config\`.
 */

/** SHA-256 of the SubjectPublicKeyInfo, and where the key is. */
// biome-ignore format: one key a line
export const PUBLISHED_KEYS: ReadonlyMap<string, string> = new Map([
${rows(keys)}]);

/** SHA-256 of a symmetric key, and where it is. */
// biome-ignore format: one key a line
export const PUBLISHED_SECRETS: ReadonlyMap<string, string> = new Map([
${rows(secrets)}]);
`;
}

test('the list has every key that is found in the files of this project', () => {
  const [keys, secrets] = [shippedKeys(ROOT, FOLDERS), shippedSecrets(ROOT, FOLDERS)];
  const list = new URL('./published-keys.generated.ts', import.meta.url);
  const page = render(keys, secrets);
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(list, page);
  expect(page).toBe(readFileSync(list, 'utf8'));
});

test('the search finds keys in each form that they are published in', () => {
  const places = [...PUBLISHED_KEYS.values()];
  const of = (file: string): number => places.filter((place) => place === file).length;
  expect(of('docs/lease-vectors/anchor-private.pem')).toBe(1);
  expect(of('drivers/simulated/keys/test-rsa-keys.json')).toBe(56);
  expect(of('appliance/card/testdata/cv-certificates.json')).toBe(4);
  expect(new Set(places)).toContain('appliance/evidence/testdata/tick-stamp.json');
});

test('a key is known as public key, private key and certificate, in PEM and in DER', () => {
  const place = 'docs/lease-vectors/anchor-private.pem';
  expect(publishedKeyIn(anchorPem)).toBe(place);
  expect(publishedKeyIn(`first line\n${anchorPem.replaceAll('\n', '\r\n')}`)).toBe(place);
  expect(publishedKeyIn(readFileSync(`${ROOT}${place}`, 'utf8'))).toBe(place);
  const body = anchorPem.replaceAll(/-----[^-]+-----|\s/g, '');
  expect(publishedKey(Buffer.from(body, 'base64'), 'spki')).toBe(place);
  expect(publishedKeyIn('-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n')).toBeUndefined();
});

test('the keys that GlobalPlatform cards come with are known', () => {
  const defaultKey = Buffer.from('404142434445464748494A4B4C4D4E4F', 'hex');
  expect(publishedSecret(defaultKey)).toBe('appliance/sam/testdata/personalisation.json');
  expect(publishedSecret(Buffer.alloc(16, 7))).toBeUndefined();
  expect(PUBLISHED_SECRETS.size).toBeGreaterThan(9);
});
