/** The built broker as a process, a SAM behind a real pcscd, and a gateway that can be killed and frozen. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { signUnlockGrant } from '#centre/service-provider/sam-order.ts';
import { buildPrograms } from '#clinic/testing/appliance-process.ts';
import type { BrokerConfigFile } from '#config/broker-schema.ts';
import { VpcdFixture } from '#drivers/pcsc/testing/vpcd-fixture.ts';
import type { Behaviour } from '#drivers/simulated/faults.ts';
import { SimulatedSam } from '#drivers/simulated/sam/simulated-sam.ts';
import { VirtualUsbPort } from '#drivers/simulated/virtual-usb-port.ts';
import { VpcdSlot } from '#drivers/simulated/vpcd-slot.ts';
import { type TestRegion, testRegion } from '#gateway/testdata/region.ts';
import type { OpenSam } from '../sam-access.ts';
import { SamClient } from '../sam-client.ts';
import { SocketLink } from '../socket-link.ts';
import { endProcess, startBrokerProgram, untilSaid } from './broker-program.ts';
import { ScriptedAnchor } from './scripted-anchor.ts';
import { TimedSam } from './timed-sam.ts';

const SAM_SLOT = 1;
/** The longest there is: where something else ends the lease, a busy machine does not end it first. */
const LONG_GRACE_MS = 15_000;
/** Far more than it takes. */
const PATIENCE_MS = 30_000;
const RETRY_PAUSE_MS = 100;
/** From a port that is switched on to a device that the kernel knows. */
const ENUMERATION_MS = 300;
/** Stands between the test and the broker as the gateway's process: to the broker it is the client. */
const GATEWAY = `
  const net = require('node:net');
  net.createServer((near) => {
    const far = net.connect(process.argv[2]);
    near.pipe(far).pipe(near);
    near.on('error', () => far.destroy()).on('close', () => far.destroy());
    far.on('error', () => near.destroy()).on('close', () => near.destroy());
  }).listen(process.argv[1], () => console.log('ready'));
`;

export class BrokerProcess {
  readonly anchor = new ScriptedAnchor();
  readonly folder = mkdtempSync(join(tmpdir(), 'sekisho-broker-'));
  readonly sam: TimedSam;
  readonly slot: VpcdSlot;
  /** The SAM's reader is on it; pcscd knows nothing of it. */
  readonly usbPort: VirtualUsbPort;
  readonly #fixture: VpcdFixture;
  readonly #region: TestRegion;
  readonly #links: SamClient[] = [];
  #gateways = 0;
  broker: ChildProcess | undefined;
  gateway: ChildProcess | undefined;

  private constructor(fixture: VpcdFixture, region: TestRegion) {
    this.#fixture = fixture;
    this.#region = region;
    this.sam = new TimedSam(new SimulatedSam({ state: structuredClone(region.samState) }));
    this.slot = new VpcdSlot({ port: fixture.portOf(SAM_SLOT) });
    this.usbPort = new VirtualUsbPort({
      product: 'Sekisho Virtual SAM',
      enumerationMs: ENUMERATION_MS,
      onOff: () => {
        // What hung forgets it, with the power.
        this.slot.faults.length = 0;
        void this.slot.remove();
      },
      onOn: () => void this.slot.insert(this.sam),
    });
    const pem = (key: Parameters<typeof createPublicKey>[0]): string =>
      createPublicKey(key as never)
        .export({ type: 'spki', format: 'pem' })
        .toString();
    writeFileSync(join(this.folder, 'sp.pem'), pem(region.pki.serviceProviderKey));
    writeFileSync(
      join(this.folder, 'anchor.pem'),
      this.anchor.publicKey.export({ type: 'spki', format: 'pem' }),
    );
  }

  static async make(): Promise<BrokerProcess> {
    buildPrograms();
    const made = new BrokerProcess(await VpcdFixture.start(), await testRegion());
    await made.slot.insert(made.sam);
    return made;
  }

  /** Resolves when it listens. With `usb: 'none'` the SAM's reader is on no USB port. */
  async startBroker(
    leaseGraceMs = LONG_GRACE_MS,
    { usb = 'port' }: { usb?: 'port' | 'none' } = {},
  ): Promise<void> {
    const sysfsFolder = usb === 'port' ? this.usbPort.sysfsFolder : this.folder;
    const config: BrokerConfigFile = {
      profile: 'development',
      slot: { driver: 'pcsc', readerName: this.#fixture.pcscd.readerNames[SAM_SLOT] ?? '', sysfsFolder },
      socketPath: 'broker.sock',
      stateFolder: 'state',
      serviceProviderKeyPath: 'sp.pem',
      anchorKeyPath: 'anchor.pem',
      limits: { leaseGraceMs, leaseMaxRoundTripMs: Math.min(leaseGraceMs, 3_000) },
    };
    const variables = { PCSCLITE_CSOCK_NAME: this.#fixture.pcscd.socketPath };
    this.broker = await startBrokerProgram(this.folder, config, variables);
  }

  /** A client over a gateway process of its own. */
  async startGateway(): Promise<SamClient> {
    this.#gateways += 1;
    const near = join(this.folder, `gateway-${this.#gateways}.sock`);
    const far = join(this.folder, 'broker.sock');
    const command = ['--pdeathsig=SIGKILL', process.execPath, '-e', GATEWAY, near, far];
    this.gateway = spawn('/usr/bin/setpriv', command, { stdio: ['ignore', 'pipe', 'inherit'] });
    await untilSaid(this.gateway, 'ready');
    const client = new SamClient(new SocketLink(near));
    this.#links.push(client);
    return client;
  }

  async lease(client: SamClient): Promise<string> {
    const question = Buffer.from(await client.lease.question()).toString('hex');
    return (await client.lease.answer(Buffer.from(this.anchor.answer(question), 'hex'))).verdict;
  }

  /** Opened, at home and unlocked. */
  async openUnlocked(client: SamClient): Promise<OpenSam> {
    const sam = await client.open(new AbortController().signal);
    await this.lease(client);
    const challenge = Buffer.from(await sam.challenge()).toString('hex');
    const grant = signUnlockGrant(this.#region.pki.serviceProviderKey, {
      samId: sam.samId,
      challenge,
      networkId: this.anchor.networkId,
      maxUses: 500,
      maxTicks: 0,
      issuedAtMs: Date.now(),
    });
    await sam.unlockOnline(new Uint8Array(grant));
    return sam;
  }

  /** The same as soon as the SAM's reader is back: whoever comes in between tries again, as the gateway does. */
  async reopenUnlocked(client: SamClient): Promise<OpenSam> {
    for (const endMs = performance.now() + PATIENCE_MS; ; await sleep(RETRY_PAUSE_MS)) {
      try {
        return await this.openUnlocked(client);
      } catch (thrown) {
        if (performance.now() > endMs) throw thrown;
      }
    }
  }

  /** What systemd does when the broker ended because the power stays on: `ExecStopPost=` of its unit. */
  async restartPcscd(): Promise<void> {
    const { pcscd } = this.#fixture;
    await pcscd.kill();
    this.slot.faults.length = 0;
    await pcscd.restart();
    await this.slot.insert(this.sam);
  }

  get faults(): Behaviour[] {
    return this.slot.faults;
  }

  async endBroker(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    return endProcess(this.broker, signal);
  }

  /** Resolves with the code that it ends with by itself. */
  async untilBrokerEnds(): Promise<number | null> {
    const { broker } = this;
    if (broker !== undefined && broker.exitCode === null && broker.signalCode === null)
      await once(broker, 'exit');
    return broker?.exitCode ?? null;
  }

  async endGateway(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await endProcess(this.gateway, signal);
  }

  async stop(): Promise<void> {
    for (const client of this.#links) await client.close();
    await this.endGateway();
    await this.endBroker('SIGKILL');
    this.usbPort.close();
    await this.#fixture.takeOut(SAM_SLOT, () => this.slot.remove());
    await this.#fixture.stop();
    rmSync(this.folder, { recursive: true });
  }
}
