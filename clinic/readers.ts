/** Where the clinic's cards go: slots in process, slots of a real pcscd, or the antenna of an emulated PN532. */
import { join } from 'node:path';
import type { CardReader } from '#card/channel.ts';
import type { ConfigFile } from '#config/schema.ts';
import { isPrivatePcscdAvailable, PcscReader, startPrivatePcscd } from '#drivers/pcsc/index.ts';
import { Pn532Reader, serialPortLine } from '#drivers/pn532/index.ts';
import { SamSlotReader } from '#drivers/sam-slot/index.ts';
import { SimulatedReader } from '#drivers/simulated/channel.ts';
import type { ControlledSlot } from '#drivers/simulated/control.ts';
import { EmulatedPn532 } from '#drivers/simulated/pn532/emulator.ts';
import { openPty } from '#drivers/simulated/pn532/lines.ts';
import { type Meter, REAL_TIMING, type TimingProfile, ZERO_TIMING } from '#drivers/simulated/timing.ts';
import { VpcdSlot } from '#drivers/simulated/vpcd-slot.ts';

export const READER_KINDS = ['inprocess', 'pcsc', 'pn532'] as const;
/** Its supervision waits for it to come back; it need not, too. */
const RECOVERY_TIMEOUT_MS = 300;

export type ReaderKind = (typeof READER_KINDS)[number];
export type TimingKind = 'real' | 'zero';

export interface ClinicReaders {
  readonly kind: ReaderKind;
  /** Where patients' and operators' cards are put. */
  readonly cardSlot: ControlledSlot;
  readonly samSlot: ControlledSlot;
  readonly reader: CardReader;
  readonly samReader: CardReader;
  /** The same for a configuration file. */
  readonly config: Pick<ConfigFile, 'reader' | 'sam'>;
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
  switch (kind) {
    case 'inprocess':
      return openInProcess(timing, meter);
    case 'pcsc':
      return openPcsc(folder, timing, meter);
    case 'pn532':
      return openPn532(timing, meter);
  }
}

const SIMULATED_SAM = { driver: 'simulated', stateFile: 'in-process' } as const;

function openInProcess(timing: TimingProfile, meter: Meter): ClinicReaders {
  const card = new SimulatedReader({ name: 'simulated-reader', timing, meter });
  const sam = new SimulatedReader({ name: 'simulated-sam-slot', timing, meter });
  return {
    kind: 'inprocess',
    cardSlot: card,
    samSlot: sam,
    reader: card,
    samReader: sam,
    config: { reader: { driver: 'simulated', cards: ['in-process'] }, sam: SIMULATED_SAM },
    close: async () => {},
  };
}

/** What a PL011 of a Raspberry Pi keeps up with. */
const PN532_BAUD_RATE = 921_600;

/** Driver and chip talk over a pty; a PN532 has no contacts, so the SAM stays in process. */
async function openPn532(timing: TimingProfile, meter: Meter): Promise<ClinicReaders> {
  const chip = new EmulatedPn532({ timing, meter });
  const line = await openPty();
  chip.attach(line);
  const device = line.path;
  const reader = new Pn532Reader({
    device,
    openLine: serialPortLine(device),
    baudRate: PN532_BAUD_RATE,
  });
  const sam = new SimulatedReader({ name: 'simulated-sam-slot', timing, meter });
  return {
    kind: 'pn532',
    cardSlot: chip,
    samSlot: sam,
    reader,
    samReader: sam,
    config: { reader: { driver: 'pn532', device, baudRate: PN532_BAUD_RATE }, sam: SIMULATED_SAM },
    async close() {
      await reader.close();
      await line.close();
    },
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
    reader: new PcscReader({ slot: card, recoveryTimeoutMs: RECOVERY_TIMEOUT_MS }),
    samReader: new SamSlotReader({ slot: sam }),
    config: {
      reader: { driver: 'pcsc', readerName: card },
      sam: { driver: 'pcsc', readerName: sam },
    },
    async close() {
      await cardSlot.remove();
      await samSlot.remove();
      await pcscd.stop();
    },
  };
}
