/** Which cards are whose: institution card IDs, the clinic's patient number, the insured number. */
import type { InsuredNumber } from '#contract/centre/eligibility.ts';
import { SekishoError } from '#contract/errors.ts';
import type { KnownPatient, StoreEffect } from '#evidence/ledger.ts';
import { type Database, prepare } from './database.ts';
import { type SealedColumn, type Sealer, sealJson, unsealJson } from './sealer.ts';

interface Identity {
  readonly patientNumber?: string | undefined;
  readonly insured?: InsuredNumber | undefined;
}

interface PatientRow {
  readonly patient_id: number;
  readonly sealed_identity: Uint8Array;
}

/** A row, unsealed. */
interface Patient {
  readonly id: number;
  readonly identity: Identity;
}

const place = (patientId: number): string => `patient/${patientId}/identity`;

export const PATIENT_IDENTITY: SealedColumn = {
  table: 'patient',
  column: 'sealed_identity',
  key: ['patient_id'],
  place: (patientId) => place(Number(patientId)),
  index: {
    column: 'number_index',
    textOf: (plain) => (JSON.parse(Buffer.from(plain).toString('utf8')) as Identity).patientNumber,
  },
};

type LinkPatient = Extract<StoreEffect, { do: 'link-patient' }>;

export class PatientTable {
  readonly #sql: ReturnType<typeof prepareSql>;
  readonly #sealer: Sealer;

  constructor(database: Database, sealer: Sealer) {
    this.#sql = prepareSql(database);
    this.#sealer = sealer;
  }

  byCard(cardId: string): KnownPatient | undefined {
    const patient = this.#ofCard(cardId);
    if (patient === undefined) return undefined;
    const { patientNumber, insured } = patient.identity;
    const alternateCardIds = this.#cardIdsOf(patient).filter((other) => other !== cardId);
    return { cardId, patientNumber, insured, alternateCardIds };
  }

  cardsOf(patientNumber: string): readonly string[] {
    const patient = this.#numbered(patientNumber);
    return patient === undefined ? [] : this.#cardIdsOf(patient);
  }

  link({ cardId, alternateCardId, patientNumber, insured }: LinkPatient): void {
    const cardIds = alternateCardId === undefined ? [cardId] : [cardId, alternateCardId];
    const holders = cardIds.map((id) => this.#ofCard(id)).filter((patient) => patient !== undefined);
    const target = this.#targetOf(patientNumber, holders);
    const identity: Identity = {
      patientNumber: patientNumber ?? target.identity.patientNumber,
      insured: insured ?? target.identity.insured ?? insuredOfNumberless(holders),
    };
    for (const id of cardIds) this.#sql.setPatientOfCard.run(id, target.id);
    for (const holder of holders) this.#absorb(holder, target);
    this.#write(target.id, identity);
  }

  /** Creates a patient when there is none: an unnumbered one may take the number, a numbered one keeps its own. */
  #targetOf(patientNumber: string | undefined, holders: readonly Patient[]): Patient {
    const numberless = holders.find(isNumberless);
    const numbered =
      patientNumber === undefined
        ? holders.find((patient) => !isNumberless(patient))
        : this.#numbered(patientNumber);
    return numbered ?? numberless ?? this.#create();
  }

  #ofCard(cardId: string): Patient | undefined {
    return this.#unsealed(this.#sql.patientOfCard.get(cardId));
  }

  /** Under an older key, too, while the rows are sealed anew. */
  #numbered(patientNumber: string): Patient | undefined {
    for (const index of this.#sealer.blindIndexes(patientNumber)) {
      const patient = this.#unsealed(this.#sql.patientOfNumber.get(index));
      if (patient !== undefined) return patient;
    }
    return undefined;
  }

  #create(): Patient {
    const added = this.#sql.addPatient.get();
    if (added === undefined) throw new SekishoError('store.failed');
    return { id: added.patient_id, identity: {} };
  }

  #write(patientId: number, identity: Identity): void {
    const { patientNumber } = identity;
    const index = patientNumber === undefined ? null : this.#sealer.blindIndex(patientNumber);
    const sealed = sealJson(this.#sealer, identity, place(patientId));
    this.#sql.setIdentity.run(index, sealed, patientId);
  }

  /** A patient that nobody numbered exists only through its cards; they go where one of them goes. */
  #absorb(holder: Patient, target: Patient): void {
    if (holder.id === target.id || !isNumberless(holder)) return;
    for (const id of this.#cardIdsOf(holder)) this.#sql.setPatientOfCard.run(id, target.id);
    this.#sql.removePatient.run(holder.id);
  }

  #unsealed(row: PatientRow | undefined): Patient | undefined {
    if (row === undefined) return undefined;
    const { patient_id: id, sealed_identity } = row;
    return { id, identity: unsealJson(this.#sealer, sealed_identity, place(id)) };
  }

  #cardIdsOf({ id }: Patient): string[] {
    return this.#sql.cardsOfPatient.all(id).map(({ card_id }) => card_id);
  }
}

function isNumberless({ identity }: Patient): boolean {
  return identity.patientNumber === undefined;
}

function insuredOfNumberless(holders: readonly Patient[]): InsuredNumber | undefined {
  return holders
    .filter(isNumberless)
    .map(({ identity }) => identity.insured)
    .find((insured) => insured !== undefined);
}

function prepareSql(database: Database) {
  return {
    patientOfCard: prepare<[string], PatientRow>(
      database,
      'SELECT patient_id, sealed_identity FROM card JOIN patient USING (patient_id) WHERE card_id = ?',
    ),
    patientOfNumber: prepare<[Uint8Array], PatientRow>(
      database,
      'SELECT patient_id, sealed_identity FROM patient WHERE number_index = ?',
    ),
    cardsOfPatient: prepare<[number], { card_id: string }>(
      database,
      'SELECT card_id FROM card WHERE patient_id = ? ORDER BY card_id',
    ),
    addPatient: prepare<[], Pick<PatientRow, 'patient_id'>>(
      database,
      `INSERT INTO patient (sealed_identity) VALUES (x'') RETURNING patient_id`,
    ),
    setIdentity: prepare<[Uint8Array | null, Uint8Array, number]>(
      database,
      'UPDATE patient SET number_index = ?, sealed_identity = ? WHERE patient_id = ?',
    ),
    setPatientOfCard: prepare<[string, number]>(
      database,
      `INSERT INTO card (card_id, patient_id) VALUES (?, ?)
       ON CONFLICT (card_id) DO UPDATE SET patient_id = excluded.patient_id`,
    ),
    removePatient: prepare<[number]>(database, 'DELETE FROM patient WHERE patient_id = ?'),
  };
}
