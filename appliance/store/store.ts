/** Opens the appliance's store: one SQLite file behind the ledger, the queries and the outbox. */
import type { AccessLog } from '#evidence/access-log.ts';
import type { EvidenceLedger, VisitQueries } from '#evidence/ledger.ts';
import { openAccessLog } from './access-log.ts';
import { type CertificateShelf, createCertificateShelf } from './certificates.ts';
import { createDataKeyTable, LETTERBOX_KEY } from './data-keys.ts';
import { type Database, integrityProblem, openDatabase, probeDatabase } from './database.ts';
import { createEffectRunner, type EffectTables } from './effects.ts';
import { createEligibilityTable, ELIGIBILITY_ANSWER } from './eligibility.ts';
import { openLedger } from './ledger.ts';
import { createOutboxTable, OUTBOX_RECORD, type Outbox } from './outbox.ts';
import { PATIENT_IDENTITY, PatientTable } from './patients.ts';
import { createPersonUseShelf, type PersonUseShelf } from './person-uses.ts';
import { createQuestionTable, QUESTION_INSURED, QUESTION_SERIAL_HASH } from './questions.ts';
import { createRosterShelf, type RosterShelf } from './roster.ts';
import { createSamLockTable } from './sam-lock.ts';
import type { SealedColumn, Sealer } from './sealer.ts';
import { createSignInFailureShelf, type SignInFailureShelf } from './sign-in-failures.ts';
import { createUnlockRefusalTable } from './unlock-refusal.ts';
import { createVault, type Vault } from './vault.ts';
import { createVisitTable, VISIT } from './visits.ts';

/** All columns named `sealed_…`. */
export const SEALED_COLUMNS: readonly SealedColumn[] = [
  PATIENT_IDENTITY,
  ELIGIBILITY_ANSWER,
  VISIT,
  QUESTION_SERIAL_HASH,
  QUESTION_INSURED,
  OUTBOX_RECORD,
  LETTERBOX_KEY,
];

export interface Store {
  readonly ledger: EvidenceLedger;
  readonly visits: VisitQueries;
  readonly outbox: Outbox;
  readonly accessLog: AccessLog;
  readonly certificates: CertificateShelf;
  readonly roster: RosterShelf;
  readonly personUses: PersonUseShelf;
  readonly signInFailures: SignInFailureShelf;
  /** Whether the file can be read and the write lock be had, at once; throws `store.*` when not. Writes nothing. */
  probe(): void;
  /** What SQLite finds wrong with the file (reads all of it); undefined when it is sound. */
  integrityProblem(): string | undefined;
  /** Waits for the append under way. */
  close(): Promise<void>;
}

export interface SealedStore extends Store {
  readonly vault: Vault;
}

/**
 * Opens or creates the file at `path`, with the seal closed: what describes a patient can be read only after
 * `vault.open`. Throws `store.*`, or `evidence.broken` when the newest entry is damaged.
 */
export function openSealedStore(path: string): SealedStore {
  const database = openDatabase(path);
  try {
    const vault = createVault(database, SEALED_COLUMNS);
    const store = assembleStore(database, vault);
    return {
      ...store,
      vault,
      async close() {
        await store.close();
        vault.close();
      },
    };
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}

/** The store on a database that is open already; closing the store closes it. */
export function assembleStore(database: Database, sealer: Sealer): Store {
  const tables: EffectTables = {
    visits: createVisitTable(database, sealer),
    outbox: createOutboxTable(database, sealer),
    eligibility: createEligibilityTable(database, sealer),
    patients: new PatientTable(database, sealer),
    questions: createQuestionTable(database, sealer),
    unlockRefusal: createUnlockRefusalTable(database),
    samLock: createSamLockTable(database),
    dataKeys: createDataKeyTable(database),
  };
  const ledger = openLedger(database, createEffectRunner(tables));
  return {
    ledger,
    visits: queriesOf(tables),
    outbox: tables.outbox,
    accessLog: openAccessLog(database),
    certificates: createCertificateShelf(database),
    roster: createRosterShelf(database),
    personUses: createPersonUseShelf(database),
    signInFailures: createSignInFailureShelf(database),
    probe: () => probeDatabase(database),
    integrityProblem: () => integrityProblem(database),
    async close() {
      await ledger.settled();
      database.close();
    },
  };
}

function queriesOf({
  visits,
  outbox,
  eligibility,
  patients,
  questions,
  unlockRefusal,
  samLock,
}: EffectTables): VisitQueries {
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
    keepInsured: questions.keepInsured,
    outboxWaiting: outbox.waiting,
    unlockRefusedSinceMs: unlockRefusal.sinceMs,
    lastSamLock: samLock.last,
  };
}
