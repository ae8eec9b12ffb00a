/** Keys and certificates as PEM files that only their owner reads; made once, loaded ever after. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { MalformedDer } from '../asn1/tlv.ts';
import { type Certificate, parseCertificate } from './certificate.ts';

export function encodePem(der: Uint8Array, label = 'CERTIFICATE'): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

export function parsePem(pem: string): Buffer {
  const body = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(pem)?.[1];
  if (body === undefined) throw new MalformedDer('not a PEM certificate');
  return Buffer.from(body, 'base64');
}

/** Written beside and renamed, so that a crash leaves the whole file or none. */
export function writeSecretFile(path: string, text: string): void {
  const draft = `${path}.${process.pid}.draft`;
  writeFileSync(draft, text, { mode: 0o600 });
  renameSync(draft, path);
}

export interface KeyFolder {
  keyFile(label: string): string;
  certificateFile(label: string): string;
  key(label: string, generate: () => KeyObject): KeyObject;
  certificate(label: string, issue: () => Buffer): Certificate;
}

export function openKeyFolder(folder: string): KeyFolder {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const keyFile = (label: string): string => join(folder, `${label}.key.pem`);
  const certificateFile = (label: string): string => join(folder, `${label}.cert.pem`);
  return {
    keyFile,
    certificateFile,
    key(label, generate) {
      const path = keyFile(label);
      if (existsSync(path)) return createPrivateKey(readFileSync(path));
      const key = generate();
      writeSecretFile(path, key.export({ type: 'pkcs8', format: 'pem' }).toString());
      return key;
    },
    certificate(label, issue) {
      const path = certificateFile(label);
      if (existsSync(path)) return parseCertificate(parsePem(readFileSync(path, 'utf8')));
      const der = issue();
      writeSecretFile(path, encodePem(der));
      return parseCertificate(der);
    },
  };
}
