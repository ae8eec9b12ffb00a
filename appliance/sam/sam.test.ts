import { describe, expect, it } from 'vitest';
import { type ErrorCode, SekishoError } from '#contract/errors.ts';
import { openSam } from './sam.ts';
import { namedStep, samAnswering } from './testdata/opened-sam.ts';
import { ScriptedChannel } from './testdata/scripted-channel.ts';

const select = namedStep('select', 'personalised');
const locked = namedStep('get-data', 'status, locked');

describe('opening a SAM', () => {
  it('selects the application and learns which SAM and power-up it talks to', async () => {
    const { sam, channel } = await samAnswering();
    expect(sam.samId).toBe('5345534b00000001');
    expect(sam.tickNonce).toHaveLength(16);
    expect(channel.remaining).toBe(0);
  });

  it('opens a blank one', async () => {
    const blank = [namedStep('select', 'blank'), namedStep('get-data', 'status, blank')];
    const sam = await openSam(new ScriptedChannel(...blank));
    expect(sam.samId).toBe('0000000000000000');
  });

  it.each([
    ['no such application', '6a82'],
    ['another application', select.answer.toString().replace('8409f0', '8409f1')],
    ['profile version 1', select.answer.toString().replace('9f08020002', '9f08020001')],
    ['objects in another order', '6f0e8409f053454b4953484f01a501009000'],
    ['nothing', '9000'],
    ['garbage', '00ff9000'],
    ['less than a status', '90'],
  ])('refuses %s, and frees the slot', async (_, answer) => {
    const channel = new ScriptedChannel({ ...select, answer });
    await expect(openSam(channel)).rejects.toMatchObject({ code: 'sam.failed' });
    expect({ remaining: channel.remaining, closed: channel.closed }).toEqual({ remaining: 0, closed: 1 });
  });

  it('closes the channel, which takes the power off', async () => {
    const { sam, channel } = await samAnswering();
    await sam.close();
    expect(channel.closed).toBe(1);
  });

  it('counts what went over the line', async () => {
    const { sam } = await samAnswering();
    const bytes = [select, locked].map(({ command, answer }) => [command, String(answer)]);
    const half = (texts: readonly string[]): number => texts.join('').length / 2;
    expect(sam.meter).toEqual({
      count: 2,
      bytesOut: half(bytes.map(([command]) => command!)),
      bytesIn: half(bytes.map(([, answer]) => answer!)),
    });
  });
});

describe('a SAM that changed under an open line', () => {
  it.each([
    ['was reset (new tick nonce)', -(2 + 18 + 6 + 4 + 2), '55'],
    ['was exchanged (another samId)', 12, '66'],
  ])('is refused when it %s', async (_, at, digits) => {
    const answer = locked.answer.toString();
    const index = at < 0 ? answer.length + 2 * at - 2 : at;
    const changed = answer.slice(0, index) + digits + answer.slice(index + 2);
    const { sam } = await samAnswering({ ...locked, answer: changed });
    await expect(sam.status()).rejects.toMatchObject({ context: { malformed: 'SAM changed' } });
  });
});

describe('errors of the line', () => {
  it.each<[ErrorCode, ErrorCode]>([
    ['card.removed', 'sam.absent'],
    ['card.not-found', 'sam.absent'],
    ['reader.unreachable', 'sam.absent'],
    ['card.mute', 'sam.timeout'],
    ['reader.timeout', 'sam.timeout'],
    ['card.protocol', 'sam.failed'],
    ['reader.failed', 'sam.failed'],
    ['reader.command-too-long', 'sam.failed'],
    ['sam.absent', 'sam.absent'],
    ['sam.timeout', 'sam.timeout'],
  ])('%s of a driver becomes %s', async (thrown, expected) => {
    const { sam, channel } = await samAnswering({ ...locked, answer: new SekishoError(thrown) });
    await expect(sam.status()).rejects.toMatchObject({ code: expected });
    expect(channel.remaining).toBe(0);
  });

  it('an unknown throw of a driver becomes sam.failed', async () => {
    const { sam } = await samAnswering({ ...locked, answer: new TypeError('driver bug') });
    await expect(sam.status()).rejects.toMatchObject({ code: 'sam.failed', cause: expect.any(TypeError) });
  });

  it('every unknown status is sam.failed and never a card error', async () => {
    for (const sw of ['6700', '6a86', '6d00', '6e00', '6f00', '6300', '6283', '9001']) {
      const { sam } = await samAnswering({ ...locked, answer: sw });
      await expect(sam.status()).rejects.toMatchObject({
        code: 'sam.failed',
        context: { sw: sw.toUpperCase() },
      });
    }
  });
});

describe('commands at the same time', () => {
  it('run one after another, and a failure does not stop the next', async () => {
    const challenge = namedStep('get-challenge', '32 random bytes');
    const { sam } = await samAnswering({ ...challenge, answer: '6f00' }, locked, challenge);
    const results = await Promise.allSettled([sam.challenge(), sam.status(), sam.challenge()]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
  });
});
