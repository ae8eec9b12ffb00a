/** The driver on an emulated chip, over a pty: everything between but the copper. */
import { SELECT_JPKI } from '#drivers/reader-contract.ts';
import { atqbOf, atrOf, EmulatedPn532, linkOf, openPty, type PtyLine } from '#drivers/simulated/index.ts';
import type { VirtualCard } from '#drivers/simulated/virtual-card.ts';
import { Pn532Reader, type Pn532ReaderOptions, serialPortLine } from '../index.ts';

export interface EmulatedReader {
  readonly emulator: EmulatedPn532;
  readonly pty: PtyLine;
  readonly reader: Pn532Reader;
  dispose(): Promise<void>;
}

/** `sharedPty` stays open: each pty is a program to start. */
export async function openEmulatedReader(
  options: Partial<Pn532ReaderOptions> = {},
  sharedPty?: PtyLine,
): Promise<EmulatedReader> {
  const emulator = new EmulatedPn532();
  const pty = sharedPty ?? (await openPty());
  emulator.attach(pty);
  const reader = new Pn532Reader({ device: pty.path, openLine: serialPortLine(pty.path), ...options });
  const dispose = async (): Promise<void> => {
    await reader.close();
    if (sharedPty === undefined) await pty.close();
  };
  return { emulator, pty, reader, dispose };
}

export interface TestCard extends VirtualCard {
  /** Commands that were carried out. */
  readonly executed: Uint8Array[];
}

/** Answers SELECT with 9000, and everything else with itself and 9000. */
export function makeTestCard(variant: 'vendor-1' | 'hpki' | 'android' = 'vendor-1'): TestCard {
  const link = linkOf(variant);
  const executed: Uint8Array[] = [];
  const card = {
    device: 'card' as const,
    atr: Uint8Array.from(Buffer.from(atrOf(link), 'hex')),
    work: { note: () => {}, take: () => [] },
    link,
    atqb: atqbOf(link, Uint8Array.of(0xde, 0xad, 0xbe, 0xef)),
    executed,
    powerOn: () => {},
    powerOff: () => {},
    warmReset: () => {},
    process: (command: Uint8Array) => {
      executed.push(command);
      const isSelect = Buffer.compare(command, SELECT_JPKI) === 0;
      return Uint8Array.of(...(isSelect ? [] : command), 0x90, 0x00);
    },
  };
  return card;
}
