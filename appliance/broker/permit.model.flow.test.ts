/**
 * Trips of a box with a hostile gateway: clocks are set in both directions, processes restarted, cards tried. The judge
 * knows what was signed, and the time that really passed; it looks whenever the SAM sees the organisation key's command.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BrokerRig, GRACE_MS, INS_ORGANISATION_KEY, type RigOperator } from './testing/broker-rig.ts';
import { grantPermit, type PermitChanges } from './testing/permit-signer.ts';

const RUNS = 60;
const STEPS = 60;
const MINUTE_MS = 60_000;
const NEVER = Number.NEGATIVE_INFINITY;

interface Choice {
  readonly act: number;
  readonly how: number;
}

/** What an administrator really signed, by the time that really passes. */
interface Signed {
  readonly endMs: number;
  readonly operators: readonly string[];
  usesLeft: number;
}

class Trip {
  readonly violations: string[] = [];
  readonly rig: BrokerRig;
  usesAway = 0;
  #leaseUntilMs = NEVER;
  #signed: Signed | undefined;
  #user: RigOperator | undefined;
  #isAway = false;

  constructor(rig: BrokerRig) {
    this.rig = rig;
    rig.sam.onCommand = ({ ins }) => {
      if (ins === INS_ORGANISATION_KEY) this.#judge();
    };
    // Also before its time, when a clock jumped: who is let in after that is let in by the permit.
    rig.onWiped = () => this.#shut();
  }

  async run({ act, how }: Choice): Promise<void> {
    const acts = [
      () => this.rig.clock.advance([1, 1_000, GRACE_MS, 10 * MINUTE_MS, 61 * MINUTE_MS][how % 5] ?? 0),
      () => this.#shift(how),
      () => this.#restart(),
      () => this.#leave(),
      () => this.comeHome(),
      () => this.#grant(how),
      () => this.#work(how),
      () => this.#work(0),
      () => this.#use(),
      () => this.#use(),
      () => this.#try(this.rig.ask('endPermit', { reason: 'ended-by-hand' })).then(() => this.#end()),
    ];
    await acts[act % acts.length]?.();
  }

  get #nowMs(): number {
    return this.rig.clock.monotonicMs();
  }

  #judge(): void {
    if (this.#nowMs < this.#leaseUntilMs) return;
    const permit = this.#signed;
    const listed = this.#user !== undefined && permit?.operators.includes(this.#user.keyId) === true;
    const inTime = permit !== undefined && this.#nowMs < permit.endMs;
    const counted = permit !== undefined && permit.usesLeft > 0;
    if (!listed || !inTime || !counted) this.violations.push(JSON.stringify({ listed, inTime, counted }));
    if (permit !== undefined) permit.usesLeft -= 1;
    this.usesAway += 1;
  }

  async #try(asked: Promise<unknown>): Promise<boolean> {
    return asked.then(
      () => true,
      () => false,
    );
  }

  async #shift(how: number): Promise<void> {
    const minutes = [-30, -59, -61, -600, 30, 600, 5, -5][how % 8] ?? 0;
    this.rig.clock.shiftWall(minutes * MINUTE_MS);
  }

  async #restart(): Promise<void> {
    this.#shut();
    await this.rig.restart();
    await this.#try(this.rig.open());
  }

  async #leave(): Promise<void> {
    // On the way already it changes nothing: who works under the permit goes on.
    if (this.#nowMs < this.#leaseUntilMs) this.#user = undefined;
    this.#leaseUntilMs = NEVER;
    await this.#try(this.rig.ask('endLease', { reason: 'link-down' }));
  }

  async comeHome(): Promise<void> {
    await this.#try(this.rig.open());
    const askedAtMs = this.#nowMs;
    // Used away from home and back again: for good.
    if (this.#isAway) this.#end();
    const verdict = await this.rig.lease().catch(() => undefined);
    if (verdict === 'granted') this.#leaseUntilMs = askedAtMs + GRACE_MS;
  }

  async #grant(how: number): Promise<void> {
    const { administrator, doctor, nurse, clock } = this.rig;
    const forged: readonly PermitChanges[] = [
      { signer: doctor },
      { signer: doctor, keyId: administrator.keyId },
    ];
    const forgery = how % 4 === 0 ? forged[how % 8 === 0 ? 0 : 1] : undefined;
    const minutes = 1 + (how % 90);
    const maxUses = 1 + (how % 4);
    const untilMs = clock.nowMs() + minutes * MINUTE_MS;
    const isTaken = await this.#try(grantPermit(this.rig, { untilMs, maxUses, ...forgery }));
    if (!isTaken) return;
    if (forgery !== undefined || this.#nowMs >= this.#leaseUntilMs)
      this.violations.push('granted without right');
    this.#isAway = false;
    this.#signed = { endMs: this.#nowMs + minutes * MINUTE_MS, operators: [nurse.keyId], usesLeft: maxUses };
  }

  async #work(how: number): Promise<void> {
    const operator = how % 5 === 4 ? this.rig.doctor : this.rig.nurse;
    await this.#try(this.rig.open());
    if (!(await this.#try(this.rig.unlockOffline(operator)))) return;
    if (!(await this.#try(this.rig.signIn(operator)))) return;
    this.#user = operator;
    if (this.#nowMs >= this.#leaseUntilMs) this.#isAway = true;
  }

  async #use(): Promise<void> {
    const operatorId = (this.#user ?? this.rig.nurse).keyId.slice(0, 16);
    await this.#try(this.rig.askSam('signForCard', this.rig.use({ operatorId })));
  }

  /** Nobody is signed in, and nobody is at home. */
  #shut(): void {
    this.#leaseUntilMs = NEVER;
    this.#user = undefined;
  }

  #end(): void {
    this.#signed = undefined;
    this.#isAway = false;
  }
}

const choice: fc.Arbitrary<Choice> = fc.record({ act: fc.nat(10), how: fc.nat(1_000) });
/** Home, where the first answer may be spent on coming back; granted, left, worked: by chance alone that is rare. */
const departure = fc.nat(1_000).map((how): Choice[] => [4, 4, 5, 3, 7].map((act) => ({ act, how })));
const part = fc.oneof(
  { weight: 5, arbitrary: choice.map((each) => [each]) },
  { weight: 1, arbitrary: departure },
);
const trip = fc.array(part, { minLength: STEPS, maxLength: STEPS, size: 'max' }).map((parts) => parts.flat());

test('away from home the key is used only as signed: by whom, how often, and never for longer', async () => {
  let usesAway = 0;
  await fc.assert(
    fc.asyncProperty(trip, async (choices) => {
      const rig = await BrokerRig.make();
      const watched = new Trip(rig);
      await watched.comeHome();
      await rig.askSam('updateRoster', { update: rig.roster(1) });
      for (const each of choices) await watched.run(each);
      usesAway += watched.usesAway;
      await rig.close();
      expect(watched.violations).toEqual([]);
    }),
    { numRuns: RUNS, endOnFailure: true },
  );
  process.stdout.write(`trips: ${usesAway} uses away from home, 0 without right\n`);
  // Not by refusing everything.
  expect(usesAway).toBeGreaterThan(RUNS / 4);
}, 60_000);
