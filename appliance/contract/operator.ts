/** Operators as screens, evidence and the roster name them. */
import { z } from 'zod';
import { OperatorRole } from './centre/service-provider.ts';

export { OperatorRole } from './centre/service-provider.ts';

export const Operator = z.strictObject({
  /** First 16 hex digits of the key id: enough to tell operators apart in a record. */
  operatorId: z.string().regex(/^[0-9a-f]{16}$/),
  displayName: z.string(),
  roles: z.array(OperatorRole),
  cardKind: z.enum(['hpki', 'my-number']),
});
export type Operator = z.infer<typeof Operator>;
