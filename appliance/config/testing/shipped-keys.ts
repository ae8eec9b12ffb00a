/**
 * Finds every key in the files of this project, by its form alone: PKCS#8 and SubjectPublicKeyInfo in PEM, base64 or
 * hexadecimal, also inside of certificates and commands; and the symmetric keys of the vectors, by their names.
 */
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { keyFingerprint } from '../published-keys.ts';

/** Fingerprint and the first file that has it. */
export type Places = Map<string, string>;

const TEXT_FILES = /\.(json|pem|ts|mjs|py|sh|md|txt)$/;
const NOT_OURS = new Set(['node_modules', 'build', 'state']);
const THE_LIST = /published-keys\.generated\.ts$/;
/** SEQUENCE { SEQUENCE { OID …, or with the INTEGER 0 of PKCS#8 between. */
const KEY_HEAD = /30(?:[0-7][0-9a-f]|81..|82....)(020100)?30[01][0-9a-f]06/g;
const HEX_RUN = /[0-9a-f]{80,}/gi;
const BASE64_RUN = /[A-Za-z0-9+/]{56,}={0,2}/g;
const PEM_BODY = /(?<=-----BEGIN [A-Z0-9 ]+-----)[^-]+(?=-----END)/g;
/** As a file and as a JSON string have them. */
const LINE_ENDS = /\\[nr]|\s/g;
/** The value of a property that is called a key, 16, 24 or 32 bytes long. */
const NAMED_SECRET =
  /\b(?:enc|mac|dek|key|encryption|dataEncryption|\w+Key)\b['"]?: ?['"]((?:[0-9a-f]{32}){1,2}|[0-9a-f]{48})['"]/gi;

export function shippedKeys(root: string, folders: readonly string[]): Places {
  return collect(root, folders, (text) => {
    const hex = [...(text.match(HEX_RUN) ?? []), ...base64Runs(text).map((run) => toHex(run))];
    return hex.flatMap((run) => keysIn(run.toLowerCase()));
  });
}

export function shippedSecrets(root: string, folders: readonly string[]): Places {
  return collect(root, folders, (text) =>
    [...text.matchAll(NAMED_SECRET)].map(([, secret = '']) => keyFingerprint(Buffer.from(secret, 'hex'))),
  );
}

function collect(root: string, folders: readonly string[], find: (text: string) => string[]): Places {
  const places: Places = new Map();
  for (const folder of folders)
    for (const path of filesBelow(root, folder))
      for (const fingerprint of find(readFileSync(join(root, path), 'utf8')))
        if (!places.has(fingerprint)) places.set(fingerprint, path);
  return places;
}

function filesBelow(root: string, folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .filter(({ name }) => !NOT_OURS.has(name))
    .sort((one, other) => (one.name < other.name ? -1 : 1))
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      if (entry.isDirectory()) return filesBelow(root, path);
      return TEXT_FILES.test(path) && !THE_LIST.test(path) ? [path] : [];
    });
}

function base64Runs(text: string): string[] {
  const pem = (text.match(PEM_BODY) ?? []).map((body) => body.replace(LINE_ENDS, ''));
  return [text, ...pem].flatMap((part) => part.match(BASE64_RUN) ?? []);
}

function keysIn(hex: string): string[] {
  return [...hex.matchAll(KEY_HEAD)]
    .filter(({ index }) => index % 2 === 0)
    .flatMap(({ index, 1: isPrivate }) => {
      const der = Buffer.from(hex.slice(index), 'hex');
      const whole = der.subarray(0, lengthOf(der));
      try {
        const key = isPrivate
          ? createPublicKey(createPrivateKey({ key: whole, format: 'der', type: 'pkcs8' }))
          : createPublicKey({ key: whole, format: 'der', type: 'spki' });
        return [keyFingerprint(key.export({ type: 'spki', format: 'der' }))];
      } catch {
        return [];
      }
    });
}

/** Of the DER object that begins here, with its head. @see X.690 §8.1.3 */
function lengthOf(der: Buffer): number {
  const first = der[1] ?? 0;
  if (first < 0x80) return 2 + first;
  return first === 0x81 ? 3 + (der[2] ?? 0) : 4 + der.readUInt16BE(2);
}

function toHex(base64: string): string {
  return Buffer.from(base64, 'base64').toString('hex');
}
