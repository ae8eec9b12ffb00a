/** All slots that pcscd shows, and what each seems to be for. */
import { PcscHost } from './binding.ts';
import { toReaderError } from './failure.ts';
import { roleOf, type SlotRole } from './slot-choice.ts';

export interface PcscSlot {
  readonly name: string;
  /** By its name; undefined: its name says nothing. */
  readonly role: SlotRole | undefined;
}

/** Rejects `reader.*` when there is no pcscd. `socketPath` names another one than the system's. */
export async function listSlots(socketPath?: string): Promise<readonly PcscSlot[]> {
  const host = new PcscHost(socketPath);
  try {
    return (await host.list()).map(({ name }) => ({ name, role: roleOf(name) }));
  } catch (thrown) {
    throw toReaderError(thrown);
  } finally {
    await host.retire();
  }
}
