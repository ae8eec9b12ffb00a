/**
 * Certificate and signature by our card language against Debian's OpenSC, with the same card behind the same pcscd.
 *
 * The card is a process of its own and is powered down before every turn; the turns alternate; both sides verify the
 * PIN; the results must be the same, byte for byte. The appliance is a process that runs anyway, so its turn is
 * measured inside a running process; a second row counts a whole Node process from start to exit.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import {
  isPrivatePcscdAvailable,
  type PrivatePcscd,
  startPrivatePcscd,
} from '#drivers/pcsc/private-pcscd.ts';
import { PcscReader } from '#drivers/pcsc/reader.ts';
import { readPerson } from '#drivers/simulated/people.ts';
import { type CertificateAndSignature, readAndSign } from './read-and-sign.ts';
import { type BenchResult, compare, median, timeOf } from './result.ts';

const execute = promisify(execFile);
const PERSON = readPerson('mihon-hanako');
const MESSAGE = 'what the person agrees to';
const TIMINGS = ['zero', 'real'] as const;
const ROUNDS = { zero: 9, real: 5 } as const;
const NODE_FLAGS = ['--conditions=built', '--disable-warning=ExperimentalWarning'];
const CARD_PROGRAM = fileURLToPath(new URL('../card.js', import.meta.url));
const OWN_PROGRAM = fileURLToPath(new URL('./read-and-sign-program.js', import.meta.url));

export async function run(): Promise<BenchResult[]> {
  if (!isPrivatePcscdAvailable() || !existsSync('/usr/bin/pkcs11-tool')) {
    process.stderr.write('opensc: skipped, needs the Debian packages pcscd, vsmartcard-vpcd and opensc\n');
    return [];
  }
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-bench-'));
  const pcscd = await startPrivatePcscd({ folder, slots: ['PICC'] });
  try {
    const results: BenchResult[] = [];
    for (const timing of TIMINGS) results.push(...(await race(pcscd, folder, timing)));
    return results;
  } finally {
    await pcscd.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function race(
  pcscd: PrivatePcscd,
  folder: string,
  timing: (typeof TIMINGS)[number],
): Promise<BenchResult[]> {
  const card = await serveCard(pcscd, timing);
  const reader = new PcscReader({ slot: 'PICC', socketPath: pcscd.socketPath });
  const times = { ours: [] as number[], ownProcess: [] as number[], opensc: [] as number[] };
  const turns = new Turns(pcscd, folder, reader);
  try {
    await turns.powerDown();
    for (let round = 0; round < ROUNDS[timing]; round += 1) {
      times.opensc.push(await turns.take(() => turns.opensc()));
      times.ours.push(await turns.take(() => turns.ours()));
      times.ownProcess.push(await turns.take(() => turns.ownProcess()));
    }
  } finally {
    await reader.close();
    await end(card);
  }
  const facts = {
    unit: 'ms',
    baseline: median(times.opensc),
    baselineIs: 'OpenSC: pkcs15-tool and pkcs11-tool',
  };
  const name = `certificate-and-signature-${timing}-card`;
  return [
    compare({ name, value: median(times.ours), ...facts, target: { of: 'ratio', atMost: 0.5 } }),
    compare({ name: `${name}-whole-process`, value: median(times.ownProcess), ...facts }),
  ];
}

class Turns {
  readonly #folder: string;
  readonly #reader: PcscReader;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #digest = createHash('sha256').update(MESSAGE).digest();
  #expected: CertificateAndSignature | undefined;

  constructor({ socketPath }: PrivatePcscd, folder: string, reader: PcscReader) {
    this.#folder = folder;
    this.#reader = reader;
    this.#environment = { ...process.env, PCSCLITE_CSOCK_NAME: socketPath, OPENSC_CONF: '/dev/null' };
    writeFileSync(join(folder, 'data'), MESSAGE);
  }

  /** Times one turn from a card without power, and checks its result. */
  async take(turn: () => Promise<CertificateAndSignature>): Promise<number> {
    let result: CertificateAndSignature | undefined;
    const ms = await timeOf(async () => {
      result = await turn();
    });
    await this.powerDown();
    this.#expected ??= result;
    const isSame = (part: keyof CertificateAndSignature): boolean =>
      Buffer.compare(result?.[part] ?? Buffer.alloc(0), this.#expected?.[part] ?? Buffer.alloc(1)) === 0;
    if (!isSame('certificate') || !isSame('signature')) throw new Error('the results differ');
    return ms;
  }

  async powerDown(): Promise<void> {
    await (await this.#reader.waitForCard(AbortSignal.timeout(10_000))).close();
  }

  ours(): Promise<CertificateAndSignature> {
    return readAndSign(this.#reader, PERSON.pin, this.#digest);
  }

  async ownProcess(): Promise<CertificateAndSignature> {
    await this.#tool(process.execPath, ...NODE_FLAGS, OWN_PROGRAM, 'PICC', PERSON.pin, 'data');
    return { certificate: this.#read('data.certificate'), signature: this.#read('data.signature') };
  }

  async opensc(): Promise<CertificateAndSignature> {
    await this.#tool('pkcs15-tool', '--read-certificate', '1', '--output', 'certificate.pem');
    const token = ['--module', 'opensc-pkcs11.so', '--token-label', 'JPKI (User Authentication PIN)'];
    const sign = ['--login', '--pin', PERSON.pin, '--sign', '--mechanism', 'SHA256-RSA-PKCS', '--id', '01'];
    await this.#tool('pkcs11-tool', ...token, ...sign, '--input-file', 'data', '--output-file', 'signature');
    return {
      certificate: new X509Certificate(this.#read('certificate.pem')).raw,
      signature: this.#read('signature'),
    };
  }

  #read(name: string): Buffer {
    return readFileSync(join(this.#folder, name));
  }

  async #tool(program: string, ...words: string[]): Promise<void> {
    await execute(program, words, { cwd: this.#folder, env: this.#environment, timeout: 60_000 });
  }
}

/** In a process of its own, so that its work is nobody's. */
async function serveCard(pcscd: PrivatePcscd, timing: string): Promise<ChildProcess> {
  const words = ['--vpcd', '--port', String(pcscd.vpcdPorts[0]), '--person', PERSON.id, '--timing', timing];
  const child = spawn(process.execPath, [...NODE_FLAGS, CARD_PROGRAM, ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  for await (const line of createInterface({ input: child.stderr })) {
    if (line.includes('card in the slot')) return child;
    process.stderr.write(`${line}\n`);
  }
  throw new Error('the card was not served');
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  await ended;
}
