import { describe, expect, it } from 'vitest';
import { parseCommand } from '#card/apdu.ts';
import { openExchange } from '#card/exchange.ts';
import { SekishoError } from '#contract/errors.ts';
import { ScriptedChannel, type ScriptedStep } from '../testdata/scripted-channel.ts';
import { fromHex, readVectors } from '../testdata/vectors.ts';
import { DERIVATION, derive } from './kdf.ts';
import type { SecurityLevel } from './protection.ts';
import { openScp03, type Scp03Session } from './session.ts';

interface Scp03Command {
  readonly plain: string;
  readonly protected: string;
  readonly protectedAnswer?: string;
  readonly plainAnswer?: string;
}

interface Scp03Vector {
  readonly name: string;
  readonly level: string;
  readonly keys: { readonly enc: string; readonly mac: string; readonly dek: string };
  readonly initializeUpdate: string;
  readonly initializeUpdateAnswer: string;
  readonly externalAuthenticate: string;
  readonly commands: readonly Scp03Command[];
}

interface Scp03Vectors {
  readonly vectors: readonly Scp03Vector[];
}

const { vectors } = readVectors<Scp03Vectors>('scp03');
const levels = readVectors<Scp03Vectors>('scp03-levels').vectors;
const full = vectors.find((vector) => vector.name === 'AES128' && vector.level === '33')!;
const first = full.commands[0]!;

/** An error status carries no MAC, so it may stand in where the source gives no answer. */
const UNANSWERED = '6a88';

function handshake(vector: Scp03Vector, change: Partial<Scp03Vector> = {}): ScriptedStep[] {
  const { initializeUpdate, initializeUpdateAnswer, externalAuthenticate } = { ...vector, ...change };
  return [
    { command: initializeUpdate, answer: initializeUpdateAnswer },
    { command: externalAuthenticate, answer: '9000' },
  ];
}

function open(vector: Scp03Vector, steps: readonly ScriptedStep[]): Promise<Scp03Session> {
  const initializeUpdate = parseCommand(fromHex(vector.initializeUpdate));
  return openScp03(openExchange(new ScriptedChannel(...steps), { peer: 'sam' }), {
    staticKeys: {
      enc: fromHex(vector.keys.enc),
      mac: fromHex(vector.keys.mac),
      dek: fromHex(vector.keys.dek),
    },
    keyVersion: initializeUpdate.p1,
    level: Number.parseInt(vector.level, 16) as SecurityLevel,
    random: { bytes: () => initializeUpdate.data! },
  });
}

function sendPlain(session: Scp03Session, plain: string): Promise<string> {
  return session
    .send(parseCommand(fromHex(plain)))
    .then(({ data, sw }) => Buffer.from(data).toString('hex') + sw.toString(16));
}

/** The application of the published sessions: GSMA SGP.02 ISD-R. */
const ISD_R_AID = fromHex('a0000005591010ffffffff8900000100');

const personalisationFailed = expect.objectContaining({ code: 'sam.personalisation-failed' });

describe('SCP03, vectors', () => {
  it.each([...vectors, ...levels])(
    '$name level $level: handshake, protected commands and answers',
    async (vector) => {
      const steps = vector.commands.map((one) => ({
        command: one.protected,
        answer: one.protectedAnswer ?? UNANSWERED,
      }));
      const session = await open(vector, [...handshake(vector), ...steps]);
      for (const command of vector.commands) {
        expect(await sendPlain(session, command.plain)).toBe(command.plainAnswer ?? UNANSWERED);
      }
    },
  );

  it.each(vectors)('$name level $level: the pseudo-random card challenge', (vector) => {
    const answer = fromHex(vector.initializeUpdateAnswer);
    const context = Buffer.concat([answer.subarray(29, 32), ISD_R_AID]);
    const challenge = derive(fromHex(vector.keys.enc), DERIVATION.cardChallenge, 8, context);
    expect(Buffer.from(challenge)).toEqual(Buffer.from(answer.subarray(13, 21)));
  });
});

describe('SCP03, refusals', () => {
  /** `at` counts in hex digits from the front, or from the back when negative. */
  const spoil = (hex: string, at: number): string => {
    const index = at < 0 ? hex.length + at : at;
    return hex.slice(0, index) + (hex[index] === '0' ? '1' : '0') + hex.slice(index + 1);
  };
  const refusesAnswer = async (initializeUpdateAnswer: string): Promise<void> => {
    await expect(open(full, handshake(full, { initializeUpdateAnswer }))).rejects.toEqual(
      personalisationFailed,
    );
  };

  it.each([
    ['a wrong card cryptogram', spoil(full.initializeUpdateAnswer, 42)],
    ['a changed card challenge', spoil(full.initializeUpdateAnswer, 26)],
    ['another key version', spoil(full.initializeUpdateAnswer, 20)],
    ['SCP02', spoil(full.initializeUpdateAnswer, 23)],
    ['S16 mode', spoil(full.initializeUpdateAnswer, 25)],
    ['a card without R-ENC', full.initializeUpdateAnswer.replace('3003703b', '3003303b')],
    ['a card without R-MAC', full.initializeUpdateAnswer.replace('3003703b', '3003103b')],
    ['a missing sequence counter', `${full.initializeUpdateAnswer.slice(0, -10)}9000`],
    ['an empty answer', '9000'],
    ['an unknown key version (6A88)', '6a88'],
  ])('refuses %s', (_, answer) => refusesAnswer(answer));

  it('accepts a random challenge, which comes without a sequence counter', async () => {
    const random = `${full.initializeUpdateAnswer.replace('3003703b', '3003603b').slice(0, -10)}9000`;
    const steps = [...handshake(full, { initializeUpdateAnswer: random }), answered(first.protectedAnswer!)];
    expect(await sendPlain(await open(full, steps), first.plain)).toBe(first.plainAnswer);
  });

  it('refuses when the card does not accept our cryptogram', async () => {
    const [begin, authenticate] = handshake(full);
    const steps = [begin!, { ...authenticate!, answer: '6300' }];
    await expect(open(full, steps)).rejects.toEqual(personalisationFailed);
  });

  it.each([
    ['a tampered R-MAC', spoil(first.protectedAnswer!, -6)],
    ['tampered encrypted data', spoil(first.protectedAnswer!, 3)],
    ['another status under the same MAC', `${first.protectedAnswer!.slice(0, -4)}6200`],
    ['an answer without MAC', '9000'],
    ['an answer shorter than a MAC', '010203049000'],
  ])('refuses %s and ends the session', async (_, answer) => {
    const session = await open(full, [...handshake(full), answered(answer)]);
    await expect(sendPlain(session, first.plain)).rejects.toEqual(personalisationFailed);
    await expect(sendPlain(session, first.plain)).rejects.toMatchObject({
      context: { scp03: 'session ended' },
    });
  });

  it('does not believe data beside an error status', async () => {
    const session = await open(full, [...handshake(full), answered('0102036a80')]);
    expect(await sendPlain(session, first.plain)).toBe('6a80');
  });

  it('ends when the line breaks in the middle', async () => {
    const lost = new SekishoError('sam.absent');
    const session = await open(full, [...handshake(full), { command: first.protected, answer: lost }]);
    await expect(sendPlain(session, first.plain)).rejects.toBe(lost);
    await expect(sendPlain(session, first.plain)).rejects.toEqual(personalisationFailed);
  });

  it('refuses to protect what a short command cannot carry', async () => {
    const session = await open(full, handshake(full));
    const command = { cla: 0x84, ins: 0xe2, p1: 0, p2: 0, data: new Uint8Array(240) };
    await expect(session.send(command)).rejects.toMatchObject({ code: 'internal.bug' });
  });

  function answered(answer: string): ScriptedStep {
    return { command: first.protected, answer };
  }
});
