/** A broker on a simulated SAM, with everybody who signs for it: service provider, anchor, operators. */
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  randomUUID,
  sign,
} from 'node:crypto';
import type { OperatorRecord } from '#centre/service-provider/registry.ts';
import { signRoster, signUnlockGrant } from '#centre/service-provider/sam-order.ts';
import { SimulatedReader } from '#drivers/simulated/channel.ts';
import { SimulatedSam } from '#drivers/simulated/sam/simulated-sam.ts';
import type { SamState } from '#drivers/simulated/sam/state.ts';
import { testRegion } from '#gateway/testdata/region.ts';
import { WatchedCard } from '#gateway/testdata/watched-card.ts';
import { silentLogger } from '#ports/logger.ts';
import { systemRandom } from '#ports/random.ts';
import { VirtualClock } from '#ports/testing/virtual-clock.ts';
import { SamBroker } from '../broker.ts';
import { Policy, type PolicyLimits } from '../policy.ts';
import type { BrokerMemory } from '../use-ledger.ts';
import { ScriptedAnchor } from './scripted-anchor.ts';
import { makeShortMemory } from './short-memory.ts';

export const SAM_ID = '5345534841303031';
export const START_MS = Date.UTC(2026, 10, 20);
export const RIG_LIMITS: PolicyLimits = {
  operatorIdleMs: 15 * 60_000,
  operatorAbsoluteMs: 8 * 3_600_000,
  consentMaxAgeMs: 5 * 60_000,
  usesPerMinute: 30,
  usesPerDay: 2_000,
  permitMaxMs: 24 * 3_600_000,
  permitMaxUses: 50,
};
export const GRACE_MS = 3_000;
export const MAX_ROUND_TRIP_MS = 500;
export const INS_ORGANISATION_KEY = 0x2a;
export const INS_DERIVE_ID = 0x12;

export interface RigOperator extends OperatorRecord {
  readonly privateKey: KeyObject;
}

export function makeOperator(
  kind: 'rsa' | 'p384',
  suspended = false,
  roles: OperatorRecord['roles'] = ['clerk'],
): RigOperator {
  const { privateKey } =
    kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-384' });
  const publicKey = createPublicKey(privateKey).export({ type: 'spki', format: 'der' });
  return {
    keyId: createHash('sha256').update(publicKey).digest('hex'),
    displayName: '見本　職員',
    roles,
    suspended,
    cardKind: 'my-number',
    publicKey,
    privateKey,
  };
}

const OPERATORS = [
  makeOperator('rsa'),
  makeOperator('p384'),
  makeOperator('p384', true),
  makeOperator('rsa', false, ['administrator']),
] as const;

export interface RigOptions {
  readonly limits?: Partial<PolicyLimits>;
  readonly memory?: BrokerMemory;
  readonly samState?: SamState;
}

export class BrokerRig {
  readonly clock = new VirtualClock(START_MS);
  readonly anchor = new ScriptedAnchor();
  readonly doctor = OPERATORS[0];
  readonly nurse = OPERATORS[1];
  readonly suspended = OPERATORS[2];
  readonly administrator = OPERATORS[3];
  readonly spKey: KeyObject;
  readonly simulated: SimulatedSam;
  readonly sam: WatchedCard;
  slot: SimulatedReader;
  broker: SamBroker;
  readonly #options: RigOptions;
  readonly #memory: BrokerMemory;
  readonly wipes: string[] = [];
  /** Called in the moment of a wipe. */
  onWiped: (() => void) | undefined;
  powerUp = 0;

  private constructor(spKey: KeyObject, samState: SamState, options: RigOptions) {
    this.spKey = spKey;
    this.simulated = new SimulatedSam({ state: samState, clock: this.clock });
    this.sam = new WatchedCard(this.simulated);
    this.slot = this.#makeSlot();
    this.#options = options;
    this.#memory = options.memory ?? makeShortMemory();
    this.broker = this.#makeBroker();
  }

  #makeSlot(): SimulatedReader {
    const slot = new SimulatedReader({ name: 'sam-slot', clock: this.clock });
    slot.insert(this.sam);
    return slot;
  }

  #makeBroker(): SamBroker {
    const { clock, slot, anchor, spKey } = this;
    const { limits } = this.#options;
    const policy = new Policy({
      clock,
      random: systemRandom,
      memory: this.#memory,
      limits: { ...RIG_LIMITS, ...limits },
      spKey: createPublicKey(spKey),
      lease: { anchorKey: anchor.publicKey, graceMs: GRACE_MS, maxRoundTripMs: MAX_ROUND_TRIP_MS },
    });
    const broker = new SamBroker({ slot, policy, clock, logger: silentLogger });
    broker.onEvent((event) => {
      if (event.event !== 'wiped') return;
      this.wipes.push(event.reason);
      this.onWiped?.();
    });
    return broker;
  }

  /** Another broker with the memory of this one, as after a crash. */
  async restart(): Promise<void> {
    await this.broker.close();
    this.slot = this.#makeSlot();
    this.broker = this.#makeBroker();
  }

  static async make(options: RigOptions = {}): Promise<BrokerRig> {
    const { pki, samState } = await testRegion();
    return new BrokerRig(pki.serviceProviderKey, options.samState ?? structuredClone(samState), options);
  }

  async ask<T = Record<string, string>>(name: string, ask: object = {}): Promise<T> {
    return (await this.broker.handle(name, ask)) as T;
  }

  /** For the power-up that `open` answered. */
  askSam<T = Record<string, string>>(name: string, ask: object = {}): Promise<T> {
    return this.ask(name, { powerUp: this.powerUp, ...ask });
  }

  async open(): Promise<void> {
    const { powerUp } = await this.ask<{ powerUp: number }>('open', { isFresh: false });
    this.powerUp = powerUp;
  }

  async lease(): Promise<string | undefined> {
    const { question } = await this.ask('leaseQuestion');
    const { verdict } = await this.ask('leaseAnswer', { answer: this.anchor.answer(question ?? '') });
    return verdict;
  }

  grant(challenge: string, networkId = this.anchor.networkId, samId = SAM_ID): string {
    const limits = { maxUses: 500, maxTicks: 0, issuedAtMs: START_MS };
    return signUnlockGrant(this.spKey, { samId, challenge, networkId, ...limits }).toString('hex');
  }

  async unlock(): Promise<void> {
    const { challenge } = await this.askSam('challenge');
    await this.askSam('unlockOnline', { grant: this.grant(challenge ?? '') });
  }

  roster(version: number, operators: readonly OperatorRecord[] = OPERATORS, samId = SAM_ID): string {
    return signRoster(this.spKey, { samId, version, operators }).toString('hex');
  }

  async signIn(operator: RigOperator = this.doctor): Promise<void> {
    const { challenge = '' } = await this.ask('signInChallenge');
    await this.ask('signIn', { keyId: operator.keyId, signature: signInSignature(operator, challenge) });
  }

  async unlockOffline(operator: RigOperator = this.nurse): Promise<void> {
    const { challenge = '' } = await this.askSam('challenge');
    const { networkId } = this.anchor;
    const message = Buffer.concat([
      Buffer.from('SEKISHO-OFFLINE-UNLOCK-1'),
      Buffer.from(SAM_ID + challenge + networkId, 'hex'),
    ]);
    const signature = cardSignature(operator.privateKey, message);
    await this.askSam('unlockOffline', { keyId: operator.keyId, networkId, signature });
  }

  /** Everything that one use of the organisation key needs. */
  async ready(): Promise<void> {
    await this.open();
    await this.lease();
    await this.askSam('updateRoster', { update: this.roster(1) });
    await this.unlock();
    await this.signIn();
  }

  /** A use that the rules allow, when everything is ready. */
  use(changes: object = {}): object {
    return {
      suite: 'rsa-2048-sha256',
      cardChallenge: randomBytes(16).toString('hex'),
      tapId: randomUUID(),
      consent: this.consent(),
      operatorId: this.doctor.keyId.slice(0, 16),
      ...changes,
    };
  }

  consent(changes: object = {}): object {
    return {
      purpose: 'insurance-eligibility',
      textVersion: '2026-11',
      decision: 'ok',
      decidedAt: new Date(this.clock.nowMs()).toISOString(),
      input: 'screen',
      ...changes,
    };
  }

  /** What the SAM itself has seen, which no rule of ours can make up. */
  get organisationKeyCommands(): number {
    return this.sam.commands.filter(({ ins }) => ins === INS_ORGANISATION_KEY).length;
  }

  async close(): Promise<void> {
    await this.broker.close();
    if (this.sam.isPowered) throw new Error('the SAM is still powered');
    if (!this.clock.isQuiet) throw new Error(`timers are left behind: ${this.clock.sleeping.join(', ')}`);
  }
}

export function signInSignature({ privateKey }: RigOperator, challenge: string): string {
  const message = Buffer.concat([Buffer.from('SEKISHO-SIGN-IN-1'), Buffer.from(challenge, 'hex')]);
  return cardSignature(privateKey, message);
}

/** As a card signs: RSA PKCS#1 v1.5 with SHA-256, or raw ECDSA with SHA-384. */
export function cardSignature(privateKey: KeyObject, message: Uint8Array): string {
  const signature =
    privateKey.asymmetricKeyType === 'rsa'
      ? sign('sha256', message, privateKey)
      : sign('sha384', message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return signature.toString('hex');
}
