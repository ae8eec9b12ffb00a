/** Opens the appliance's store: one SQLite file behind the ledger, the queries and the outbox. */
import type { EvidenceLedger, VisitQueries } from '#evidence/ledger.ts';
import { type CertificateShelf, createCertificateShelf } from './certificates.ts';
import { type Database, integrityProblem, openDatabase } from './database.ts';
import { createEffectRunner, type EffectTables } from './effects.ts';
import { createEligibilityTable } from './eligibility.ts';
import { openLedger } from './ledger.ts';
import { createOutboxTable, type Outbox } from './outbox.ts';
import { PatientTable } from './patients.ts';
import { createQuestionTable } from './questions.ts';
import { createRosterShelf, type RosterShelf } from './roster.ts';
import type { Sealer } from './sealer.ts';
import { createVisitTable } from './visits.ts';

export interface Store {
  readonly ledger: EvidenceLedger;
  readonly visits: VisitQueries;
  readonly outbox: Outbox;
  readonly certificates: CertificateShelf;
  readonly roster: RosterShelf;
  /** What SQLite finds wrong with the file (reads all of it); undefined when it is sound. */
  integrityProblem(): string | undefined;
  /** Waits for the append under way. */
  close(): Promise<void>;
}

/** Opens or creates the file at `path`. Throws `store.*`, or `evidence.broken` when the newest entry is damaged. */
export function openStore(path: string, { sealer }: { readonly sealer: Sealer }): Store {
  const database = openDatabase(path);
  try {
    return assembleStore(database, sealer);
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

/** The store on a database that is open already; closing the store closes it. */
export function assembleStore(database: Database, sealer: Sealer): Store {
  const tables: EffectTables = {
    visits: createVisitTable(database, sealer),
    outbox: createOutboxTable(database),
    eligibility: createEligibilityTable(database, sealer),
    patients: new PatientTable(database, sealer),
    questions: createQuestionTable(database, sealer),
  };
  const ledger = openLedger(database, createEffectRunner(tables));
  return {
    ledger,
    visits: queriesOf(tables),
    outbox: tables.outbox,
    certificates: createCertificateShelf(database),
    roster: createRosterShelf(database),
    integrityProblem: () => integrityProblem(database),
    async close() {
      await ledger.settled();
      database.close();
    },
  };
}

function queriesOf({ visits, outbox, eligibility, patients, questions }: EffectTables): VisitQueries {
  return {
    patientByCard: (cardId) => patients.byCard(cardId),
    cardsOfPatient: (patientNumber) => patients.cardsOf(patientNumber),
    lastEligibility: eligibility.last,
    visit: visits.visit,
    visitsBetween: visits.between,
    unresolvedVisits: questions.unresolvedVisits,
    unresolvedCount: questions.unresolvedCount,
    openQuestions: questions.openQuestions,
    countAttempt: questions.countAttempt,
    visitsOfCardSince: visits.countOfCardSince,
    outboxWaiting: outbox.waiting,
  };
}
