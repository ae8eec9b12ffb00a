/** A replay double for tests: it knows one conversation, and shows a readable difference when another is held. */
import { SekishoError } from '#contract/errors.ts';
import { parseCommand } from '../apdu.ts';
import { encodeHex } from '../bytes.ts';
import type { CardChannel } from '../channel.ts';
import { instructionName } from '../instruction.ts';

/** Command and response in hexadecimal (spaces welcome), or the error that the driver raises instead. */
export type ScriptLine = readonly [command: string, response: string | SekishoError];

export interface ScriptedChannelOptions {
  readonly name?: string;
  readonly identity?: Uint8Array;
  readonly maxCommandBytes?: number;
}

export class ScriptedChannel implements CardChannel {
  readonly name: string;
  readonly identity: Uint8Array;
  readonly maxCommandBytes: number;
  /** How often `close` was called. */
  closed = 0;
  readonly #script: readonly ScriptLine[];
  #next = 0;
  #difference: Error | undefined;

  constructor(script: readonly ScriptLine[], options: ScriptedChannelOptions = {}) {
    this.#script = script;
    this.name = options.name ?? 'scripted:card';
    this.identity = options.identity ?? new Uint8Array();
    this.maxCommandBytes = options.maxCommandBytes ?? 65_544;
  }

  async transmit(command: Uint8Array): Promise<Uint8Array> {
    const actual = encodeHex(command);
    const line = this.#script[this.#next];
    const expected = line ? plainHex(line[0]) : undefined;
    if (!line || expected !== actual) {
      this.#difference = new Error(describeDifference(this.#next, this.#script.length, expected, actual));
      throw this.#difference;
    }
    this.#next += 1;
    if (line[1] instanceof SekishoError) throw line[1];
    return Uint8Array.from(Buffer.from(plainHex(line[1]), 'hex'));
  }

  async close(): Promise<void> {
    this.closed += 1;
  }

  /** Fails when the conversation differed (even if the caller swallowed that) or ended early. */
  assertFinished(): void {
    if (this.#difference) throw this.#difference;
    const rest = this.#script.slice(this.#next).map(([command]) => nameOf(plainHex(command)));
    if (rest.length > 0) throw new Error(`scripted channel: never sent: ${rest.join(', ')}`);
  }
}

function plainHex(text: string): string {
  return text.replaceAll(/\s/g, '').toUpperCase();
}

function nameOf(hex: string): string {
  try {
    return instructionName(parseCommand(Uint8Array.from(Buffer.from(hex, 'hex'))).ins);
  } catch {
    return 'not a command';
  }
}

function describeDifference(
  index: number,
  total: number,
  expected: string | undefined,
  actual: string,
): string {
  const head = `scripted channel: command ${index + 1} of ${total} is not the expected one`;
  const sent = `  actual   ${spaced(actual)}  (${nameOf(actual)})`;
  if (expected === undefined) return [head, '  expected no more commands', sent].join('\n');
  const wanted = `  expected ${spaced(expected)}  (${nameOf(expected)})`;
  const same = [...actual].findIndex((character, at) => character !== expected[at]);
  const at = Math.floor((same < 0 ? Math.min(actual.length, expected.length) : same) / 2);
  return [head, wanted, sent, `  differs ${'   '.repeat(at)} ^^ byte ${at}`].join('\n');
}

function spaced(hex: string): string {
  return hex.replaceAll(/(..)(?=.)/g, '$1 ');
}
