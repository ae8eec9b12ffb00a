/** Opens simulators from a configuration: card images and a SAM state, each a file that is kept up to date. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import type { CardImage } from './card/image.ts';
import { SimulatedCard } from './card/simulated-card.ts';
import { SimulatedReader } from './channel.ts';
import { SimulatedSam } from './sam/simulated-sam.ts';
import type { SamState } from './sam/state.ts';
import { REAL_TIMING, ZERO_TIMING } from './timing.ts';

export interface SimulatedReaderConfig {
  /** Files with a card image each; the first lies on the reader. */
  readonly cards: readonly string[];
  readonly timing: 'zero' | 'real';
}

export interface SimulatedSamConfig {
  /** Made by the first write when it is not there: a blank SAM. */
  readonly stateFile: string;
}

/** A cut of the power leaves the old file or the new one. */
function writeWhole(path: string, value: unknown): void {
  writeFileSync(`${path}.new`, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}

export function openCardFile(path: string): SimulatedCard {
  const image = JSON.parse(readFileSync(path, 'utf8')) as CardImage;
  if (image.format !== 'sekisho-card-image-1') throw new RangeError(`not a card image: ${path}`);
  return new SimulatedCard(image, { save: (changed) => writeWhole(path, changed) });
}

export function openSamFile(path: string): SimulatedSam {
  const save = (state: SamState): void => writeWhole(path, state);
  if (!existsSync(path)) return new SimulatedSam({ save });
  const state = JSON.parse(readFileSync(path, 'utf8')) as SamState;
  if (state.format !== 'sekisho-sam-state-1') throw new RangeError(`not a SAM state: ${path}`);
  return new SimulatedSam({ state, save });
}

export function openSimulatedReader(config: SimulatedReaderConfig): SimulatedReader {
  const timing = config.timing === 'real' ? REAL_TIMING : ZERO_TIMING;
  const reader = new SimulatedReader({ name: 'simulated-reader', timing });
  const [first] = config.cards;
  if (first !== undefined) reader.insert(openCardFile(first));
  return reader;
}

/** The SAM lies in its slot and stays there. */
export function openSimulatedSamSlot(config: SimulatedSamConfig): SimulatedReader {
  const reader = new SimulatedReader({ name: 'simulated-sam-slot' });
  reader.insert(openSamFile(config.stateFile));
  return reader;
}
