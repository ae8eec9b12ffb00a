/** Closes what a visit left open: revocation by the SP's list of revoked card hashes, eligibility by insured number. */
import type { InsuredNumber } from '#contract/centre/eligibility.ts';
import { SekishoError, toSekishoError } from '#contract/errors.ts';
import type { Visit } from '#contract/visit.ts';
import type { OpenQuestion, OpenQuestionRow, StoreEffect } from '#evidence/ledger.ts';
import { askEligibility, viewEligibility } from './eligibility-check.ts';
import type { GatewayParts } from './parts.ts';

const BATCH = 50;

/** What became of one question, or undefined when it stays open. */
interface Closed {
  readonly visit: Visit;
  readonly result: string;
  readonly effects: readonly StoreEffect[];
}

export class Reconciliation {
  readonly #parts: GatewayParts;
  /** Two runs must not close one question twice. */
  #running: Promise<void> = Promise.resolve();

  constructor(parts: GatewayParts) {
    this.#parts = parts;
  }

  /** Tries every open question once, oldest first. Resolves when done; failures stay open with one more attempt. */
  runAll(): Promise<void> {
    const run = this.#running.then(() =>
      this.#runRows(this.#parts.queries.openQuestions(BATCH), undefined, 'appliance'),
    );
    this.#running = run.catch(() => undefined);
    return run;
  }

  /** Tries the open questions of one visit, with an insured number that a clerk may have typed. */
  async runVisit(visitId: string, insured: InsuredNumber | undefined, operatorId: string): Promise<Visit> {
    const visit = this.#parts.queries.visit(visitId);
    if (visit === undefined) throw new SekishoError('visit.unknown');
    if (visit.unresolved.length === 0) throw new SekishoError('visit.already-resolved');
    const rows = this.#parts.queries
      .openQuestions(Number.MAX_SAFE_INTEGER)
      .filter((row) => row.visitId === visitId);
    const run = this.#running.then(() => this.#runRows(rows, insured, operatorId));
    this.#running = run.catch(() => undefined);
    await run;
    return this.#parts.queries.visit(visitId) ?? visit;
  }

  async #runRows(
    rows: readonly OpenQuestionRow[],
    insured: InsuredNumber | undefined,
    by: string,
  ): Promise<void> {
    for (const row of rows) {
      try {
        const closed = await this.#close(row, insured);
        if (closed === undefined) this.#parts.queries.countAttempt(row.visitId, row.question);
        else await this.#write(row.visitId, row.question, closed, by);
      } catch (thrown) {
        this.#parts.queries.countAttempt(row.visitId, row.question);
        this.#parts.logger.info('reconcile.later', {
          question: row.question,
          error: toSekishoError(thrown).code,
        });
      }
    }
  }

  #close(row: OpenQuestionRow, insured: InsuredNumber | undefined): Promise<Closed | undefined> {
    const visit = this.#parts.queries.visit(row.visitId);
    if (visit === undefined) throw new SekishoError('visit.unknown');
    switch (row.question) {
      case 'revocation':
        return this.#closeRevocation(visit, row);
      case 'eligibility':
        return this.#closeEligibility(visit, insured);
      case 'patient-number':
        return Promise.resolve(this.#closePatientNumber(visit));
    }
  }

  async #closeRevocation(visit: Visit, row: OpenQuestionRow): Promise<Closed | undefined> {
    if (row.serialHash === undefined) return undefined;
    const list = await this.#parts.centre.serviceProvider.revokedCards();
    // A list from before the visit says nothing about the visit.
    if (Date.parse(list.asOf) < Date.parse(visit.at)) return undefined;
    const revoked = list.hashes.includes(row.serialHash);
    const certificate = visit.certificate;
    const next: Visit = {
      ...without(visit, 'revocation'),
      ...(certificate === undefined || revoked
        ? {}
        : { certificate: { ...certificate, revocation: 'good' } }),
    };
    return { visit: next, result: revoked ? 'revoked' : 'good', effects: [] };
  }

  async #closeEligibility(visit: Visit, typed: InsuredNumber | undefined): Promise<Closed | undefined> {
    const patient = visit.cardId === undefined ? undefined : this.#parts.queries.patientByCard(visit.cardId);
    const insured = typed ?? patient?.insured;
    if (insured === undefined) return undefined;
    const asked = await askEligibility(
      () =>
        this.#parts.centre.eligibility.byInsuredNumber({
          ...insured,
          MedicalInstitutionCode: this.#parts.samHolder.institutionCode,
          LimitApplicationCertificateRelatedConsFlg: '0',
          ArbitraryIdentifier: visit.visitId,
        }),
      () => this.#parts.clock.nowMs(),
    );
    if ('unavailable' in asked) return undefined;
    const known = visit.cardId === undefined ? undefined : this.#parts.queries.lastEligibility(visit.cardId);
    const view = viewEligibility(asked, known);
    const effects: StoreEffect[] = [];
    if (visit.cardId !== undefined) {
      effects.push({
        do: 'remember-eligibility',
        cardId: visit.cardId,
        answer: asked.answer,
        checkedAtMs: asked.checkedAtMs,
      });
      if (typed !== undefined) effects.push({ do: 'link-patient', cardId: visit.cardId, insured: typed });
    }
    return { visit: { ...without(visit, 'eligibility'), eligibility: view }, result: view.validity, effects };
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

function without(visit: Visit, question: OpenQuestion): Visit {
  return { ...visit, unresolved: visit.unresolved.filter((each) => each !== question) };
}
