/** A whole clinic on one machine: centre, cards, readers and one appliance, on free ports. */
import { readFileSync } from 'node:fs';
import type { RunningAnchor } from '#anchor/start.ts';
import { type RunningAppliance, startAppliance } from '#appliance/appliance.ts';
import { createLogger } from '#appliance/log.ts';
import { loadConfig } from '#config/load.ts';
import type { ConfigFile } from '#config/schema.ts';
import { SimulatedCard } from '#drivers/simulated/card/simulated-card.ts';
import { CardControl } from '#drivers/simulated/control.ts';
import { Meter } from '#drivers/simulated/timing.ts';
import { systemClock } from '#ports/clock.ts';
import { type Logger, silentLogger } from '#ports/logger.ts';
import type { Panel } from '#ports/panel.ts';
import { systemRandom } from '#ports/random.ts';
import { anchorNetworkId, openClinicAnchor } from './anchor.ts';
import { type InstalledAppliance, installAppliance } from './appliance-config.ts';
import { type ClinicReaders, openReaders, type ReaderKind, type TimingKind, timingOf } from './readers.ts';
import { type Region, startRegion } from './region.ts';
import { openClinicSam } from './sam-store.ts';

export interface ClinicOptions {
  readonly stateFolder: string;
  readonly reader: ReaderKind;
  readonly timing: TimingKind;
  /** Of the appliance; 0 takes a free one. */
  readonly port?: number;
  readonly monitorPort?: number;
  readonly uiFolder?: string | undefined;
  /** Keys on the box; absent = none. */
  readonly panel?: Panel;
  /** How long the anchor may be silent; absent = as usual. */
  readonly graceMs?: number;
  /** Of a broker in a process of its own; absent: the appliance holds the SAM by the same rules. */
  readonly brokerSocket?: string;
  readonly limits?: ConfigFile['limits'];
  readonly http?: ConfigFile['http'];
  /** Where the appliance's log lines go; without it there is no log. */
  readonly log?: ((line: string) => void) | undefined;
  /** Default `info`. */
  readonly logLevel?: 'debug' | 'info';
}

export interface Clinic extends Region {
  readonly appliance: RunningAppliance;
  readonly installed: InstalledAppliance;
  readonly readers: ClinicReaders;
  readonly anchor: RunningAnchor;
  readonly cards: ReadonlyMap<string, SimulatedCard>;
  readonly control: CardControl;
  /** What card and SAM did, for the critical path. */
  readonly meter: Meter;
  close(): Promise<void>;
}

/** Everything but the appliance: for those who start it as a process of its own. */
export type Surroundings = Omit<Clinic, 'appliance' | 'installed'>;

export async function startSurroundings(options: ClinicOptions): Promise<Surroundings> {
  const opened: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const each of opened.reverse()) await each();
  };
  try {
    const region = await startRegion(options.stateFolder, options.monitorPort);
    opened.push(() => region.centre.close());
    const anchor = await openClinicAnchor(options.stateFolder);
    opened.push(() => anchor.close());
    const meter = new Meter();
    const readers = await openReaders(options.reader, options.stateFolder, timingOf(options.timing), meter);
    opened.push(() => readers.close());
    const sam = await openClinicSam(options.stateFolder, region.centre, anchorNetworkId(anchor));
    await readers.samSlot.insert(sam);
    const cards = new Map([...region.wallet].map(([id, { image }]) => [id, new SimulatedCard(image)]));
    const control = new CardControl(readers.cardSlot, cards);
    return { ...region, readers, anchor, cards, control, meter, close };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

/** Installs and starts the appliance amid its surroundings, in whatever state these are. */
export async function openAppliance(
  surroundings: Surroundings,
  options: ClinicOptions,
): Promise<Pick<Clinic, 'appliance' | 'installed'>> {
  const { log, logLevel = 'info', limits, http, brokerSocket } = options;
  const logger: Logger = log === undefined ? silentLogger : createLogger({ level: logLevel, write: log });
  const installed = installAppliance({
    stateFolder: options.stateFolder,
    centre: surroundings.centre,
    anchor: surroundings.anchor,
    graceMs: options.graceMs,
    port: options.port ?? 0,
    ...surroundings.readers.config,
    ...(brokerSocket === undefined ? {} : { sam: { driver: 'broker', socketPath: brokerSocket } }),
    ...(limits === undefined ? {} : { limits }),
    ...(http === undefined ? {} : { http }),
  });
  const appliance = await startAppliance({
    config: loadConfig(installed.configFile),
    reader: surroundings.readers.reader,
    samSlot: brokerSocket === undefined ? surroundings.readers.samReader : undefined,
    panel: options.panel,
    clock: systemClock,
    random: systemRandom,
    logger,
    uiFolder: options.uiFolder,
  });
  return { appliance, installed };
}

export async function startClinic(options: ClinicOptions): Promise<Clinic> {
  const surroundings = await startSurroundings(options);
  try {
    const { appliance, installed } = await openAppliance(surroundings, options);
    return {
      ...surroundings,
      appliance,
      installed,
      async close() {
        await appliance.close();
        await surroundings.close();
      },
    };
  } catch (thrown) {
    await surroundings.close();
    throw thrown;
  }
}

/** PEM of the authority that signed the appliance's HTTPS certificate. */
export function clinicCa(region: Region): string {
  return readFileSync(region.centre.trustFiles.centreTls, 'utf8');
}
