/** Certificates that a verifier of the evidence will need: the SAM's, and the time-stamp authority's. */
import { hash } from 'node:crypto';
import type { CarriedCertificate, CertificateRole } from '#evidence/export-format.ts';
import { type Database, prepare } from './database.ts';

export interface CertificateShelf {
  /** Keeps a certificate for the export; keeping it again changes nothing. */
  keep(role: CertificateRole, der: Uint8Array): void;
}

export function createCertificateShelf(database: Database): CertificateShelf {
  const keep = prepare<[string, string, Uint8Array]>(
    database,
    'INSERT INTO certificate (sha256, role, der) VALUES (?, ?, ?) ON CONFLICT (sha256) DO NOTHING',
  );
  return {
    keep(role, der) {
      keep.run(hash('sha256', der, 'hex'), role, der);
    },
  };
}

export function readCertificates(database: Database): readonly CarriedCertificate[] {
  return prepare<[], CarriedCertificate>(database, 'SELECT role, der FROM certificate ORDER BY rowid').all();
}
