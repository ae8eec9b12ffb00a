/** What goes over the socket around commands and answers. */
import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '#contract/errors.ts';
import { BrokerEvent } from './commands.ts';

const Id = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

export const Request = z.strictObject({ id: Id, do: z.string().max(40), ask: z.unknown() });

/** What the SAM was sent and answered so far, for a tap's own account. */
const Meter = z.strictObject({
  count: z.number().int(),
  bytesOut: z.number().int(),
  bytesIn: z.number().int(),
});

const Answered = z.strictObject({ id: Id, answer: z.unknown(), meter: Meter });

export const Refused = z.strictObject({
  id: Id,
  error: z.strictObject({
    code: z.enum(ERROR_CODES as readonly [ErrorCode, ...ErrorCode[]]),
    field: z.string().optional(),
    context: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])),
  }),
});

export const FromBroker = z.union([Answered, Refused, BrokerEvent]);
