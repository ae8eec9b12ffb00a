/**
 * A clinic's box and its anchor on a machine of their own, installed as `provisioning/README.md` and `docs/anchor.md` say,
 * run by its systemd alone. Centre, cards and SAM stay in the test.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { TimedSam } from '#broker/testing/timed-sam.ts';
import type { BrokerConfigFile } from '#config/broker-schema.ts';
import type { ConfigFile } from '#config/schema.ts';
import { SimulatedCard } from '#drivers/simulated/card/simulated-card.ts';
import { CardControl } from '#drivers/simulated/control.ts';
import { Meter } from '#drivers/simulated/timing.ts';
import { VpcdSlot } from '#drivers/simulated/vpcd-slot.ts';
import { installAppliance } from '../../appliance-config.ts';
import { clinicCa } from '../../clinic.ts';
import { CounterClient } from '../../counter-client.ts';
import { CLINIC } from '../../identity.ts';
import { type Region, startRegion } from '../../region.ts';
import { openClinicSam } from '../../sam-store.ts';
import { applianceFolder } from '../../state-folder.ts';
import { buildPrograms, ROOT } from '../appliance-process.ts';
import { Doors } from './doors.ts';
import { Machine } from './machine.ts';

export const GATEWAY = 'sekisho-gateway.service';
export const BROKER = 'sekisho-broker.service';
export const SOCKET = 'sekisho-broker.socket';
export const ANCHOR = 'sekisho-anchor.service';
export const SOCKET_PATH = '/run/sekisho-broker/broker.sock';
const API_PORT = 8443;
const ANCHOR_PORT = 26_460;
/** As Debian's vsmartcard-vpcd sets its two slots up. */
const CARD_SLOT = { port: 35_963, readerName: 'Virtual PCD 00 00' };
const SAM_SLOT = { port: 35_964, readerName: 'Virtual PCD 00 01' };
/** A machine that is busy with other tests is no reason to lock up. */
const GRACE_MS = 15_000;
/** The network card of the box, and the other end of its cable. */
const CARD = 'lan0';
const CABLE = 'lan1';
const ANCHOR_PROGRAM = '/usr/local/lib/sekisho/sekisho-anchor.mjs';

/** Keys that nobody but the gateway may read. */
const PRIVATE: ReadonlySet<string> = new Set(['tls-key.pem', 'centre-clientKey.pem']);
const FOR_GATEWAY = { mode: '640', group: 'sekisho-gateway' };

interface ShownAnchor {
  readonly networkId: string;
  readonly publicKeyPem: string;
}

export class InstalledClinic {
  readonly machine: Machine;
  readonly region: Region;
  readonly sam: TimedSam;
  readonly meter = new Meter();
  readonly control: CardControl;
  readonly client: CounterClient;
  readonly #doors: Doors;
  readonly #slots: readonly [VpcdSlot, VpcdSlot];

  private constructor(parts: {
    machine: Machine;
    region: Region;
    sam: TimedSam;
    doors: Doors;
    apiPort: number;
    slots: readonly [VpcdSlot, VpcdSlot];
  }) {
    const { machine, region, sam, doors, apiPort, slots } = parts;
    this.machine = machine;
    this.region = region;
    this.sam = sam;
    this.#doors = doors;
    this.#slots = slots;
    const cards = new Map([...region.wallet].map(([id, { image }]) => [id, new SimulatedCard(image)]));
    this.control = new CardControl(slots[0], cards);
    this.client = new CounterClient(`https://localhost:${apiPort}`, clinicCa(region));
  }

  get #samSlot(): VpcdSlot {
    return this.#slots[1];
  }

  get wallet(): Region['wallet'] {
    return this.region.wallet;
  }

  /** Installed and configured; anchor and pcscd run, cards can be put in; broker and gateway are not started. */
  static async open(): Promise<InstalledClinic> {
    buildPrograms();
    const machine = await Machine.boot({ '/source': ROOT, '/usr/bin/node': process.execPath });
    try {
      return await InstalledClinic.#install(machine);
    } catch (thrown) {
      await machine.stop();
      throw thrown;
    }
  }

  static async #install(machine: Machine): Promise<InstalledClinic> {
    await machine.must('ip', 'link', 'add', CARD, 'type', 'veth', 'peer', 'name', CABLE);
    await machine.must('ip', 'link', 'set', CARD, 'up');
    await machine.must('ip', 'link', 'set', CABLE, 'up');
    await machine.must('node', '/source/provisioning/install.mjs');
    const anchor = await installAnchor(machine);
    const region = await startRegion(machine.folder);
    const sam = new TimedSam(await openClinicSam(machine.folder, region.centre, anchor.networkId));
    await configure(machine, region, anchor);
    const doors = await Doors.make(machine);
    for (const url of Object.values(region.centre.urls)) await doors.out(Number(new URL(url).port));
    // By itself it starts with its first client; slots are needed before.
    await machine.must('systemctl', 'start', 'pcscd.service');
    const slots = [
      new VpcdSlot({ port: await doors.in(CARD_SLOT.port) }),
      new VpcdSlot({ port: await doors.in(SAM_SLOT.port) }),
    ] as const;
    await slots[1].insert(sam);
    return new InstalledClinic({ machine, region, sam, doors, apiPort: await doors.in(API_PORT), slots });
  }

  /** As a technician says it, at the end of the installation. */
  start(): Promise<string> {
    return this.machine.must('systemctl', 'enable', '--now', SOCKET, BROKER, GATEWAY);
  }

  /** The SAM answers no more; resolves when it was first asked. Without power it forgets that. */
  hangSam(): Promise<void> {
    const { faults } = this.#samSlot;
    return new Promise((resolve) => {
      const handle = (): Promise<{ readonly kind: 'mute' }> => {
        resolve();
        return Promise.resolve({ kind: 'mute' });
      };
      faults.push({ name: 'hung', handle });
    });
  }

  /** What was in the slots of a pcscd that ended is in those of the next. */
  async plugInAgain(): Promise<void> {
    this.#samSlot.faults.length = 0;
    await this.#samSlot.remove();
    await this.machine.until('pcscd has its slots', async () =>
      (await this.machine.must('ss', '-Hltn')).includes(`:${SAM_SLOT.port} `),
    );
    await this.#samSlot.insert(this.sam);
  }

  async setCable(state: 'up' | 'down'): Promise<void> {
    await this.machine.must('ip', 'link', 'set', CABLE, state);
  }

  /** At home and unlocked, as a screen sees it, and started, as systemd sees it. */
  untilOpen(): Promise<void> {
    return this.machine.until('at home and unlocked', async () => {
      const facts = await this.client.snapshot().then(
        (snapshot) => snapshot.facts,
        () => undefined,
      );
      if (facts?.network !== 'registered' || facts.sam !== 'unlocked') return false;
      return (await this.machine.run('systemctl', 'is-active', GATEWAY)).output === 'active';
    });
  }

  async close(): Promise<void> {
    this.client.close();
    for (const slot of this.#slots) await slot.remove();
    await this.#doors.close();
    await this.region.centre.close();
    await this.machine.stop();
  }
}

/** By the very lines that `docs/anchor.md` gives to a technician. */
async function installAnchor(machine: Machine): Promise<ShownAnchor> {
  const page = readFileSync(join(ROOT, 'docs/anchor.md'), 'utf8');
  const lines = /^## Debian\n+```sh\n([^`]+)```/m.exec(page)?.[1];
  if (lines === undefined) throw new Error('docs/anchor.md does not say how it is installed on Debian');
  await machine.must('sh', '-ec', `cd /source\n${lines}`);
  const anchor = (...words: string[]): Promise<string> =>
    machine.must('env', 'STATE_DIRECTORY=/var/lib/private/sekisho-anchor', 'node', ANCHOR_PROGRAM, ...words);
  await anchor('register', CLINIC.samId);
  return JSON.parse(await anchor('show', '--json')) as ShownAnchor;
}

/**
 * Puts the files that a configuration names into /etc/sekisho, keys readable for the gateway alone. The drivers are those of
 * production; its profile would refuse the keys and the policies of simulated cards.
 */
async function configure(machine: Machine, region: Region, { publicKeyPem }: ShownAnchor): Promise<void> {
  const { configFile } = installAppliance({
    stateFolder: machine.folder,
    centre: region.centre,
    anchor: { port: ANCHOR_PORT, identity: { publicKeyPem } },
    port: API_PORT,
    graceMs: GRACE_MS,
    reader: { driver: 'pcsc', readerName: CARD_SLOT.readerName },
    sam: { driver: 'broker', socketPath: SOCKET_PATH },
  });
  const config = JSON.parse(readFileSync(configFile, 'utf8')) as ConfigFile;
  const files = new Map<string, string>();
  const collect = (section: string, settings: Readonly<Record<string, unknown>>): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(settings).map(([key, value]) => {
        if (!key.endsWith('Path')) return [key, value];
        const name = `${section}-${key.slice(0, -'Path'.length)}.pem`;
        files.set(name, resolve(applianceFolder(machine.folder), String(value)));
        return [key, name];
      }),
    );
  const gateway = {
    ...config,
    tls: collect('tls', config.tls),
    centre: collect('centre', config.centre),
    trust: collect('trust', config.trust),
    network: { ...collect('network', config.network), interface: CARD },
    store: { folder: '/var/lib/sekisho' },
  };
  const broker: BrokerConfigFile = {
    profile: 'development',
    slot: { driver: 'pcsc', readerName: SAM_SLOT.readerName },
    socketPath: SOCKET_PATH,
    stateFolder: '/var/lib/sekisho-broker',
    serviceProviderKeyPath: 'trust-serviceProviderKey.pem',
    anchorKeyPath: 'network-publicKey.pem',
    limits: { leaseGraceMs: GRACE_MS },
  };
  for (const [name, file] of files)
    await machine.put(
      `/etc/sekisho/${name}`,
      readFileSync(file, 'utf8'),
      PRIVATE.has(name) ? FOR_GATEWAY : undefined,
    );
  await machine.put('/etc/sekisho/appliance.json', JSON.stringify(gateway));
  await machine.put('/etc/sekisho/broker.json', JSON.stringify(broker));
}
