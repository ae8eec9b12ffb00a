/** Where the clinic's cards go: slots in process, or slots of a real pcscd. */
import { join } from 'node:path';
import type { CardReader } from '#card/channel.ts';
import { isPrivatePcscdAvailable, PcscReader, startPrivatePcscd } from '#drivers/pcsc/index.ts';
import { SamSlotReader } from '#drivers/sam-slot/index.ts';
import { SimulatedReader } from '#drivers/simulated/channel.ts';
import type { ControlledSlot } from '#drivers/simulated/control.ts';
import { type Meter, REAL_TIMING, type TimingProfile, ZERO_TIMING } from '#drivers/simulated/timing.ts';
import { VpcdSlot } from '#drivers/simulated/vpcd-slot.ts';

export type ReaderKind = 'inprocess' | 'pcsc';
export type TimingKind = 'real' | 'zero';

export interface ClinicReaders {
  readonly kind: ReaderKind;
  /** Where patients' and operators' cards are put. */
  readonly cardSlot: ControlledSlot;
  readonly samSlot: ControlledSlot;
  readonly reader: CardReader;
  readonly samReader: CardReader;
  /** Names for a configuration file; only with pcsc. */
  readonly names: { readonly card: string; readonly sam: string } | undefined;
  close(): Promise<void>;
}

export { isPrivatePcscdAvailable } from '#drivers/pcsc/index.ts';

export function timingOf(kind: TimingKind): TimingProfile {
  return kind === 'real' ? REAL_TIMING : ZERO_TIMING;
}

export async function openReaders(
  kind: ReaderKind,
  folder: string,
  timing: TimingProfile,
  meter: Meter,
): Promise<ClinicReaders> {
  return kind === 'pcsc' ? openPcsc(folder, timing, meter) : openInProcess(timing, meter);
}

function openInProcess(timing: TimingProfile, meter: Meter): ClinicReaders {
  const card = new SimulatedReader({ name: 'simulated-reader', timing, meter });
  const sam = new SimulatedReader({ name: 'simulated-sam-slot', timing, meter });
  return {
    kind: 'inprocess',
    cardSlot: card,
    samSlot: sam,
    reader: card,
    samReader: sam,
    names: undefined,
    close: async () => {},
  };
}

async function openPcsc(folder: string, timing: TimingProfile, meter: Meter): Promise<ClinicReaders> {
  if (!isPrivatePcscdAvailable()) throw new Error('pcscd and vpcd are not installed');
  const pcscd = await startPrivatePcscd({ folder: join(folder, 'pcscd'), slots: ['PICC', 'SAM'] });
  // libpcsclite reads this once, at its first call.
  process.env.PCSCLITE_CSOCK_NAME = pcscd.socketPath;
  const [cardPort = 0, samPort = 0] = pcscd.vpcdPorts;
  const [card = 'PICC', sam = 'SAM'] = pcscd.readerNames;
  const cardSlot = new VpcdSlot({ port: cardPort, timing, meter });
  const samSlot = new VpcdSlot({ port: samPort, timing, meter });
  return {
    kind: 'pcsc',
    cardSlot,
    samSlot,
    reader: new PcscReader({ slot: card }),
    samReader: new SamSlotReader({ slot: sam }),
    names: { card, sam },
    async close() {
      await cardSlot.remove();
      await samSlot.remove();
      await pcscd.stop();
    },
  };
}
