/** Certificate and time-stamp authorities for tests, by the openssl command: a judge that shares no code with us. */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CarriedCertificate, CertificateRole } from '../export-format.ts';
import type { TimeStampVerifier } from '../time-stamp.ts';

const EXTENSIONS = `
[ca]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[device]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
[tsa]
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[tsa_config]
serial = tsa.serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
[req]
distinguished_name = dn
[dn]
`;

export class ScriptedAuthorities {
  readonly folder: string;

  /** Leaves sam-root.pem, sam-ca.pem, device.pem, tsa-root.pem and tsa.pem in `folder`. */
  constructor(folder: string, devicePrivateKeyPem: string) {
    this.folder = folder;
    writeFileSync(join(folder, 'x.cnf'), EXTENSIONS);
    writeFileSync(join(folder, 'tsa.serial'), '01\n');
    writeFileSync(join(folder, 'device.key'), devicePrivateKeyPem);
    this.#root('sam-root');
    this.issue('sam-ca', 'ca', 'sam-root');
    this.issue('device', 'device', 'sam-ca', 'device.key');
    this.#root('tsa-root');
    this.issue('tsa', 'tsa', 'tsa-root');
  }

  pem(name: string): string {
    return readFileSync(join(this.folder, `${name}.pem`), 'utf8');
  }

  der(name: string): Buffer {
    return this.openssl(['x509', '-in', `${name}.pem`, '-outform', 'DER']);
  }

  carried(): CarriedCertificate[] {
    const roles: [CertificateRole, string][] = [
      ['sam-device', 'device'],
      ['sam-ca', 'sam-ca'],
      ['tsa', 'tsa'],
    ];
    return roles.map(([role, name]) => ({ role, der: this.der(name) }));
  }

  issue(name: string, extensions: string, issuer: string, key = this.#key(name)): void {
    this.openssl([
      'req',
      '-new',
      '-config',
      'x.cnf',
      '-key',
      key,
      '-subj',
      `/O=TEST/CN=${name}`,
      '-out',
      'x.csr',
    ]);
    const sign = [
      'x509',
      '-req',
      '-in',
      'x.csr',
      '-CA',
      `${issuer}.pem`,
      '-CAkey',
      `${issuer}.key`,
      '-days',
      '3650',
    ];
    this.openssl([...sign, '-extfile', 'x.cnf', '-extensions', extensions, '-out', `${name}.pem`]);
  }

  /** An RFC 3161 token over `stamped`. */
  timeStamp(stamped: Buffer): Buffer {
    writeFileSync(join(this.folder, 'stamped.bin'), stamped);
    this.openssl(['ts', '-query', '-data', 'stamped.bin', '-sha256', '-cert', '-out', 'q.tsq']);
    const reply = ['ts', '-reply', '-config', 'x.cnf', '-section', 'tsa_config', '-queryfile', 'q.tsq'];
    this.openssl([...reply, '-token_out', '-out', 'token.der']);
    return readFileSync(join(this.folder, 'token.der'));
  }

  readonly verifyTimeStamp: TimeStampVerifier = async ({ token, digest, anchorsPem }) => {
    writeFileSync(join(this.folder, 'judge.der'), token);
    writeFileSync(join(this.folder, 'judge.pem'), anchorsPem);
    try {
      const hex = Buffer.from(digest).toString('hex');
      const judge = [
        'ts',
        '-verify',
        '-digest',
        hex,
        '-in',
        'judge.der',
        '-token_in',
        '-CAfile',
        'judge.pem',
      ];
      this.openssl(judge);
    } catch {
      return undefined;
    }
    const text = this.openssl(['ts', '-reply', '-in', 'judge.der', '-token_in', '-text']).toString();
    return { genTimeMs: Date.parse(/Time stamp: (.*)/.exec(text)?.[1] ?? ''), accuracyMs: 1_000 };
  };

  openssl(args: readonly string[]): Buffer {
    return execFileSync('openssl', args, { cwd: this.folder, stdio: ['ignore', 'pipe', 'pipe'] });
  }

  #key(name: string): string {
    this.openssl([
      'genpkey',
      '-algorithm',
      'EC',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-out',
      `${name}.key`,
    ]);
    return `${name}.key`;
  }

  #root(name: string): void {
    const key = this.#key(name);
    const self = [
      'req',
      '-x509',
      '-new',
      '-config',
      'x.cnf',
      '-extensions',
      'ca',
      '-key',
      key,
      '-days',
      '3650',
    ];
    this.openssl([...self, '-subj', `/O=TEST/CN=${name}`, '-out', `${name}.pem`]);
  }
}
