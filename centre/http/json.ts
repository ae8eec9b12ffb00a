/** JSON bodies, validated by the schemas of the contract. */
import type { z } from 'zod';
import { CentreRefusal } from './problem.ts';

/** The message, or a refusal that does not repeat any of it. */
export function parseJson<Message>(schema: z.ZodType<Message>, body: Uint8Array): Message {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw new CentreRefusal('message-invalid', 'The body is not JSON.', 400);
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success)
    throw new CentreRefusal('message-invalid', 'The message does not follow the contract.');
  return parsed.data;
}
