/** Who is insured where, and which certificate belongs to whom. */
import { Qualification } from '#contract/centre/eligibility.ts';
import type { CentreDatabase } from '../database.ts';

export interface QualificationRecord {
  readonly qualification: Qualification;
  /** 医療扶助 that the municipality has not entered yet: valid, but 未登録. */
  readonly unregistered: boolean;
}

export interface StoredQualification extends QualificationRecord {
  readonly personId: string;
  readonly changedAtMs: number;
}

export interface InsuredKey {
  readonly insurerNumber: string;
  readonly symbol: string | undefined;
  readonly number: string;
  readonly branch: string | undefined;
  /** YYYYMMDD */
  readonly birthdate: string;
}

export interface EligibilityStore {
  linkCertificate(issuerKeyId: string, serial: Uint8Array, personId: string): void;
  findPerson(issuerKeyId: string, serial: Uint8Array): string | undefined;
  replaceQualifications(personId: string, records: readonly QualificationRecord[], changedAtMs: number): void;
  qualificationsOf(personId: string): StoredQualification[];
  findByNumber(key: InsuredKey): StoredQualification[];
  /** Many changes in one commit. */
  batch(work: () => void): void;
}

interface Row {
  readonly person_id: string;
  readonly unregistered: number;
  readonly content: string;
  readonly changed_at_ms: number;
}

const toStored = (row: Row): StoredQualification => ({
  personId: row.person_id,
  unregistered: row.unregistered !== 0,
  qualification: Qualification.parse(JSON.parse(row.content)),
  changedAtMs: row.changed_at_ms,
});

/** 記号 and 番号 come in full-width and half-width characters and mean the same. */
const fold = (text: string | undefined): string => (text ?? '').normalize('NFKC').trim();

export function createEligibilityStore(database: CentreDatabase): EligibilityStore {
  return {
    linkCertificate(issuer, serial, personId) {
      database.run('INSERT OR REPLACE INTO certificate_link VALUES (?, ?, ?)', issuer, serial, personId);
    },
    findPerson: (issuer, serial) =>
      database.get<{ person_id: string }>(
        'SELECT person_id FROM certificate_link WHERE issuer = ? AND serial = ?',
        issuer,
        serial,
      )?.person_id,
    replaceQualifications: (personId, records, changedAtMs) =>
      replaceQualifications(database, personId, records, changedAtMs),
    qualificationsOf: (personId) =>
      database
        .all<Row>('SELECT * FROM qualification WHERE person_id = ? ORDER BY position', personId)
        .map(toStored),
    findByNumber: (key) => findByNumber(database, key),
    batch: (work) => database.transaction(work),
  };
}

function replaceQualifications(
  database: CentreDatabase,
  personId: string,
  records: readonly QualificationRecord[],
  changedAtMs: number,
): void {
  database.run('DELETE FROM qualification WHERE person_id = ?', personId);
  for (const [position, { qualification, unregistered }] of records.entries()) {
    database.run(
      'INSERT INTO qualification VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      personId,
      position,
      qualification.InsurerNumber,
      fold(qualification.InsuredCardSymbol),
      fold(qualification.InsuredIdentificationNumber),
      qualification.InsuredBranchNumber ?? '',
      qualification.Birthdate,
      unregistered ? 1 : 0,
      JSON.stringify(qualification),
      changedAtMs,
    );
  }
}

/** A question without 枝番 means every member of the family with that birth date. */
function findByNumber(database: CentreDatabase, key: InsuredKey): StoredQualification[] {
  return database
    .all<Row>(
      `SELECT * FROM qualification
       WHERE insurer_number = ? AND number = ? AND birthdate = ? AND symbol = ? AND (? = '' OR branch = ?)
       ORDER BY person_id, position`,
      key.insurerNumber,
      fold(key.number),
      key.birthdate,
      fold(key.symbol),
      key.branch ?? '',
      key.branch ?? '',
    )
    .map(toStored);
}
