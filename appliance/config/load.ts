/** Reads the configuration file, lists every problem at once, and freezes the result. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { ZodError, ZodType } from 'zod';
import { SekishoError } from '#contract/errors.ts';
import { type BrokerConfig, BrokerConfigSchema } from './broker-schema.ts';
import { publishedKeyIn, publishedReason } from './published-keys.ts';
import { type Config, ConfigSchema } from './schema.ts';

export interface ConfigProblem {
  /** Dotted path of the setting, "centre.ocspUrl"; empty for the file itself. */
  readonly path: string;
  readonly reason: string;
}

/**
 * Reads, validates and freezes. File paths in it become absolute, relative to the file's own folder. In production no file
 * that it names may hold a published test key.
 * @throws SekishoError `config.invalid`; its cause is a `ConfigProblemList`.
 */
export function loadConfig(file: string): Config {
  return withPaths(file, parseConfig(readJson(file)));
}

/** The same for the file of the SAM broker. */
export function loadBrokerConfig(file: string): BrokerConfig {
  return withPaths(file, parseBrokerConfig(readJson(file)));
}

/** Validates a configuration that is already an object; touches no file. */
export function parseConfig(value: unknown): Config {
  const more = [
    ...simulatorsInProduction(value, ['reader', 'sam']),
    ...unguardedInProduction(value),
    ...unwatchedInProduction(value),
  ];
  return parse(ConfigSchema, value, more);
}

export function parseBrokerConfig(value: unknown): BrokerConfig {
  const more = [...simulatorsInProduction(value, ['slot']), ...scriptedPortsInProduction(value)];
  return parse(BrokerConfigSchema, value, more);
}

function parse<T>(schema: ZodType<T>, value: unknown, more: readonly ConfigProblem[]): T {
  const result = schema.safeParse(value, { reportInput: false });
  const problems = result.success ? [] : result.error.issues.flatMap(describeIssue);
  problems.push(...more);
  if (!result.success || problems.length > 0) throw configInvalid(problems);
  return deepFreeze(result.data);
}

function withPaths<T extends { readonly profile: string }>(file: string, parsed: T): T {
  const problems: ConfigProblem[] = [];
  const isProduction = parsed.profile === 'production';
  const config = resolvePaths(parsed, dirname(resolve(file)), '', (path, absolute) => {
    const reason = problemOfFile(absolute, isProduction);
    if (reason !== undefined) problems.push({ path, reason });
  }) as T;
  if (problems.length > 0) throw configInvalid(problems);
  return deepFreeze(config);
}

/** Whoever has the private half of what is pinned here is the anchor, the centre, or any patient. */
function problemOfFile(file: string, isProduction: boolean): string | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'latin1');
  } catch {
    return `cannot read ${file}`;
  }
  const place = isProduction ? publishedKeyIn(text) : undefined;
  return place === undefined ? undefined : publishedReason(place);
}

/** All that was wrong; the message is what a technician reads. */
export class ConfigProblemList extends Error {
  override readonly name = 'ConfigProblemList';
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(({ path, reason }) => `${path === '' ? '(file)' : path}: ${reason}`).join('\n'));
    this.problems = problems;
  }
}

/** The error that lists them. */
export function configInvalid(problems: readonly ConfigProblem[]): SekishoError {
  return new SekishoError('config.invalid', {
    cause: new ConfigProblemList(problems),
    context: { problems: problems.length },
    ...(problems[0] === undefined ? {} : { field: problems[0].path }),
  });
}

function readJson(file: string): unknown {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw configInvalid([{ path: '', reason: `cannot read ${file}` }]);
  }
  try {
    return JSON.parse(text);
  } catch {
    // The parser's message quotes the text, which may hold what belongs in a secret file.
    throw configInvalid([{ path: '', reason: 'is not JSON' }]);
  }
}

type Issue = ZodError['issues'][number];

function describeIssue(issue: Issue): readonly ConfigProblem[] {
  const path = issue.path.map(String).join('.');
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: path === '' ? key : `${path}.${key}`,
      reason: 'unknown setting',
    }));
  }
  return [{ path, reason: issue.message }];
}

/** Looks at the raw value, so that the rule speaks even when something else is wrong too. */
function simulatorsInProduction(value: unknown, devices: readonly string[]): readonly ConfigProblem[] {
  if (!isRecord(value) || value.profile !== 'production') return [];
  return devices
    .filter((device) => driverOf(value[device]) === 'simulated')
    .map((device) => ({
      path: `${device}.driver`,
      reason: 'a production configuration cannot name a simulator',
    }));
}

/** Files in a folder switch no power off. */
function scriptedPortsInProduction(value: unknown): readonly ConfigProblem[] {
  if (!isRecord(value) || value.profile !== 'production' || !isRecord(value.slot)) return [];
  if (value.slot.sysfsFolder === undefined) return [];
  return [{ path: 'slot.sysfsFolder', reason: 'a production configuration takes the USB ports of /sys' }];
}

/** A gateway that is broken or hostile must not be the one that holds the SAM. */
function unguardedInProduction(value: unknown): readonly ConfigProblem[] {
  if (!isRecord(value) || value.profile !== 'production' || driverOf(value.sam) !== 'pcsc') return [];
  return [{ path: 'sam.driver', reason: 'a production configuration leaves the SAM to the broker' }];
}

/** A cable that is pulled must be noticed before an anchor is missed. */
function unwatchedInProduction(value: unknown): readonly ConfigProblem[] {
  if (!isRecord(value) || value.profile !== 'production' || !isRecord(value.network)) return [];
  if (value.network.interface !== undefined) return [];
  return [
    { path: 'network.interface', reason: 'a production configuration names the network card to watch' },
  ];
}

function driverOf(device: unknown): unknown {
  return isRecord(device) ? device.driver : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Settings named `…Path` are files that must be readable now; what is made by others only becomes absolute. */
function resolvePaths(
  value: unknown,
  folder: string,
  path: string,
  look: (path: string, file: string) => void,
): unknown {
  if (Array.isArray(value)) return value.map((item) => resolvePaths(item, folder, path, look));
  if (isRecord(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [
        key,
        resolvePaths(item, folder, path === '' ? key : `${path}.${key}`, look),
      ]),
    );
  }
  if (
    typeof value !== 'string' ||
    !/(Path|^store\.folder|\.stateFile|^stateFolder|^network\.tamper\.file|^reader\.cards)$/.test(path)
  )
    return value;
  const absolute = resolve(folder, value);
  if (path.endsWith('Path') && !path.endsWith('socketPath')) look(path, absolute);
  return absolute;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const item of Object.values(value)) deepFreeze(item);
  }
  return value;
}
