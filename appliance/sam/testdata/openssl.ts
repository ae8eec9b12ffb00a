/** The openssl command line as referee. */
import { execFileSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Signed {
  readonly message: Uint8Array;
  /** DER, or PKCS#1 v1.5. */
  readonly signature: Uint8Array;
  readonly spki: Uint8Array;
  readonly digest: 'sha256' | 'sha384';
}

/** Runs `use` with a way to write files into a folder that is gone afterwards. */
function inFolder<Result>(use: (file: (name: string, bytes: Uint8Array) => string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-sam-'));
  try {
    return use((name, bytes) => {
      const path = join(folder, name);
      writeFileSync(path, bytes);
      return path;
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function openssl(args: readonly string[]): Uint8Array {
  return new Uint8Array(execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] }));
}

/** True when `openssl dgst -verify` says so. */
export function opensslVerifies({ message, signature, spki, digest }: Signed): boolean {
  return inFolder((file) => {
    const key = ['-verify', file('key.der', spki), '-keyform', 'DER'];
    const signed = ['-signature', file('signature', signature), file('message', message)];
    try {
      openssl(['dgst', `-${digest}`, ...key, ...signed]);
      return true;
    } catch {
      return false;
    }
  });
}

interface TestAuthority {
  readonly key: Uint8Array;
  readonly certificate: Uint8Array;
}

let authority: TestAuthority | undefined;

/** An X.509 certificate (DER) for `spki`, by a CA that lives as long as the test process. */
export function opensslCertifies(spki: Uint8Array, commonName: string): Uint8Array {
  authority ??= makeAuthority();
  const { key, certificate } = authority;
  const pem = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' }).export({
    format: 'pem',
    type: 'spki',
  });
  return inFolder((file) => {
    const subject = [
      '-new',
      '-force_pubkey',
      file('key.pem', Buffer.from(pem)),
      '-subj',
      `/CN=${commonName}`,
    ];
    const issuer = ['-CA', file('ca.pem', certificate), '-CAkey', file('ca.key', key)];
    return openssl(['x509', ...subject, ...issuer, '-outform', 'DER']);
  });
}

function makeAuthority(): TestAuthority {
  const key = openssl(['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']);
  return inFolder((file) => ({
    key,
    certificate: openssl(['req', '-x509', '-new', '-key', file('ca.key', key), '-subj', '/CN=Test CA']),
  }));
}

export function opensslCmac(key: Uint8Array, message: Uint8Array): string {
  const hexKey = Buffer.from(key).toString('hex');
  const args = [
    'mac',
    '-cipher',
    `AES-${key.length * 8}-CBC`,
    '-macopt',
    `hexkey:${hexKey}`,
    '-in',
    '-',
    'CMAC',
  ];
  return execFileSync('openssl', args, { input: message }).toString().trim().toLowerCase();
}

/** AES-256 key wrap. @see RFC 3394 */
export function opensslWraps(key: Uint8Array, plain: Uint8Array): Uint8Array {
  const hexKey = Buffer.from(key).toString('hex');
  const args = ['enc', '-e', '-id-aes256-wrap', '-K', hexKey, '-iv', 'a6'.repeat(8)];
  return new Uint8Array(execFileSync('openssl', args, { input: plain }));
}
