/**
 * A gateway that does anything in any order, and a judge that knows, from what was really signed and when, whether the
 * organisation key may be used at the moment in which the SAM is asked. The judge shares nothing with the broker's rules.
 */
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import {
  BrokerRig,
  GRACE_MS,
  INS_DERIVE_ID,
  INS_ORGANISATION_KEY,
  RIG_LIMITS,
  signInSignature,
} from './broker-rig.ts';
import type { AnswerChanges } from './scripted-anchor.ts';

const FOREIGN_KEY = generateKeyPairSync('ed25519').privateKey;
const NEVER = Number.NEGATIVE_INFINITY;
/** Few, so that the limit is met. */
const USES_PER_MINUTE = 4;
/** Running time stands still while the broker is restarted: it may take a while until a use counts no more. */
const LIMIT_MEMORY_MS = 20 * 60_000;

interface Question {
  readonly bytes: string;
  readonly madeAtMs: number;
}

interface TapTry {
  readonly tapId: string;
  readonly isConsentGood: boolean;
  readonly operatorId: string;
}

export interface Choice {
  readonly act: number;
  /** Picks among variants; 0 is the honest one. */
  readonly how: number;
  readonly which: number;
}

export class HostileGateway {
  readonly rig: BrokerRig;
  /** What must stay empty. */
  readonly violations: string[] = [];
  honestUses = 0;
  honestRefusals = 0;
  honestIds = 0;
  #questions: Question[] = [];
  #answers: string[] = [];
  #challenges: string[] = [];
  #grants: string[] = [];
  #signIns: string[] = [''];
  #taps: string[] = [randomUUID()];
  /** What the judge knows. */
  #leaseUntilMs = NEVER;
  #isUnlocked = false;
  #session = { keyId: '', untilMs: NEVER };
  readonly #usedTaps = new Set<string>();
  #useTimesMs: number[] = [];
  /** No card ID was derived since the last use. */
  #isIdOpen = false;
  #try: TapTry | undefined;
  #rosterVersion = 0;

  constructor(rig: BrokerRig) {
    this.rig = rig;
    rig.sam.onCommand = ({ ins }) => {
      if (ins === INS_ORGANISATION_KEY) this.#judge();
      if (ins === INS_DERIVE_ID) this.#judgeId();
    };
  }

  get steps(): readonly ((how: number, which: number) => Promise<unknown>)[] {
    return [
      (how) => this.#pass([0, 1, 300, 501, 1_000, 2_999, 3_000, 20_000, 61_000][how % 9] ?? 0),
      (how) => this.#open(how % 2 === 1),
      () => this.#lose(this.#ask('powerOff')),
      () => this.#askQuestion(),
      (how, which) => this.#answerLease(how, which),
      () => this.#end(this.#ask('endLease', { reason: 'link-down' })),
      () => this.#end(this.#ask('wipe', { reason: 'tampered' })),
      () => this.#challenge(),
      (how, which) => this.#unlock(how, which),
      (how) => this.#updateRoster(how),
      () => this.#signInChallenge(),
      (how, which) => this.#signIn(how, which),
      () => this.#ask('operatorActive'),
      () => this.#signOut(),
      (how, which) => this.#sign(how, which),
      (how, which) => this.#sign(how, which),
      () => this.#lose(this.#askSam('lock'), true),
      (how) => this.#rubbish(how),
      () => this.#restart(),
      () => this.#takeSamOut(),
      (how) => this.#honest(how),
    ];
  }

  async run({ act, how, which }: Choice): Promise<void> {
    const { steps } = this;
    await steps[act % steps.length]?.(how, which);
  }

  get #nowMs(): number {
    return this.rig.clock.monotonicMs();
  }

  async #ask(name: string, ask: object = {}): Promise<Record<string, string> | undefined> {
    return this.rig.ask(name, ask).catch(() => undefined);
  }

  #askSam(name: string, ask: object = {}): Promise<Record<string, string> | undefined> {
    return this.#ask(name, { powerUp: this.rig.powerUp, ...ask });
  }

  /** The SAM sees the command now. */
  #judge(): void {
    const nowMs = this.#nowMs;
    const tap = this.#try;
    const recent = this.#useTimesMs.filter((atMs) => atMs > nowMs - 60_000).length;
    const facts = {
      lease: nowMs < this.#leaseUntilMs,
      unlocked: this.#isUnlocked,
      operator: nowMs < this.#session.untilMs && tap?.operatorId === this.#session.keyId.slice(0, 16),
      consent: tap?.isConsentGood === true,
      freshTap: tap !== undefined && !this.#usedTaps.has(tap.tapId),
      belowLimit: recent < USES_PER_MINUTE,
    };
    if (Object.values(facts).includes(false)) this.violations.push(JSON.stringify(facts));
    if (tap !== undefined) this.#usedTaps.add(tap.tapId);
    this.#useTimesMs = [...this.#useTimesMs.slice(-USES_PER_MINUTE), nowMs];
    this.#isIdOpen = true;
  }

  /** The SAM is asked for a card ID now. */
  #judgeId(): void {
    const nowMs = this.#nowMs;
    const facts = {
      lease: nowMs < this.#leaseUntilMs,
      unlocked: this.#isUnlocked,
      operator: nowMs < this.#session.untilMs,
      oneForAUse: this.#isIdOpen,
    };
    if (Object.values(facts).includes(false)) this.violations.push(JSON.stringify(facts));
    this.#isIdOpen = false;
  }

  async #pass(ms: number): Promise<void> {
    await this.rig.clock.advance(ms);
    if (this.#nowMs >= this.#leaseUntilMs) this.#lapse();
  }

  async #open(isFresh: boolean): Promise<void> {
    if (isFresh) this.#isUnlocked = false;
    const opened = await this.#ask('open', { isFresh });
    if (opened !== undefined) this.rig.powerUp = Number(opened.powerUp);
  }

  async #lose(asked: Promise<unknown>, mayFail = false): Promise<void> {
    const answer = await asked;
    if (answer !== undefined || !mayFail) this.#isUnlocked = false;
  }

  async #end(asked: Promise<unknown>): Promise<void> {
    await asked;
    this.#forget();
  }

  /** No lease is running. A question on the way is answered all the same, and begins one that counts from the question. */
  #lapse(): void {
    this.#leaseUntilMs = NEVER;
    this.#isUnlocked = false;
    this.#session = { keyId: '', untilMs: NEVER };
    this.#isIdOpen = false;
  }

  /** What was asked before counts no more either. */
  #forget(): void {
    this.#lapse();
    this.#questions = this.#questions.map(({ bytes }) => ({ bytes, madeAtMs: NEVER }));
  }

  async #askQuestion(): Promise<void> {
    const { question } = (await this.#ask('leaseQuestion')) ?? {};
    if (question !== undefined)
      this.#questions = [...this.#questions.slice(-20), { bytes: question, madeAtMs: this.#nowMs }];
  }

  async #answerLease(how: number, which: number): Promise<void> {
    const question = this.#questions.at(-1 - (how % 8 === 0 ? which % 3 : which % 20));
    if (question === undefined) return;
    const { anchor } = this.rig;
    const lies: readonly (AnswerChanges | undefined)[] = [
      {},
      { key: FOREIGN_KEY },
      { deviceId: '00'.repeat(8) },
      { networkId: '00'.repeat(16) },
      { verdict: 1 + (which % 2) },
      { verdict: 7 },
      { zeros: 'ff'.repeat(15) },
      undefined,
    ];
    const lie = lies[how % lies.length];
    const replay = this.#answers[which % Math.max(1, this.#answers.length)] ?? '';
    const answer = lie === undefined ? replay : anchor.answer(question.bytes, lie);
    if (how % lies.length === 0) {
      this.#answers = [...this.#answers.slice(-20), answer];
      this.#leaseUntilMs = Math.max(this.#leaseUntilMs, question.madeAtMs + GRACE_MS);
    }
    const { verdict } = (await this.#ask('leaseAnswer', { answer })) ?? {};
    if (verdict === 'revoked' || verdict === 'not-registered' || verdict === 'wrong-key') this.#forget();
  }

  async #challenge(): Promise<void> {
    const { challenge } = (await this.#askSam('challenge')) ?? {};
    if (challenge !== undefined) this.#challenges = [...this.#challenges.slice(-5), challenge];
  }

  async #unlock(how: number, which: number): Promise<void> {
    const newest = this.#challenges.at(-1) ?? '';
    const old = this.#challenges[which % this.#challenges.length] ?? '';
    if (newest === '') return;
    const replay = this.#grants[which % Math.max(1, this.#grants.length)] ?? '';
    const variants = [
      () => this.rig.grant(newest),
      () => this.rig.grant(newest, '11'.repeat(16)),
      () => this.rig.grant(old),
      () => this.rig.grant(newest, this.rig.anchor.networkId, '11'.repeat(8)),
      () => replay,
    ];
    const grant = variants[how % variants.length]?.() ?? '';
    const isGenuine = how % variants.length === 0 || how % variants.length === 2;
    if (isGenuine) this.#grants = [...this.#grants.slice(-5), grant];
    const answer = await this.#askSam('unlockOnline', { grant });
    if (answer !== undefined) this.#isUnlocked = isGenuine || this.#grants.includes(grant);
    else if (how % variants.length === 1) this.#isUnlocked = false;
  }

  async #updateRoster(how: number): Promise<void> {
    const version = how % 3 === 0 ? this.#rosterVersion + 1 : this.#rosterVersion;
    const update =
      how % 5 === 1 ? `${this.rig.roster(version + 5).slice(0, -2)}00` : this.rig.roster(version);
    const answer = await this.#askSam('updateRoster', { update });
    if (answer !== undefined) this.#rosterVersion = version;
  }

  async #signInChallenge(): Promise<void> {
    const { challenge } = (await this.#ask('signInChallenge')) ?? {};
    if (challenge !== undefined) this.#signIns = [...this.#signIns.slice(-5), challenge];
  }

  async #signIn(how: number, which: number): Promise<void> {
    const { doctor, nurse, suspended } = this.rig;
    const [signer, named] = [
      [nurse, nurse],
      [nurse, doctor],
      [suspended, suspended],
      [nurse, nurse],
    ][how % 4] ?? [nurse, nurse];
    const challenge =
      (how % 4 === 3 ? this.#signIns[which % this.#signIns.length] : this.#signIns.at(-1)) ?? '';
    if (challenge === '') return;
    const signature = signInSignature(signer ?? nurse, challenge);
    const answer = await this.#ask('signIn', { keyId: named?.keyId ?? '', signature });
    if (answer === undefined) return;
    const isGenuine = signer === named && signer !== suspended && challenge === this.#signIns.at(-1);
    if (!isGenuine) this.violations.push('signed in without right');
    this.#session = { keyId: nurse.keyId, untilMs: this.#nowMs + RIG_LIMITS.operatorAbsoluteMs };
    // Used up: the judge takes no second one either.
    this.#signIns.push('');
  }

  async #signOut(): Promise<void> {
    await this.#ask('signOut');
    this.#session = { keyId: '', untilMs: NEVER };
  }

  async #sign(how: number, which: number): Promise<boolean> {
    const nowMs = this.rig.clock.nowMs();
    const tapId = how % 7 === 1 ? (this.#taps[which % this.#taps.length] ?? '') : randomUUID();
    this.#taps = [...this.#taps.slice(-10), tapId];
    const wrong: Record<number, object> = {
      2: { decision: 'refused' },
      3: { decidedAt: new Date(nowMs - RIG_LIMITS.consentMaxAgeMs - 1).toISOString() },
      4: { decidedAt: new Date(nowMs + 60_000).toISOString() },
    };
    const isConsentGood = wrong[how % 7] === undefined;
    const operator = how % 7 === 5 ? this.rig.doctor : this.rig.nurse;
    const powerUp = how % 7 === 6 ? this.rig.powerUp - 1 - (which % 3) : this.rig.powerUp;
    const operatorId = operator.keyId.slice(0, 16);
    this.#try = { tapId, isConsentGood, operatorId };
    const consent = this.rig.consent(wrong[how % 7]);
    const suite = which % 4 === 0 ? 'p384-sha384' : 'rsa-2048-sha256';
    const answer = await this.#ask('signForCard', {
      ...this.rig.use({ tapId, consent, operatorId, suite }),
      powerUp,
    });
    this.#try = undefined;
    return answer !== undefined;
  }

  async #rubbish(how: number): Promise<void> {
    const names = [
      'transmit',
      'organisationCertificate',
      'deriveId',
      'unwrapDataKey',
      'status',
      'unlockOffline',
    ];
    await this.#askSam(names[how % names.length] ?? '', {
      suite: 'p384-sha384',
      data: '00',
      raw: '002a9e9a',
    });
    await this.#deriveId();
  }

  #deriveId(): Promise<Record<string, string> | undefined> {
    return this.#askSam('deriveId', { data: '00' });
  }

  async #restart(): Promise<void> {
    await this.rig.restart();
    this.rig.powerUp = 0;
    this.#forget();
  }

  async #takeSamOut(): Promise<void> {
    this.rig.slot.remove();
    this.#isUnlocked = false;
    await new Promise(setImmediate);
    this.rig.slot.insert(this.rig.sam);
  }

  /** All as it should be: then it works, or the minute is full. Without this a broker that refuses all would pass. */
  async #honest(how: number): Promise<void> {
    await this.#open(false);
    await this.#askQuestion();
    await this.#answerLease(0, 0);
    await this.#updateRoster(0);
    await this.#challenge();
    await this.#unlock(0, 0);
    await this.#signInChallenge();
    await this.#signIn(0, 0);
    const [fourthLast = NEVER] = this.#useTimesMs.slice(-USES_PER_MINUTE);
    const mayBeFull =
      this.#useTimesMs.length >= USES_PER_MINUTE && fourthLast > this.#nowMs - LIMIT_MEMORY_MS;
    if (await this.#sign(0, how)) {
      this.honestUses += 1;
      if ((await this.#deriveId()) !== undefined) this.honestIds += 1;
    } else if (mayBeFull) this.honestRefusals += 1;
    else this.violations.push('refused what is allowed');
  }
}

export async function openHostileGateway(): Promise<HostileGateway> {
  return new HostileGateway(await BrokerRig.make({ limits: { usesPerMinute: USES_PER_MINUTE } }));
}
