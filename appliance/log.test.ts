import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { SekishoError } from '#contract/errors.ts';
import { createLogger, redactFields } from './log.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

function logged(use: (logger: ReturnType<typeof createLogger>) => void): string[] {
  const lines: string[] = [];
  use(createLogger({ level: 'info', write: (line) => lines.push(line) }));
  return lines;
}

/** Values that must never reach a line, however they are handed over. */
const CANARIES = [
  '537686677188',
  '5376-8667-7188',
  '12345678901234',
  '33120015',
  '山田太郎',
  'ﾔﾏﾀﾞ ﾀﾛｳ',
  'MIIDXTCCAkWgAwIBAgIJAKoK2c3dE5fGMA0GCSqGSIb3DQEBCwUA',
  '-----BEGIN CERTIFICATE-----',
  '02:1f:9a:55:73:b1:0c:44:de:ad:be:ef:01',
  'deadbeefdeadbeefdeadbeefdeadbeef',
];

describe('the log', () => {
  test('writes one JSON object per line with time, level, event and fields', () => {
    const [line] = logged((logger) =>
      logger.info('tap.done', { tapId: '0198c3e2-7f00-7000-8000-123456789012', ms: 840 }),
    );
    expect(JSON.parse(line!)).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      level: 'info',
      event: 'tap.done',
      tapId: '0198c3e2-7f00-7000-8000-123456789012',
      ms: 840,
    });
  });

  test('keeps quiet below its level', () => {
    expect(logged((logger) => logger.debug('x'))).toEqual([]);
  });

  test('a child repeats its fields, filtered', () => {
    const [line] = logged((logger) => logger.child({ requestId: '00112233aabbccdd', pin: '1234' }).warn('y'));
    expect(JSON.parse(line!)).toMatchObject({ requestId: '00112233aabbccdd', dropped: 1 });
    expect(line).not.toContain('1234');
  });

  test.each(CANARIES)(
    'drops the canary %s as value, key, event, array item, nested value and error text',
    (canary) => {
      const lines = logged((logger) => {
        logger.info('a', { step: canary });
        logger.info('b', { [canary]: 1 });
        logger.info(canary);
        logger.info('c', { list: ['fine', canary], deep: { deeper: { note: `see ${canary}.` } } });
        logger.error('d', { error: new Error(canary, { cause: new TypeError(canary) }) });
        logger.error('e', { error: new SekishoError('card.protocol', { context: { note: canary } }) });
        logger.info('f', { buffer: Buffer.from(canary), view: new TextEncoder().encode(canary) });
        logger.child({ note: canary }).info('g');
      });
      expect(lines).toHaveLength(8);
      for (const line of lines) expect(line).not.toContain(canary);
    },
  );

  test.each([
    'pin',
    'operatorPin',
    'PIN',
    'name',
    'NameKana',
    'Address',
    'patientNumber',
    'patient_number',
    'InsurerNumber',
    'certificate',
    'serialNumber',
    'cookie',
    'Set-Cookie',
    'authorization',
    'body',
    'apdu',
    'storageKey',
  ])('drops the field %s whatever it holds', (name) => {
    expect(redactFields({ [name]: 'x' })).toEqual({ dropped: 1 });
  });

  test('a number that could be somebody is dropped; a time in ms is kept', () => {
    expect(redactFields({ count: 12_345_678, atMs: 1_790_000_000_000 })).toEqual({
      atMs: 1_790_000_000_000,
      dropped: 1,
    });
  });

  test('a JSON parser error does not bring the text it quotes', () => {
    const lines = logged((logger) => {
      try {
        JSON.parse('{"pin":"4321"');
      } catch (error) {
        logger.warn('request.malformed', { error });
      }
    });
    expect(lines[0]).toContain('SyntaxError');
    expect(lines[0]).not.toContain('4321');
  });

  test('our own error keeps its code and its harmless context', () => {
    const error = new SekishoError('centre.timeout', { context: { service: 'ocsp', waitedMs: 3000 } });
    const [line] = logged((logger) => logger.error('call', { error }));
    expect(JSON.parse(line!).error).toMatchObject({
      type: 'SekishoError',
      code: 'centre.timeout',
      context: { service: 'ocsp', waitedMs: 3000 },
    });
  });

  test('nothing that contains 12 digits in a row ever passes, at any depth', () => {
    fc.assert(
      fc.property(fc.object({ maxDepth: 4 }), fc.stringMatching(/^\d{12,16}$/), (noise, digits) => {
        const text = JSON.stringify(
          redactFields({ ...noise, step: digits, list: [[digits]], more: { note: ` ${digits}` } }),
        );
        expect(text).not.toContain(digits);
      }),
      { numRuns: 200 },
    );
  });

  test('objects that refer to themselves end at a depth', () => {
    const loop: Record<string, unknown> = {};
    loop.self = loop;
    expect(() => redactFields({ loop })).not.toThrow();
  });

  test('without a writer it speaks on standard output, also when the process exits at once', () => {
    const contents = `import { createLogger } from './appliance/log.ts'; createLogger({ level: 'info' }).info('last.word'); process.exit(0)`;
    const { outputFiles } = buildSync({
      stdin: { contents, resolveDir: root },
      bundle: true,
      write: false,
      platform: 'node',
      format: 'esm',
      packages: 'external',
    });
    const output = execFileSync(process.execPath, ['--input-type=module', '-e', outputFiles[0]!.text], {
      cwd: root,
    });
    expect(JSON.parse(String(output))).toMatchObject({ level: 'info', event: 'last.word' });
  });
});
