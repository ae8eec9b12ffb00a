/** The built broker as a process, a SAM behind a real pcscd, and a gateway that can be killed and frozen. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { signUnlockGrant } from '#centre/service-provider/sam-order.ts';
import { buildPrograms } from '#clinic/testing/appliance-process.ts';
import type { BrokerConfigFile } from '#config/broker-schema.ts';
import { VpcdFixture } from '#drivers/pcsc/testing/vpcd-fixture.ts';
import type { Behaviour } from '#drivers/simulated/faults.ts';
import { SimulatedSam } from '#drivers/simulated/sam/simulated-sam.ts';
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

  /** Resolves when it listens. */
  async startBroker(leaseGraceMs = LONG_GRACE_MS): Promise<void> {
    const config: BrokerConfigFile = {
      profile: 'development',
      slot: { driver: 'pcsc', readerName: this.#fixture.pcscd.readerNames[SAM_SLOT] ?? '' },
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

  async reinsertSam(): Promise<void> {
    this.slot.faults.length = 0;
    await this.#fixture.takeOut(SAM_SLOT, () => this.slot.remove());
    await this.slot.insert(this.sam);
  }

  get faults(): Behaviour[] {
    return this.slot.faults;
  }

  async endBroker(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    return endProcess(this.broker, signal);
  }

  async endGateway(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await endProcess(this.gateway, signal);
  }

  async stop(): Promise<void> {
    for (const client of this.#links) await client.close();
    await this.endGateway();
    await this.endBroker('SIGKILL');
    await this.#fixture.takeOut(SAM_SLOT, () => this.slot.remove());
    await this.#fixture.stop();
    rmSync(this.folder, { recursive: true });
  }
}
