/** JSON questions: what goes out is ours, what comes back is validated, and neither is ever in an error. */
import type { z } from 'zod';
import { CentreProblem } from '#contract/centre/wire.ts';
import { type ErrorCode, SekishoError } from '#contract/errors.ts';
import type { HttpAnswer, HttpQuestion } from './http-exchange.ts';

const MAX_ANSWER_BYTES = 256 * 1024;

export interface JsonQuestion {
  readonly method: HttpQuestion['method'];
  readonly path: string;
  readonly message?: object;
}

export function encodeJsonQuestion({ method, path, message }: JsonQuestion): HttpQuestion {
  const question = { method, path, accept: 'application/json', maxAnswerBytes: MAX_ANSWER_BYTES };
  if (message === undefined) return question;
  return {
    ...question,
    body: { mediaType: 'application/json', bytes: Buffer.from(JSON.stringify(message)) },
  };
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (cause) {
    throw new SekishoError('centre.garbled', {
      cause: undefined,
      context: { why: 'not JSON', name: nameOf(cause) },
    });
  }
}

/** The kind of a failure; its message could quote the body. */
function nameOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.name : typeof thrown;
}

/** The machine-readable reason of a refusal, when the answer is a problem document of the centre. */
function problemCode({ mediaType, body }: HttpAnswer): CentreProblem['code'] | undefined {
  if (mediaType !== 'application/problem+json') return undefined;
  try {
    return CentreProblem.safeParse(JSON.parse(body.toString('utf8'))).data?.code;
  } catch {
    return undefined;
  }
}

function refusal(status: number, problem: CentreProblem['code'] | undefined): ErrorCode {
  if (problem === 'limits-exceeded') return 'centre.rejected-request';
  if (status === 401 || status === 403) return 'centre.refused';
  if (status >= 400 && status < 500) return 'centre.rejected-request';
  return status >= 500 && status < 600 ? 'centre.unreachable' : 'centre.garbled';
}

/** Throws what any status outside `accepted` means. */
export function requireSuccess(answer: HttpAnswer, accepted: readonly number[]): void {
  const { status } = answer;
  if (accepted.includes(status)) return;
  const problem = problemCode(answer);
  throw new SekishoError(refusal(status, problem), { context: { status, problem } });
}

/** The validated message of a successful answer. */
export function parseJsonAnswer<T>(schema: z.ZodType<T>, answer: HttpAnswer, accepted: readonly number[]): T {
  requireSuccess(answer, accepted);
  if (answer.mediaType !== 'application/json') {
    throw new SekishoError('centre.garbled', { context: { why: 'media type' } });
  }
  const parsed = schema.safeParse(parseJson(answer.body));
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0]?.path.join('/') ?? '';
  throw new SekishoError('centre.garbled', { context: { why: 'contract', where } });
}
