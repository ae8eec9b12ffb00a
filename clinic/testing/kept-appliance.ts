/** The appliance as systemd keeps it: started anew whenever it ends by itself, as soon and unless as its unit says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApplianceProcess, ROOT } from './appliance-process.ts';

const UNIT = readFileSync(join(ROOT, 'provisioning/systemd/sekisho-gateway.service'), 'utf8');

function setting(name: string): string {
  const value = new RegExp(`^${name}=(.*)$`, 'm').exec(UNIT)?.[1];
  if (value === undefined) throw new Error(`the unit does not say ${name}`);
  return value;
}

/** @see systemd.service(5), systemd.time(7): a number is one of seconds */
function restartMs(): number {
  if (setting('Restart') !== 'always') throw new Error('the unit does not start it again');
  const [, count, unit] = /^(\d+)(ms|s|)$/.exec(setting('RestartSec')) ?? [];
  return Number(count) * (unit === 'ms' ? 1 : 1_000);
}

export class KeptAppliance {
  /** Exit codes of the lives before this one. */
  readonly ends: (number | null)[] = [];
  readonly #configFile: string;
  readonly #onStart: (process: ApplianceProcess) => void;
  readonly #logLines: string[] = [];
  #process: ApplianceProcess;
  #isKept = true;
  #keeping: Promise<void>;

  private constructor(
    configFile: string,
    process: ApplianceProcess,
    onStart: (process: ApplianceProcess) => void,
  ) {
    this.#configFile = configFile;
    this.#process = process;
    this.#onStart = onStart;
    onStart(process);
    this.#keeping = this.#keep();
    this.#keeping.catch(() => {});
  }

  /** Resolves when it is ready for a patient. `onStart` hears of each life, for it listens on another port. */
  static async start(
    configFile: string,
    onStart: (process: ApplianceProcess) => void,
  ): Promise<KeptAppliance> {
    return new KeptAppliance(configFile, await ApplianceProcess.start(configFile), onStart);
  }

  /** The life that is, or was last. */
  get current(): ApplianceProcess {
    return this.#process;
  }

  /** Of all lives. */
  get logLines(): readonly string[] {
    return [...this.#logLines, ...this.#process.logLines];
  }

  /** For good; whoever wants it again starts it. */
  async kill(): Promise<void> {
    this.#isKept = false;
    await this.#process.kill();
    await this.#keeping;
    await this.#process.kill();
  }

  async #keep(): Promise<void> {
    const forbidden = setting('RestartPreventExitStatus').split(' ').map(Number);
    while (this.#isKept) {
      const code = await this.#process.ended;
      this.ends.push(code);
      if (code !== null && forbidden.includes(code)) throw new Error(`it ended for good (${code})`);
      if (!this.#isKept) return;
      await sleep(restartMs());
      if (!this.#isKept) return;
      this.#logLines.push(...this.#process.logLines);
      this.#process = await ApplianceProcess.start(this.#configFile);
      this.#onStart(this.#process);
    }
  }
}
