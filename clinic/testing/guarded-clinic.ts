/**
 * A clinic as it is installed: appliance and broker are processes of their own, the SAM is behind a real pcscd and notes
 * when its power goes, the anchor is at the other end of a cable. Needs root.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { endProcess, startBrokerProgram } from '#broker/testing/broker-program.ts';
import { TimedSam } from '#broker/testing/timed-sam.ts';
import type { ConfigFile } from '#config/schema.ts';
import type { GatewaySnapshot } from '#contract/snapshot.ts';
import { ANCHOR_PORT, type Cable, openCable, type Program, runIn } from '#lease/testing/network-lab.ts';
import { anchorNetworkId } from '../anchor.ts';
import { installAppliance } from '../appliance-config.ts';
import { clinicCa, type Surroundings, startSurroundings } from '../clinic.ts';
import { CounterClient } from '../counter-client.ts';
import { openClinicSam } from '../sam-store.ts';
import { applianceFolder } from '../state-folder.ts';
import { type ApplianceProcess, buildPrograms } from './appliance-process.ts';
import { KeptAppliance } from './kept-appliance.ts';

/** So that one lost answer is no lost lease. */
const ASK_EVERY_MS = 250;
const LOOK_EVERY_MS = 5;
/** Far more than any of it takes. */
const PATIENCE_MS = 30_000;
const LIMITS = { tapsPerCardPerDay: 1_000, usesPerMinute: 100_000, usesPerDay: 1_000_000 };
const ANCHOR_PROGRAM = fileURLToPath(new URL('../../build/anchor/sekisho-anchor.mjs', import.meta.url));

export class GuardedClinic {
  readonly folder: string;
  readonly surroundings: Surroundings;
  readonly sam: TimedSam;
  readonly cable: Cable = openCable();
  readonly #graceMs: number;
  readonly #configFile: string;
  #anchor: Program | undefined;
  #broker: ChildProcess | undefined;
  #appliance: KeptAppliance | undefined;
  #client: CounterClient | undefined;
  /** In how many-th life it was open last. */
  #openLife = 0;

  private constructor(folder: string, surroundings: Surroundings, sam: TimedSam, graceMs: number) {
    this.folder = folder;
    this.surroundings = surroundings;
    this.sam = sam;
    this.#graceMs = graceMs;
    this.#configFile = this.#install();
  }

  /** Ready for its first patient, with nobody signed in. */
  static async open(graceMs: number): Promise<GuardedClinic> {
    buildPrograms();
    const folder = mkdtempSync(join(tmpdir(), 'sekisho-guarded-'));
    const surroundings = await startSurroundings({ stateFolder: folder, reader: 'pcsc', timing: 'zero' });
    const { centre, anchor, readers } = surroundings;
    const sam = new TimedSam(await openClinicSam(folder, centre, anchorNetworkId(anchor)));
    await readers.samSlot.insert(sam);
    const clinic = new GuardedClinic(folder, surroundings, sam, graceMs);
    try {
      await clinic.#startAnchor();
      await clinic.startBroker();
      await clinic.startAppliance();
      await clinic.untilOpen();
      return clinic;
    } catch (thrown) {
      await clinic.close();
      throw thrown;
    }
  }

  get anchor(): Program {
    return present(this.#anchor);
  }

  get broker(): ChildProcess {
    return present(this.#broker);
  }

  /** The life that is now: it ends when it is locked, and another one begins. */
  get appliance(): ApplianceProcess {
    return this.kept.current;
  }

  get kept(): KeptAppliance {
    return present(this.#appliance);
  }

  get client(): CounterClient {
    return present(this.#client);
  }

  async startBroker(): Promise<void> {
    const { sam } = this.surroundings.readers.config;
    if (sam.driver !== 'pcsc') throw new Error('no slot for the SAM');
    const inAppliance = (name: string): string => join(applianceFolder(this.folder), name);
    this.#broker = await startBrokerProgram(this.folder, {
      profile: 'development',
      slot: sam,
      socketPath: 'broker.sock',
      stateFolder: 'broker',
      serviceProviderKeyPath: inAppliance('service-provider.pem'),
      anchorKeyPath: inAppliance('anchor.pem'),
      limits: {
        leaseGraceMs: this.#graceMs,
        usesPerMinute: LIMITS.usesPerMinute,
        usesPerDay: LIMITS.usesPerDay,
      },
    });
  }

  async startAppliance(): Promise<void> {
    this.#appliance = await KeptAppliance.start(this.#configFile, ({ url }) => {
      this.#client?.close();
      this.#client = new CounterClient(url, clinicCa(this.surroundings));
    });
  }

  async killBroker(): Promise<void> {
    await endProcess(this.#broker, 'SIGKILL');
  }

  async killAppliance(): Promise<void> {
    this.#client?.close();
    await this.#appliance?.kill();
  }

  /** On its network and unlocked by the SP, as a screen sees it; and the SAM has seen more than so many grants. */
  async untilOpen(grants = 0): Promise<void> {
    await this.#until(async () => {
      if (this.sam.grants <= grants) return false;
      const facts = await this.#facts();
      return facts?.network === 'registered' && facts.sam === 'unlocked';
    });
    this.#openLife = this.kept.ends.length;
  }

  /** In a life after the one that was open: it has known nobody. */
  async untilLocked(): Promise<void> {
    await this.#until(async () => {
      const sam = (await this.#facts())?.sam;
      return this.kept.ends.length > this.#openLife && sam !== undefined && sam !== 'unlocked';
    });
  }

  /** Undefined between two lives. */
  async #facts(): Promise<GatewaySnapshot['facts'] | undefined> {
    return (await this.client.snapshot().catch(() => undefined))?.facts;
  }

  async close(): Promise<void> {
    this.#client?.close();
    await this.#appliance?.kill();
    await this.killBroker();
    await this.#anchor?.stop();
    await this.surroundings.close();
    rmSync(this.folder, { recursive: true, force: true });
  }

  async #until(isSo: () => Promise<boolean>): Promise<void> {
    for (const endMs = performance.now() + PATIENCE_MS; !(await isSo()); await sleep(LOOK_EVERY_MS)) {
      if (performance.now() > endMs)
        throw new Error(
          `not so within ${PATIENCE_MS} ms\n${this.kept.logLines
            .filter((line) => !line.includes('http.answered'))
            .slice(-30)
            .join('\n')}`,
        );
    }
  }

  async #startAnchor(): Promise<void> {
    const state = join(this.folder, 'anchor');
    const { clinic, anchorHost } = this.cable;
    this.#anchor = runIn(clinic, ANCHOR_PROGRAM, 'start', '--folder', state, '--host', anchorHost);
    await this.#anchor.next(({ event }) => event === 'started');
  }

  /** As a technician installs it, with the anchor behind the cable. */
  #install(): string {
    const { centre, anchor, readers } = this.surroundings;
    const { configFile } = installAppliance({
      stateFolder: this.folder,
      centre,
      anchor,
      port: 0,
      graceMs: this.#graceMs,
      reader: readers.config.reader,
      sam: { driver: 'broker', socketPath: join(this.folder, 'broker.sock') },
      limits: LIMITS,
      http: { requestsPerSecond: 10_000 },
      logLevel: 'debug',
    });
    const config = JSON.parse(readFileSync(configFile, 'utf8')) as ConfigFile;
    const anchors = [{ host: this.cable.anchorHost, port: ANCHOR_PORT }];
    const network = {
      ...config.network,
      anchors,
      interface: this.cable.device,
      askEveryMs: ASK_EVERY_MS,
    };
    writeFileSync(configFile, JSON.stringify({ ...config, network }));
    return configFile;
  }
}

function present<T>(part: T | undefined): T {
  if (part === undefined) throw new Error('not started');
  return part;
}
