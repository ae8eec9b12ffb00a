/** A clinic for a test: temporary state, fast limits, cards of anybody in the region; gone without trace afterwards. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SimulatedCard } from '#drivers/simulated/card/simulated-card.ts';
import type { VirtualCard } from '#drivers/simulated/virtual-card.ts';
import type { VerificationReport } from '#evidence/report.ts';
import { exportEvidence } from '#store/export.ts';
import {
  type Clinic,
  type ClinicOptions,
  openAppliance,
  type Surroundings,
  startSurroundings,
} from '../clinic.ts';
import { CounterClient } from '../counter-client.ts';
import { verifyEvidence } from '../evidence/verification.ts';
import { issueSeedCard } from '../seed-card.ts';
import { signInWith } from '../tap-run.ts';

export const DOCTOR = 'kakuu-ishi';

/** A machine that is busy with other tests is no reason to lock up. */
const GRACE_MS = 15_000;
/** Tests make more visits in a minute than a patient in a year. */
const LIMITS: NonNullable<ClinicOptions['limits']> = {
  tapsPerCardPerDay: 1_000,
  usesPerMinute: 100_000,
  usesPerDay: 1_000_000,
};
const HTTP: NonNullable<ClinicOptions['http']> = { requestsPerSecond: 10_000 };

export interface TrialOptions
  extends Partial<
    Pick<ClinicOptions, 'reader' | 'limits' | 'http' | 'uiFolder' | 'graceMs' | 'brokerSocket'>
  > {
  /** Runs when everything but the appliance is there: the world that it starts in. */
  readonly beforeStart?: (surroundings: Surroundings, folder: string) => void | Promise<void>;
  /** Default: a doctor is signed in. */
  readonly signedIn?: boolean;
}

export class TrialClinic {
  readonly clinic: Clinic;
  readonly client: CounterClient;
  readonly folder: string;
  readonly logLines: string[];
  readonly #seedCards = new Map<string, SimulatedCard>();

  private constructor(folder: string, clinic: Clinic, logLines: string[]) {
    this.folder = folder;
    this.clinic = clinic;
    this.logLines = logLines;
    this.client = new CounterClient(clinic.appliance.url, clinic.installed.caPem);
  }

  static async open({ beforeStart, signedIn = true, ...wishes }: TrialOptions = {}): Promise<TrialClinic> {
    const stateFolder = mkdtempSync(join(tmpdir(), 'sekisho-trial-'));
    const logLines: string[] = [];
    const options: ClinicOptions = {
      stateFolder,
      reader: 'inprocess',
      timing: 'zero',
      log: (line) => logLines.push(line),
      logLevel: 'debug',
      graceMs: GRACE_MS,
      ...wishes,
      limits: { ...LIMITS, ...wishes.limits },
      http: { ...HTTP, ...wishes.http },
    };
    const surroundings = await startSurroundings(options);
    await beforeStart?.(surroundings, stateFolder);
    const { appliance, installed } = await openAppliance(surroundings, options);
    const close = async (): Promise<void> => {
      await appliance.close();
      await surroundings.close();
    };
    const trial = new TrialClinic(stateFolder, { ...surroundings, appliance, installed, close }, logLines);
    try {
      if (signedIn) await trial.signIn();
    } catch (thrown) {
      await trial.close();
      throw thrown;
    }
    return trial;
  }

  /** The one card of a person: of the wallet (`mihon-taro`) or of the seed (`P0006`). */
  cardOf(id: string): VirtualCard {
    const ready = this.clinic.cards.get(id) ?? this.#seedCards.get(id);
    if (ready !== undefined) return ready;
    const person = this.clinic.cast.seedOf.get(id);
    if (person === undefined) throw new RangeError(`no such person: ${id}`);
    const card = new SimulatedCard(issueSeedCard(this.clinic.centre.pki, person));
    this.#seedCards.set(id, card);
    return card;
  }

  /** Takes away what lies on the reader and puts this there. */
  async place(card: string | VirtualCard): Promise<void> {
    await this.clinic.control.run('remove');
    await this.clinic.readers.cardSlot.insert(typeof card === 'string' ? this.cardOf(card) : card);
  }

  async signIn(operatorId = DOCTOR): Promise<void> {
    await this.clinic.control.run('remove');
    await signInWith(this.clinic, this.client, operatorId);
  }

  /** Exports the evidence and verifies it as an auditor does, with the anchors of the region. */
  async verifyEvidence(): Promise<VerificationReport> {
    const file = join(this.folder, 'evidence.txt');
    exportEvidence(this.clinic.appliance.databasePath, file);
    const { samDevice, timeStampRoot } = this.clinic.centre.trustFiles;
    return verifyEvidence(file, {
      deviceCaPem: readFileSync(samDevice, 'utf8'),
      timeStampCaPem: readFileSync(timeStampRoot, 'utf8'),
    });
  }

  async close(): Promise<void> {
    this.client.close();
    await this.clinic.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
