/** A small JPKI-like hierarchy made by the openssl program, so that a foreign tool stands behind every certificate. */
import { execFileSync } from 'node:child_process';
import type { KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TestAuthority {
  readonly der: Uint8Array;
  issue(subject: string, privateKey: KeyObject): Uint8Array;
}

export interface OpensslPki {
  readonly folder: string;
  authority(name: string, privateKey: KeyObject): TestAuthority;
  /** Runs openssl in the folder; its output, trimmed. */
  openssl(...args: string[]): string;
  write(name: string, content: Uint8Array | string): string;
  remove(): void;
}

export function openOpensslPki(): OpensslPki {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-pki-'));
  const run = (...args: string[]): string =>
    execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' });
  const write = (name: string, content: Uint8Array | string): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };
  const writeKey = (name: string, key: KeyObject): string =>
    write(`${name}.key`, key.export({ type: 'pkcs8', format: 'pem' }) as string);
  const der = (name: string): Uint8Array => {
    run('x509', '-in', `${name}.pem`, '-outform', 'DER', '-out', `${name}.der`);
    return new Uint8Array(readFileSync(join(folder, `${name}.der`)));
  };
  let serial = 1000;
  return {
    folder,
    authority: (name, privateKey) => {
      writeKey(name, privateKey);
      run(
        'req',
        '-x509',
        '-key',
        `${name}.key`,
        '-subj',
        `/C=JP/O=TEST/CN=${name}`,
        '-days',
        '3650',
        '-out',
        `${name}.pem`,
      );
      return {
        der: der(name),
        issue: (subject, key) => {
          serial += 1;
          writeKey(subject, key);
          run(
            'req',
            '-new',
            '-key',
            `${subject}.key`,
            '-subj',
            `/C=JP/O=TEST/CN=${subject}`,
            '-out',
            `${subject}.csr`,
          );
          run(
            'x509',
            '-req',
            '-in',
            `${subject}.csr`,
            '-CA',
            `${name}.pem`,
            '-CAkey',
            `${name}.key`,
            '-set_serial',
            String(serial),
            '-days',
            '1000',
            '-out',
            `${subject}.pem`,
          );
          return der(subject);
        },
      };
    },
    openssl: (...args) => run(...args).trim(),
    write,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
