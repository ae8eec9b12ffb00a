/** The carry-out permit (持ち出し許可) as screens show it. */
import { z } from 'zod';
import { Instant } from './centre/wire.ts';
import { Operator } from './operator.ts';

export const CarryOutStatus = z.strictObject({
  until: Instant,
  usesLeft: z.number().int().min(0),
  /** Something was done under it away from home: coming back ends it. */
  isUsed: z.boolean(),
  /** Whose cards open the appliance away from home. */
  operators: z.array(Operator.pick({ operatorId: true, displayName: true })),
});
export type CarryOutStatus = z.infer<typeof CarryOutStatus>;
