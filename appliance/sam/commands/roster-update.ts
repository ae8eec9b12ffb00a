/** ROSTER UPDATE: the SP's list of operator keys, versions only upwards. @see docs/sam-profile.md 4.10 */
import type { SamLine } from '../line.ts';
import { STATUS } from '../status.ts';

/** `update` is the E3 object and its signature, as the SP sent them. */
export async function updateRoster(line: SamLine, update: Uint8Array): Promise<void> {
  const command = { cla: 0x80, ins: 0x16, p1: 0x00, p2: 0x00, data: update };
  await line.request(command, { table: STATUS.roster });
}
