/**
 * The gateway against a model of what a clinic may do: whatever happens in whatever order, the organisation key is
 * used only when the SAM is unlocked, the place is right, an operator is signed in and the patient agreed.
 * The bench asks the snapshot at the very moment of each use; this file counts the SAM's own use counter.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ErrorCode, SekishoError } from '#contract/errors.ts';
import { removeAfterApdus } from '#drivers/simulated/faults.ts';
import type { Caller } from './face.ts';
import { type GatewayBench, MATCH, openGatewayBench, TEST_LIMITS } from './testdata/gateway-bench.ts';

const RUNS = 40;
const STEPS = 100;

interface Model {
  isHome: boolean;
  isCentreUp: boolean;
  sam: 'absent' | 'locked' | 'unlocked';
  /** It was locked by a person: nothing but a person's word opens it. */
  waits: boolean;
  caller: Caller | undefined;
  tap: { readonly tapId: string; at: 'consent' | 'face' } | undefined;
  uses: number;
}

interface Step {
  readonly name: string;
  /** How often it happens; once when absent. */
  readonly weight?: number;
  run(bench: GatewayBench, model: Model): Promise<void>;
}

const STRANGER: Caller = { operatorId: 'ffffffffffffffff', screen: 'stranger' };

function firstMissing({ sam, isHome, caller, tap }: Model): ErrorCode | undefined {
  if (sam === 'absent') return 'sam.absent';
  if (!isHome) return 'network.absent';
  if (caller === undefined) return 'operator.not-signed-in';
  if (sam === 'locked') return 'sam.locked';
  return tap === undefined ? undefined : 'tap.busy';
}

/** `undefined` when it went well. */
async function codeOf(work: Promise<unknown>): Promise<ErrorCode | undefined> {
  try {
    await work;
    return undefined;
  } catch (thrown) {
    if (thrown instanceof SekishoError) return thrown.code;
    throw thrown;
  }
}

/** Only who is signed in gets as far as the question itself. */
function whenSignedIn(model: Model, code: ErrorCode | undefined): ErrorCode | undefined {
  return model.caller === undefined ? 'operator.not-signed-in' : code;
}

const asked = (model: Model): Caller => model.caller ?? STRANGER;

const STEPS_OF_LIFE: readonly Step[] = [
  {
    name: 'the network goes',
    async run({ gateway }, model) {
      await gateway.networkChanged('absent');
      model.isHome = false;
      model.caller = undefined;
      model.tap = undefined;
      if (model.sam === 'unlocked') model.sam = 'locked';
    },
  },
  {
    name: 'the network comes',
    weight: 4,
    async run({ gateway }, model) {
      await gateway.networkChanged('registered');
      if (!model.isHome && model.sam === 'locked' && !model.waits && model.isCentreUp) model.sam = 'unlocked';
      model.isHome = true;
    },
  },
  {
    name: 'the centre goes',
    async run({ centre }, model) {
      centre.all = 'centre.unreachable';
      model.isCentreUp = false;
    },
  },
  {
    name: 'the centre comes',
    weight: 2,
    async run({ centre }, model) {
      centre.all = 'good';
      model.isCentreUp = true;
    },
  },
  ...(['kakuu-ishi', 'kakuu-jimu'] as const).map((person) => ({
    name: `${person} signs in`,
    weight: 6,
    async run(bench: GatewayBench, model: Model) {
      const expected = !model.isHome ? 'network.absent' : model.tap === undefined ? undefined : 'tap.busy';
      const signingIn = bench.signIn(person);
      expect(await codeOf(signingIn)).toBe(expected);
      if (expected !== undefined) return;
      model.caller = await signingIn;
      if (model.sam !== 'locked') return;
      model.sam = 'unlocked';
      model.waits = false;
    },
  })),
  {
    name: 'somebody has the wrong PIN',
    async run(bench, model) {
      const request = bench.request('kakuu-kango', { pin: new Uint8Array(4).fill(0x30) });
      const work = bench.withCard(bench.card('kakuu-kango'), () => bench.gateway.signIn(request));
      const busy = model.tap === undefined ? 'operator.pin-wrong' : 'tap.busy';
      expect(await codeOf(work)).toBe(model.isHome ? busy : 'network.absent');
    },
  },
  {
    name: 'the operator signs out',
    async run(bench, model) {
      await bench.gateway.signOut(asked(model));
      if (model.caller !== undefined) model.tap = undefined;
      model.caller = undefined;
      await untilSettled(bench, model);
    },
  },
  {
    name: 'nobody does anything for long',
    async run(bench, model) {
      await bench.clock.advance(TEST_LIMITS.operatorIdleMs);
      model.caller = undefined;
      model.tap = undefined;
      await untilSettled(bench, model);
    },
  },
  {
    name: 'a tap starts',
    weight: 12,
    async run(bench, model) {
      const starting = bench.startTap(asked(model));
      const expected = model.caller === undefined ? 'operator.not-signed-in' : firstMissing(model);
      expect(await codeOf(starting)).toBe(expected);
      if (expected === undefined) model.tap = { tapId: (await starting).tapId, at: 'consent' };
    },
  },
  {
    name: 'the patient agrees',
    weight: 12,
    async run(bench, model) {
      await agree(bench, model, () => {});
    },
  },
  {
    name: 'the patient agrees and takes the card away',
    weight: 4,
    async run(bench, model) {
      await agree(bench, model, () => bench.reader.faults.push(removeAfterApdus(model.uses % 14)));
      bench.reader.faults.length = 0;
    },
  },
  {
    name: 'the patient does not agree',
    async run({ gateway }, model) {
      const work = gateway.decideConsent(asked(model), model.tap?.tapId ?? 'none', 'refused', 'screen');
      expect(await codeOf(work)).toBe(whenSignedIn(model, stepError(model, 'consent')));
      if (model.tap?.at === 'consent') model.tap = undefined;
    },
  },
  {
    name: 'the face is compared',
    weight: 12,
    async run({ gateway }, model) {
      const work = gateway.recordFaceCheck(asked(model), model.tap?.tapId ?? 'none', MATCH);
      expect(await codeOf(work)).toBe(whenSignedIn(model, stepError(model, 'face')));
      if (model.tap?.at === 'face') {
        expect(await work).toMatchObject({ outcome: 'accepted' });
        model.tap = undefined;
      }
    },
  },
  {
    name: 'the tap is cancelled',
    async run({ gateway }, model) {
      const work = gateway.cancelTap(asked(model), model.tap?.tapId ?? 'none');
      expect(await codeOf(work)).toBe(
        whenSignedIn(model, model.tap === undefined ? 'tap.unknown' : undefined),
      );
      model.tap = undefined;
    },
  },
  {
    name: 'the SAM is locked',
    async run({ gateway }, model) {
      expect(await codeOf(gateway.lockSam(asked(model), 'asked'))).toBe(whenSignedIn(model, undefined));
      if (model.caller === undefined || model.sam !== 'unlocked') return;
      model.sam = 'locked';
      model.waits = true;
      model.tap = undefined;
    },
  },
  {
    name: 'the SAM is unlocked online',
    weight: 2,
    async run({ gateway }, model) {
      const able = model.isCentreUp ? undefined : ('centre.unreachable' as const);
      const expected = whenSignedIn(model, model.sam === 'absent' ? 'sam.absent' : able);
      expect(await codeOf(gateway.unlockOnline(asked(model)))).toBe(expected);
      if (model.caller !== undefined) model.waits = false;
      if (expected === undefined) model.sam = 'unlocked';
    },
  },
  {
    name: 'the SAM is unlocked by card',
    async run(bench, model) {
      const unlocking = bench.withCard(bench.card('kakuu-ishi'), () =>
        bench.gateway.unlockOffline(asked(model), bench.request('kakuu-ishi')),
      );
      const able = model.sam === 'absent' ? 'sam.absent' : undefined;
      const expected = whenSignedIn(model, model.tap === undefined ? able : 'tap.busy');
      expect(await codeOf(unlocking)).toBe(expected);
      if (model.caller !== undefined && model.tap === undefined) model.waits = false;
      if (expected === undefined) model.sam = 'unlocked';
    },
  },
  {
    name: 'the SAM leaves',
    async run(bench, model) {
      bench.samSlot.remove();
      await bench.untilSnapshot(({ facts }) => facts.sam === 'absent');
      model.sam = 'absent';
      model.tap = undefined;
      await untilSettled(bench, model);
    },
  },
  {
    name: 'the SAM comes',
    weight: 6,
    async run(bench, model) {
      if (model.sam !== 'absent') return;
      bench.samSlot.insert(bench.sam);
      // The keeper may be between two looks.
      await bench.clock.advance(1_000);
      const isUnlocked = model.isHome && model.isCentreUp && !model.waits;
      await bench.untilSnapshot(({ facts }) => facts.sam === (isUnlocked ? 'unlocked' : 'locked'));
      model.sam = isUnlocked ? 'unlocked' : 'locked';
      await untilSettled(bench, model);
    },
  },
];

function stepError({ tap }: Model, at: 'consent' | 'face'): ErrorCode | undefined {
  if (tap === undefined) return 'tap.unknown';
  return tap.at === at ? undefined : 'tap.wrong-step';
}

/** Tells nothing new, and resolves when everything that followed from what was told before has ended. */
function untilSettled({ gateway }: GatewayBench, { isHome }: Model): Promise<void> {
  return gateway.networkChanged(isHome ? 'registered' : 'absent');
}

/** The one step that may use the organisation key. */
async function agree(bench: GatewayBench, model: Model, spoil: () => void): Promise<void> {
  const { gateway } = bench;
  const before = bench.organisationKeyUses;
  const tapId = model.tap?.tapId ?? 'none';
  const expected = whenSignedIn(model, stepError(model, 'consent'));
  await bench.withCard(bench.card('mihon-taro'), async () => {
    spoil();
    expect(await codeOf(gateway.decideConsent(asked(model), tapId, 'ok', 'screen'))).toBe(expected);
    if (expected !== undefined) return;
    const { state } = await gateway.waitForTap(tapId, new AbortController().signal);
    model.tap = state === 'faceCheck' ? { tapId, at: 'face' } : undefined;
  });
  const used = bench.organisationKeyUses - before;
  if (expected !== undefined) expect(used).toBe(0);
  else expect(used).toBeLessThanOrEqual(1);
  if (model.tap?.at === 'face') expect(used).toBe(expected === undefined ? 1 : 0);
  model.uses += used;
}

test(`holds in ${RUNS * STEPS} steps`, { timeout: 120_000 }, async () => {
  let steps = 0;
  let uses = 0;
  const stepOf = new Map(STEPS_OF_LIFE.map((step) => [step.name, step]));
  const one = STEPS_OF_LIFE.map(({ name, weight = 1 }) => ({ weight, arbitrary: fc.constant(name) }));
  const life = fc.array(fc.oneof(...one), { minLength: STEPS, maxLength: STEPS });
  await fc.assert(
    fc.asyncProperty(life, async (sequence) => {
      const bench = await openGatewayBench({
        limits: { operatorFailures: 1_000, tapsPerCardPerDay: 1_000, consentTimeoutMs: 7_200_000 },
      });
      const model: Model = {
        isHome: true,
        isCentreUp: true,
        sam: 'unlocked',
        waits: false,
        caller: undefined,
        tap: undefined,
        uses: 0,
      };
      for (const name of sequence) {
        const before = bench.organisationKeyUses;
        await stepOf.get(name)?.run(bench, model);
        if (!name.startsWith('the patient agrees')) expect(bench.organisationKeyUses).toBe(before);
        expect(bench.gateway.snapshot().facts.sam, name).toBe(model.sam);
        steps += 1;
      }
      uses += model.uses;
      await bench.close();
    }),
    { numRuns: RUNS },
  );
  expect(steps).toBeGreaterThanOrEqual(RUNS * STEPS);
  // A model in which nothing ever happens would prove nothing.
  expect(uses).toBeGreaterThan(RUNS);
});
