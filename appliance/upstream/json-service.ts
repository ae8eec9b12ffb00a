/** One JSON question to a service behind its circuit. */
import type { z } from 'zod';
import type { Circuit } from './circuit.ts';
import { encodeJsonQuestion, type JsonQuestion, parseJsonAnswer } from './json-request.ts';

const ACCEPTED = [200, 201];

/** `judge` may refuse an answer that is well-formed and still wrong; it counts as the service's failure. */
export function askJson<T>(
  circuit: Circuit,
  schema: z.ZodType<T>,
  question: JsonQuestion,
  signal: AbortSignal | undefined,
  judge: (answer: T) => T = (answer) => answer,
): Promise<T> {
  return circuit.call(signal, async (line, during) => {
    const answer = await line.exchange(encodeJsonQuestion(question), during);
    return judge(parseJsonAnswer(schema, answer, ACCEPTED));
  });
}
