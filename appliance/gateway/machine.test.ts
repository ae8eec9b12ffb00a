import { readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Input, transition } from './machine.ts';
import { type Facts, firstMissing, INITIAL_FACTS, placeAllowed } from './state.ts';
import { type TapInput, type TapMachineState, tapTransition } from './tap-machine.ts';

const OPERATOR = {
  operatorId: '00112233445566aa',
  displayName: '試験 太郎',
  roles: ['clerk' as const],
  cardKind: 'hpki' as const,
};

const SAMS: readonly Facts['sam'][] = [
  { kind: 'absent' },
  { kind: 'locked' },
  { kind: 'unlocked', by: 'online', usesLeft: 9 },
  { kind: 'unlocked', by: 'offline', usesLeft: 0 },
  { kind: 'disabled' },
];
const OPERATORS: readonly Facts['operator'][] = [
  { kind: 'none' },
  { kind: 'signedIn', operator: OPERATOR, screen: 'counter', untilMs: 2_000, idleUntilMs: 1_000 },
];

/** Every combination of facts that the types allow, with one representative per number. */
const ALL_FACTS: readonly Facts[] = SAMS.flatMap((sam) =>
  (['registered', 'foreign', 'absent'] as const).flatMap((network) =>
    ([{ kind: 'none' }, { kind: 'carryOut', untilMs: 5_000, usesLeft: 3 }] as const).flatMap((permit) =>
      OPERATORS.flatMap((operator) =>
        (['ready', 'faulted'] as const).flatMap((reader) =>
          [false, true].map((tapRunning) => ({ sam, network, permit, operator, reader, tapRunning })),
        ),
      ),
    ),
  ),
);

const ALL_INPUTS: readonly Input[] = [
  { type: 'samFound' },
  { type: 'samLost' },
  { type: 'samUnlocked', by: 'online', usesLeft: 100 },
  { type: 'samUnlocked', by: 'offline', usesLeft: 20 },
  { type: 'samLocked', reason: 'asked' },
  { type: 'samDisabled' },
  { type: 'samUsed', usesLeft: 8 },
  { type: 'networkChanged', to: 'registered' },
  { type: 'networkChanged', to: 'foreign' },
  { type: 'networkChanged', to: 'absent' },
  { type: 'wiped', reason: 'anchor-silent' },
  { type: 'permitInForce', untilMs: 5_000, uses: 3 },
  { type: 'permitEnded' },
  { type: 'operatorSignedIn', operator: OPERATOR, screen: 'counter', untilMs: 2_000, idleUntilMs: 1_000 },
  { type: 'operatorActive', idleUntilMs: 1_500 },
  { type: 'operatorSignedOut' },
  { type: 'operatorTimedOut' },
  { type: 'operatorSuspended' },
  { type: 'readerReady' },
  { type: 'readerFaulted' },
  { type: 'tapRequested' },
  { type: 'tapEnded' },
];

function nameFacts(facts: Facts): string {
  const sam =
    facts.sam.kind === 'unlocked' ? `unlocked/${facts.sam.by}/${facts.sam.usesLeft}` : facts.sam.kind;
  return [
    `sam=${sam}`,
    `network=${facts.network}`,
    `permit=${facts.permit.kind}`,
    `operator=${facts.operator.kind}`,
    `reader=${facts.reader}`,
    `tap=${facts.tapRunning ? 'running' : 'none'}`,
  ].join(' ');
}

function nameInput(input: Input): string {
  const detail = 'by' in input ? input.by : 'to' in input ? input.to : '';
  return detail === '' ? input.type : `${input.type}(${detail})`;
}

/** The difference only, so that a reviewer reads the rules and not the repetition. */
function nameChange(before: Facts, input: Input): string {
  const outcome = transition(before, input);
  if ('refused' in outcome) return `refused ${outcome.refused}`;
  const was = nameFacts(before).split(' ');
  const changed = nameFacts(outcome.facts)
    .split(' ')
    .filter((word, index) => word !== was[index]);
  const effects = outcome.effects.map((effect) => effect.do);
  return `${changed.join(' ') || 'unchanged'}${effects.length > 0 ? ` ! ${effects.join(', ')}` : ''}`;
}

function expectGolden(file: string, text: string): void {
  const url = new URL(`./testdata/${file}`, import.meta.url);
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(url, text);
  expect(text).toBe(readFileSync(url, 'utf8'));
}

describe('facts machine', () => {
  test('the whole grid of facts and inputs is the golden file', () => {
    const lines = ALL_FACTS.flatMap((facts) => [
      `[${nameFacts(facts)}] ready=${firstMissing(facts) ?? 'yes'}`,
      ...ALL_INPUTS.map((input) => `  ${nameInput(input)} -> ${nameChange(facts, input)}`),
    ]);
    expectGolden('machine.grid.txt', `${lines.join('\n')}\n`);
  });

  test('nothing is open away from an allowed place, whatever happened before', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...ALL_INPUTS), { maxLength: 40 }), (inputs) => {
        let facts: Facts = INITIAL_FACTS;
        for (const input of inputs) {
          const outcome = transition(facts, input);
          if (!('refused' in outcome)) facts = outcome.facts;
          if (!placeAllowed(facts)) {
            expect(facts.sam.kind).not.toBe('unlocked');
            expect(facts.operator.kind).toBe('none');
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  test('losing the lease powers the SAM off and drops every session, from every open state, with a permit or without', () => {
    for (const facts of ALL_FACTS.filter((each) => each.network === 'registered')) {
      const outcome = transition(facts, { type: 'networkChanged', to: 'foreign' });
      if ('refused' in outcome) throw new Error('a lost network can not be refused');
      const effects = outcome.effects.map((effect) => effect.do);
      if (facts.sam.kind === 'unlocked') expect(effects).toContain('powerOffSam');
      if (facts.operator.kind === 'signedIn') expect(effects).toContain('dropSessions');
      if (facts.tapRunning) expect(effects).toContain('abortTap');
    }
  });

  test('a tap starts only when nothing is missing and none is running', () => {
    for (const facts of ALL_FACTS) {
      const outcome = transition(facts, { type: 'tapRequested' });
      const started = !('refused' in outcome);
      expect(started).toBe(firstMissing(facts) === undefined && !facts.tapRunning);
    }
  });
});

const TAP_STATES: readonly TapMachineState[] = [
  { at: 'waitingForConsent' },
  { at: 'waitingForCard' },
  { at: 'reading' },
  { at: 'faceCheck' },
  { at: 'recording' },
  { at: 'done' },
  { at: 'failed', error: 'card.removed' },
];
const TAP_INPUTS: readonly TapInput[] = [
  { type: 'consentGiven' },
  { type: 'consentRefused' },
  { type: 'cardFound' },
  { type: 'cardRead' },
  { type: 'faceChecked' },
  { type: 'recorded' },
  { type: 'problem', error: 'card.removed' },
  { type: 'cancelled' },
  { type: 'expired' },
];

describe('tap machine', () => {
  test('the whole grid of states and inputs is the golden file', () => {
    const lines = TAP_STATES.flatMap((state) => [
      `[${state.at}]`,
      ...TAP_INPUTS.map((input) => {
        const outcome = tapTransition(state, input);
        if ('refused' in outcome) return `  ${input.type} -> refused ${outcome.refused}`;
        const error = outcome.state.at === 'failed' ? `(${outcome.state.error})` : '';
        const effects = outcome.effects.map((effect) => effect.do).join(', ');
        return `  ${input.type} -> ${outcome.state.at}${error}${effects === '' ? '' : ` ! ${effects}`}`;
      }),
    ]);
    expectGolden('tap-machine.grid.txt', `${lines.join('\n')}\n`);
  });

  test('the card is read only after the patient agreed', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...TAP_INPUTS), { maxLength: 20 }), (inputs) => {
        let state: TapMachineState = { at: 'waitingForConsent' };
        let agreed = false;
        for (const input of inputs) {
          const outcome = tapTransition(state, input);
          if ('refused' in outcome) continue;
          if (input.type === 'consentGiven') agreed = true;
          if (outcome.effects.some((effect) => effect.do === 'readCard')) expect(agreed).toBe(true);
          state = outcome.state;
        }
      }),
    );
  });
});
