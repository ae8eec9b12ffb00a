/** A CA made by the `openssl` command line: the foreign side of this room's tests. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type KeyKind = 'p-256' | 'p-384' | 'rsa-2048';

const KEY_ARGUMENTS: Record<KeyKind, string[]> = {
  'p-256': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'p-384': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  'rsa-2048': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
};

export interface IssuedCertificate {
  readonly name: string;
  readonly pem: string;
  readonly der: Uint8Array;
  readonly keyPem: string;
  /** Paths, for openssl. */
  readonly certFile: string;
  readonly keyFile: string;
}

export interface IssueOptions {
  readonly subject?: string;
  readonly key?: KeyKind;
  /** Lines of an openssl extension section, and any sections they refer to. */
  readonly extensions?: string;
  /** YYYYMMDDHHMMSSZ */
  readonly from?: string;
  readonly to?: string;
}

export class OpensslAuthority {
  readonly directory: string;
  readonly certificate: IssuedCertificate;

  constructor(directory: string, certificate: IssuedCertificate) {
    this.directory = directory;
    this.certificate = certificate;
  }

  /** Runs openssl in this authority's folder. */
  run(...argv: string[]): Buffer {
    return openssl(this.directory, ...argv);
  }

  issue(name: string, options: IssueOptions = {}): IssuedCertificate {
    const { keyFile, requestFile } = makeRequest(this.directory, name, options);
    const extensionFile = join(this.directory, `${name}.ext`);
    const certFile = join(this.directory, `${name}.pem`);
    writeFileSync(extensionFile, `[v3]\n${options.extensions ?? 'keyUsage=critical,digitalSignature'}\n`);
    this.run(
      ...['ca', '-batch', '-notext', '-config', 'ca.cnf', '-in', requestFile, '-out', certFile],
      ...['-cert', this.certificate.certFile, '-keyfile', this.certificate.keyFile],
      ...['-extfile', extensionFile, '-extensions', 'v3', '-preserveDN'],
      ...['-startdate', options.from ?? '20240101000000Z', '-enddate', options.to ?? '20490101000000Z'],
    );
    return readIssued(name, certFile, keyFile);
  }

  /** A CA below this one. */
  issueAuthority(name: string, extensions = ''): OpensslAuthority {
    const directory = join(this.directory, `${name}.ca`);
    makeFolder(directory);
    const issued = this.issue(name, {
      extensions: `basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n${extensions}`,
    });
    return new OpensslAuthority(directory, issued);
  }

  revoke(issued: IssuedCertificate, reason: string): void {
    this.run(
      ...['ca', '-config', 'ca.cnf', '-revoke', issued.certFile, '-crl_reason', reason],
      ...['-cert', this.certificate.certFile, '-keyfile', this.certificate.keyFile],
    );
  }

  /** DER. */
  crl(...extra: string[]): Uint8Array {
    this.run(
      ...['ca', '-config', 'ca.cnf', '-gencrl', '-out', 'list.pem'],
      ...['-cert', this.certificate.certFile, '-keyfile', this.certificate.keyFile],
      ...extra,
    );
    return this.run('crl', '-in', 'list.pem', '-outform', 'DER');
  }

  /** Answers an OCSP request as `openssl ocsp` does. */
  ocsp(request: Uint8Array, signer: IssuedCertificate, ...extra: string[]): Uint8Array {
    writeFileSync(join(this.directory, 'request.der'), request);
    this.run(
      ...['ocsp', '-index', 'index.txt', '-CA', this.certificate.certFile, '-reqin', 'request.der'],
      ...['-rsigner', signer.certFile, '-rkey', signer.keyFile, '-respout', 'response.der', '-rmd', 'sha256'],
      ...(extra.length > 0 ? extra : ['-nmin', '5']),
    );
    return readFileSync(join(this.directory, 'response.der'));
  }
}

function makeFolder(directory: string): void {
  mkdirSync(directory);
  writeFileSync(join(directory, 'index.txt'), '');
  writeFileSync(join(directory, 'index.txt.attr'), 'unique_subject = no\n');
  writeFileSync(join(directory, 'serial.txt'), 'C001\n');
  writeFileSync(join(directory, 'crlnumber.txt'), '01\n');
  writeFileSync(join(directory, 'ca.cnf'), caConfiguration(directory));
}

export function openssl(directory: string, ...argv: string[]): Buffer {
  return execFileSync('openssl', argv, {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 2 ** 26,
  });
}

function makeRequest(
  directory: string,
  name: string,
  { subject, key }: IssueOptions,
): { keyFile: string; requestFile: string } {
  const keyFile = join(directory, `${name}.key`);
  const requestFile = join(directory, `${name}.csr`);
  openssl(directory, 'genpkey', ...KEY_ARGUMENTS[key ?? 'p-256'], '-out', keyFile);
  const subjectArguments = ['-subj', subject ?? `/C=JP/O=Sekisho test/CN=${name}`];
  openssl(directory, 'req', '-new', '-key', keyFile, ...subjectArguments, '-out', requestFile);
  return { keyFile, requestFile };
}

function readIssued(name: string, certFile: string, keyFile: string): IssuedCertificate {
  const pem = readFileSync(certFile, 'utf8');
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64');
  return { name, pem, der, keyPem: readFileSync(keyFile, 'utf8'), certFile, keyFile };
}

function caConfiguration(directory: string): string {
  return `
[ca]
default_ca = here
[here]
dir = ${directory}
database = $dir/index.txt
new_certs_dir = $dir
serial = $dir/serial.txt
crlnumber = $dir/crlnumber.txt
default_md = sha256
default_crl_days = 7
policy = any
[any]
countryName = optional
organizationName = optional
organizationalUnitName = optional
commonName = optional
`;
}

/** A temporary folder, and how to remove it. */
export function openFolder(): { directory: string; remove: () => void } {
  const directory = mkdtempSync(join(tmpdir(), 'sekisho-openssl-'));
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/** A self-signed root in a folder of its own below `parent`. */
export function openRoot(parent: string, name: string, options: IssueOptions = {}): OpensslAuthority {
  const directory = join(parent, name);
  makeFolder(directory);
  const { keyFile, requestFile } = makeRequest(directory, name, options);
  const certFile = join(directory, `${name}.pem`);
  const extensionFile = join(directory, 'root.ext');
  const extensions =
    'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash';
  writeFileSync(extensionFile, `[v3]\n${options.extensions ?? extensions}\n`);
  openssl(
    directory,
    ...['ca', '-selfsign', '-batch', '-notext', '-config', 'ca.cnf', '-in', requestFile, '-out', certFile],
    ...['-keyfile', keyFile, '-extfile', extensionFile, '-extensions', 'v3', '-preserveDN'],
    ...['-startdate', options.from ?? '20150101000000Z', '-enddate', options.to ?? '20490101000000Z'],
  );
  return new OpensslAuthority(directory, readIssued(name, certFile, keyFile));
}
