/** LOCK ends the unlock at once. @see docs/sam-profile.md 4.11 */
import type { SamLine } from '../line.ts';

export async function lockSam(line: SamLine): Promise<void> {
  await line.request({ cla: 0x80, ins: 0x18, p1: 0x00, p2: 0x00 });
}
