/**
 * The database of the platform (保険資格確認PF): devices and operators of the SP, qualifications of eligibility.
 * Besides the authorities' own register it is the only place where certificate serials are kept.
 */
import { type CentreDatabase, openDatabase } from './database.ts';

const MIGRATIONS = [
  `CREATE TABLE device (
     sam_id TEXT PRIMARY KEY,
     institution_code TEXT NOT NULL,
     serial BLOB NOT NULL,
     max_uses INTEGER NOT NULL,
     max_ticks INTEGER NOT NULL,
     revoked INTEGER NOT NULL DEFAULT 0
   );
   CREATE TABLE network (
     sam_id TEXT NOT NULL REFERENCES device ON DELETE CASCADE,
     network_id TEXT NOT NULL,
     PRIMARY KEY (sam_id, network_id)
   ) WITHOUT ROWID;
   CREATE TABLE grant_log (
     sam_id TEXT NOT NULL,
     network_id TEXT NOT NULL,
     max_uses INTEGER NOT NULL,
     issued_at_ms INTEGER NOT NULL
   );
   CREATE TABLE roster (
     institution_code TEXT PRIMARY KEY,
     version INTEGER NOT NULL
   );
   CREATE TABLE operator (
     institution_code TEXT NOT NULL,
     key_id TEXT NOT NULL,
     public_key BLOB NOT NULL,
     display_name TEXT NOT NULL,
     roles TEXT NOT NULL,
     suspended INTEGER NOT NULL,
     card_kind TEXT NOT NULL,
     PRIMARY KEY (institution_code, key_id)
   );
   CREATE TABLE certificate_link (
     issuer TEXT NOT NULL,
     serial BLOB NOT NULL,
     person_id TEXT NOT NULL,
     PRIMARY KEY (issuer, serial)
   ) WITHOUT ROWID;
   CREATE TABLE qualification (
     person_id TEXT NOT NULL,
     position INTEGER NOT NULL,
     insurer_number TEXT NOT NULL,
     symbol TEXT NOT NULL,
     number TEXT NOT NULL,
     branch TEXT NOT NULL,
     birthdate TEXT NOT NULL,
     unregistered INTEGER NOT NULL,
     content TEXT NOT NULL,
     changed_at_ms INTEGER NOT NULL,
     PRIMARY KEY (person_id, position)
   ) WITHOUT ROWID;
   CREATE INDEX qualification_by_number ON qualification (insurer_number, number, birthdate);`,
  `CREATE TABLE last_tap_proof (
     sam_id TEXT PRIMARY KEY,
     use_counter INTEGER NOT NULL,
     question_digest BLOB NOT NULL,
     answer TEXT NOT NULL
   ) WITHOUT ROWID;`,
  `CREATE TABLE institution_key (
     institution_code TEXT PRIMARY KEY,
     id_derivation_key BLOB NOT NULL
   ) WITHOUT ROWID;
   CREATE TABLE sam_key (
     sam_id TEXT PRIMARY KEY,
     institution_code TEXT NOT NULL,
     storage_key BLOB NOT NULL
   ) WITHOUT ROWID;
   CREATE TABLE rewrap_log (
     from_sam_id TEXT NOT NULL,
     to_sam_id TEXT NOT NULL,
     at_ms INTEGER NOT NULL
   );`,
  `CREATE TABLE roster_nonce (
     sam_id TEXT PRIMARY KEY,
     nonce BLOB NOT NULL,
     until_ms INTEGER NOT NULL
   ) WITHOUT ROWID;
   CREATE TABLE roster_change_log (
     institution_code TEXT NOT NULL,
     version INTEGER NOT NULL,
     administrator TEXT NOT NULL,
     message BLOB NOT NULL,
     signature BLOB NOT NULL,
     at_ms INTEGER NOT NULL,
     PRIMARY KEY (institution_code, version)
   ) WITHOUT ROWID;`,
  `CREATE TABLE disable_order (
     sam_id TEXT PRIMARY KEY,
     ordered_at_ms INTEGER NOT NULL,
     signed_at_ms INTEGER
   ) WITHOUT ROWID;`,
];

export const openPlatformDatabase = (file: string): CentreDatabase => openDatabase(file, MIGRATIONS);
