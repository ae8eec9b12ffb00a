/** A Sam opened on a scripted channel by the vectors `select` and `get-data`, for tests only. */
import { openSam, type Sam } from '../sam.ts';
import { ScriptedChannel, type ScriptedStep } from './scripted-channel.ts';
import { readVectors } from './vectors.ts';

export function namedStep(file: string, name: string): ScriptedStep {
  const found = readVectors(file).vectors.find((vector) => vector.name === name);
  if (found === undefined) {
    throw new Error(`${file}: no vector "${name}"`);
  }
  return found;
}

export async function samAnswering(
  ...steps: readonly ScriptedStep[]
): Promise<{ sam: Sam; channel: ScriptedChannel }> {
  const opening = [namedStep('select', 'personalised'), namedStep('get-data', 'status, locked')];
  const channel = new ScriptedChannel(...opening, ...steps);
  return { sam: await openSam(channel), channel };
}
