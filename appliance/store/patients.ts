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
    const row = this.#sql.patientOfCard.get(cardId);
    if (row === undefined) return undefined;
    const { patientNumber, insured } = this.#identityOf(row);
    const alternateCardIds = this.#cardIdsOf(row).filter((other) => other !== cardId);
    return { cardId, patientNumber, insured, alternateCardIds };
  }

  cardsOf(patientNumber: string): readonly string[] {
    const row = this.#numbered(patientNumber);
    return row === undefined ? [] : this.#cardIdsOf(row);
  }

  link({ cardId, alternateCardId, patientNumber, insured }: LinkPatient): void {
    const cardIds = alternateCardId === undefined ? [cardId] : [cardId, alternateCardId];
    const holders = cardIds.map((id) => this.#sql.patientOfCard.get(id)).filter((row) => row !== undefined);
    const target = this.#targetOf(patientNumber, holders);
    const known = this.#identityOf(target);
    const identity: Identity = {
      patientNumber: patientNumber ?? known.patientNumber,
      insured: insured ?? known.insured ?? this.#insuredOfNumberless(holders),
    };
    for (const id of cardIds) this.#sql.setPatientOfCard.run(id, target.patient_id);
    for (const holder of holders) this.#absorb(holder, target);
    this.#write(target.patient_id, identity);
  }

  /** Creates a patient when there is none: an unnumbered one may take the number, a numbered one keeps its own. */
  #targetOf(patientNumber: string | undefined, holders: readonly PatientRow[]): PatientRow {
    const numberless = holders.find((row) => this.#isNumberless(row));
    const numbered =
      patientNumber === undefined
        ? holders.find((row) => !this.#isNumberless(row))
        : this.#numbered(patientNumber);
    return numbered ?? numberless ?? this.#create();
  }

  /** Under an older key, too, while the rows are sealed anew. */
  #numbered(patientNumber: string): PatientRow | undefined {
    for (const index of this.#sealer.blindIndexes(patientNumber)) {
      const row = this.#sql.patientOfNumber.get(index);
      if (row !== undefined) return row;
    }
    return undefined;
  }

  #create(): PatientRow {
    const added = this.#sql.addPatient.get();
    if (added === undefined) throw new SekishoError('store.failed');
    return { ...added, sealed_identity: this.#write(added.patient_id, {}) };
  }

  #write(patientId: number, identity: Identity): Uint8Array {
    const { patientNumber } = identity;
    const index = patientNumber === undefined ? null : this.#sealer.blindIndex(patientNumber);
    const sealed = sealJson(this.#sealer, identity, place(patientId));
    this.#sql.setIdentity.run(index, sealed, patientId);
    return sealed;
  }

  /** A patient that nobody numbered exists only through its cards; they go where one of them goes. */
  #absorb(holder: PatientRow, target: PatientRow): void {
    if (holder.patient_id === target.patient_id || !this.#isNumberless(holder)) return;
    for (const id of this.#cardIdsOf(holder)) this.#sql.setPatientOfCard.run(id, target.patient_id);
    this.#sql.removePatient.run(holder.patient_id);
  }

  #insuredOfNumberless(holders: readonly PatientRow[]): InsuredNumber | undefined {
    return holders
      .filter((row) => this.#isNumberless(row))
      .map((row) => this.#identityOf(row).insured)
      .find((insured) => insured !== undefined);
  }

  #isNumberless(row: PatientRow): boolean {
    return this.#identityOf(row).patientNumber === undefined;
  }

  #identityOf({ patient_id, sealed_identity }: PatientRow): Identity {
    return unsealJson(this.#sealer, sealed_identity, place(patient_id));
  }

  #cardIdsOf({ patient_id }: PatientRow): string[] {
    return this.#sql.cardsOfPatient.all(patient_id).map(({ card_id }) => card_id);
  }
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
