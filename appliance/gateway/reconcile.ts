/** Closes what a visit left open: revocation by the SP's list of revoked card hashes, eligibility by insured number. */
import type { InsuredNumber } from '#contract/centre/eligibility.ts';
import type { RevokedCards } from '#contract/centre/service-provider.ts';
import { SekishoError, toSekishoError } from '#contract/errors.ts';
import type { Visit } from '#contract/visit.ts';
import type { OpenQuestion, OpenQuestionRow, StoreEffect } from '#evidence/ledger.ts';
import { askEligibility, viewEligibility } from './eligibility-check.ts';
import type { GatewayParts } from './parts.ts';
import type { FreshEligibility } from './visit-writer.ts';

const BATCH = 50;

/** What became of one question, or undefined when it stays open. */
interface Closed {
  readonly visit: Visit;
  readonly result: string;
  readonly effects: readonly StoreEffect[];
}

/** One pass over some questions. */
interface Run {
  readonly rows: readonly OpenQuestionRow[];
  /** What a clerk typed for this visit. */
  readonly typed: InsuredNumber | undefined;
  readonly by: string;
  /** One list answers for all of them. */
  revokedCards: Promise<RevokedCards> | undefined;
}

export class Reconciliation {
  readonly #parts: GatewayParts;
  readonly #stop: AbortSignal;
  /** Two runs must not close one question twice. */
  #running: Promise<void> = Promise.resolve();

  /** `stop` ends a run between two questions. */
  constructor(parts: GatewayParts, stop: AbortSignal) {
    this.#parts = parts;
    this.#stop = stop;
  }

  /** Tries open questions once, the least tried first. Resolves when done; failures stay open with one more attempt. */
  runAll(): Promise<void> {
    return this.#run(() => ({ rows: this.#parts.queries.openQuestions(BATCH), by: 'appliance' }));
  }

  /** Closes what a patient number, just linked to `cardId`, answers; asks nobody. */
  runPatientNumber(cardId: string, by: string): Promise<void> {
    const isAnswered = (row: OpenQuestionRow): boolean =>
      row.question === 'patient-number' && this.#parts.queries.visit(row.visitId)?.cardId === cardId;
    return this.#run(() => ({ rows: this.#allRows().filter(isAnswered), by }));
  }

  /** Tries the open questions of one visit, with an insured number that a clerk may have typed. */
  async runVisit(visitId: string, typed: InsuredNumber | undefined, by: string): Promise<Visit> {
    const visit = this.#parts.queries.visit(visitId);
    if (visit === undefined) throw new SekishoError('visit.unknown');
    if (visit.unresolved.length === 0) throw new SekishoError('visit.already-resolved');
    await this.#run(() => ({ rows: this.#allRows().filter((row) => row.visitId === visitId), typed, by }));
    return this.#parts.queries.visit(visitId) ?? visit;
  }

  #allRows(): readonly OpenQuestionRow[] {
    return this.#parts.queries.openQuestions(Number.MAX_SAFE_INTEGER);
  }

  #run(begin: () => Pick<Run, 'rows' | 'by'> & { typed?: InsuredNumber | undefined }): Promise<void> {
    const done = this.#running.then(() =>
      this.#runRows({ typed: undefined, revokedCards: undefined, ...begin() }),
    );
    this.#running = done.catch(() => undefined);
    return done;
  }

  async #runRows(run: Run): Promise<void> {
    for (const row of run.rows) {
      if (this.#stop.aborted) return;
      try {
        const closed = await this.#close(row, run);
        if (closed === undefined) this.#parts.queries.countAttempt(row.visitId, row.question);
        else await this.#write(row.visitId, row.question, closed, run.by);
      } catch (thrown) {
        this.#parts.queries.countAttempt(row.visitId, row.question);
        const { code } = toSekishoError(thrown);
        this.#parts.logger.info('reconcile.later', { question: row.question, code });
      }
    }
  }

  #close(row: OpenQuestionRow, run: Run): Promise<Closed | undefined> {
    const visit = this.#parts.queries.visit(row.visitId);
    if (visit === undefined) throw new SekishoError('visit.unknown');
    switch (row.question) {
      case 'revocation':
        return this.#closeRevocation(visit, row, run);
      case 'eligibility':
        return this.#closeEligibility(visit, row, run);
      case 'patient-number':
        return Promise.resolve(this.#closePatientNumber(visit));
    }
  }

  async #closeRevocation(visit: Visit, row: OpenQuestionRow, run: Run): Promise<Closed | undefined> {
    if (row.serialHash === undefined) return undefined;
    run.revokedCards ??= this.#parts.centre.serviceProvider.revokedCards(this.#stop);
    const list = await run.revokedCards;
    // A list from before the visit says nothing about the visit.
    if (Date.parse(list.asOf) < Date.parse(visit.at)) return undefined;
    const next = without(visit, 'revocation');
    if (list.hashes.includes(row.serialHash)) {
      // The patient was received, and should not have been: the clerk must see it in the history.
      return { visit: { ...next, error: 'patient.revoked-other' }, result: 'revoked', effects: [] };
    }
    const { certificate } = visit;
    return {
      visit:
        certificate === undefined ? next : { ...next, certificate: { ...certificate, revocation: 'good' } },
      result: 'good',
      effects: [],
    };
  }

  async #closeEligibility(visit: Visit, row: OpenQuestionRow, run: Run): Promise<Closed | undefined> {
    const typed = run.typed ?? row.insured;
    // Before the question: whoever typed it need not do so again, whatever becomes of this attempt.
    if (run.typed !== undefined) this.#parts.queries.keepInsured(row.visitId, row.question, run.typed);
    const insured = typed ?? this.#knownInsured(visit);
    if (insured === undefined) return undefined;
    const asked = await askEligibility(
      () =>
        this.#parts.centre.eligibility.byInsuredNumber(
          {
            ...insured,
            MedicalInstitutionCode: this.#parts.samAccess.institutionCode,
            LimitApplicationCertificateRelatedConsFlg: '0',
            ArbitraryIdentifier: visit.visitId,
          },
          this.#stop,
        ),
      () => this.#parts.clock.nowMs(),
    );
    if ('unavailable' in asked) return undefined;
    const known = visit.cardId === undefined ? undefined : this.#parts.queries.lastEligibility(visit.cardId);
    const view = viewEligibility(asked, known);
    const effects = visit.cardId === undefined ? [] : remember(visit.cardId, asked, typed);
    return { visit: { ...without(visit, 'eligibility'), eligibility: view }, result: view.validity, effects };
  }

  #knownInsured({ cardId, patientNumber }: Visit): InsuredNumber | undefined {
    const { queries } = this.#parts;
    const anyCardId = cardId ?? (patientNumber === undefined ? [] : queries.cardsOfPatient(patientNumber))[0];
    return anyCardId === undefined ? undefined : queries.patientByCard(anyCardId)?.insured;
  }

  #closePatientNumber(visit: Visit): Closed | undefined {
    const patientNumber =
      visit.cardId === undefined ? undefined : this.#parts.queries.patientByCard(visit.cardId)?.patientNumber;
    if (patientNumber === undefined) return undefined;
    return { visit: { ...without(visit, 'patient-number'), patientNumber }, result: 'linked', effects: [] };
  }

  async #write(visitId: string, question: OpenQuestion, closed: Closed, by: string): Promise<void> {
    const at = new Date(this.#parts.clock.nowMs()).toISOString();
    await this.#parts.ledger.append(
      { kind: 'reconciled', at, visitId, question, result: closed.result, by },
      {
        effects: () => [...closed.effects, { do: 'close-question', visitId, question, visit: closed.visit }],
      },
    );
  }
}

function remember(
  cardId: string,
  { answer, checkedAtMs }: FreshEligibility,
  typed: InsuredNumber | undefined,
): StoreEffect[] {
  const known: StoreEffect = { do: 'remember-eligibility', cardId, answer, checkedAtMs };
  return typed === undefined ? [known] : [known, { do: 'link-patient', cardId, insured: typed }];
}

function without(visit: Visit, question: OpenQuestion): Visit {
  return { ...visit, unresolved: visit.unresolved.filter((each) => each !== question) };
}
