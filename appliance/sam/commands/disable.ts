/** DISABLE: the SP's order after a theft; only personalisation leaves it. @see docs/sam-profile.md 4.12 */
import type { SamLine } from '../line.ts';
import { STATUS } from '../status.ts';

/** `order` is the E2 object and its signature, as the SP sent them. */
export async function disableSam(line: SamLine, order: Uint8Array): Promise<void> {
  const command = { cla: 0x80, ins: 0x1a, p1: 0x00, p2: 0x00, data: order };
  await line.request(command, { table: STATUS.unlock });
}
