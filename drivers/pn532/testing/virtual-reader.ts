/** The driver on an emulated chip with the speed of a real one, both in virtual time, over a line that knows rates. */
import { EmulatedPn532, REAL_TIMING } from '#drivers/simulated/index.ts';
import { VirtualClock } from '#ports/testing/virtual-clock.ts';
import { Pn532Reader, type Pn532ReaderOptions } from '../index.ts';
import type { LineEars, OpenLine } from '../serial-line.ts';

type ChipLine = Parameters<EmulatedPn532['attach']>[0];

export interface VirtualReader {
  readonly time: VirtualClock;
  readonly emulator: EmulatedPn532;
  readonly reader: Pn532Reader;
  /** Another program at the same line, after this one has let go of it. */
  openAnother(options: Partial<Pn532ReaderOptions>): Pn532Reader;
}

export function openVirtualReader(options: Partial<Pn532ReaderOptions> = {}): VirtualReader {
  const time = new VirtualClock();
  const emulator = new EmulatedPn532({ clock: time, timing: REAL_TIMING });
  const { chipLine, openLine } = makeLine();
  emulator.attach(chipLine);
  const openAnother = (more: Partial<Pn532ReaderOptions>): Pn532Reader =>
    new Pn532Reader({ openLine, clock: time, ...more });
  return { time, emulator, reader: openAnother(options), openAnother };
}

/** Each end hears what the other has sent; the chip is told the rate of the host, and makes nonsense of another. */
function makeLine(): { readonly chipLine: ChipLine; readonly openLine: OpenLine } {
  let ears: LineEars | undefined;
  const chipLine = {
    onBytes: (_bytes: Uint8Array, _hostBauds?: readonly number[]) => {},
    hostBaud: undefined as number | undefined,
    send: (bytes: Uint8Array) => ears?.onBytes(bytes),
  };
  const openLine: OpenLine = async (baudRate, newEars) => {
    ears = newEars;
    chipLine.hostBaud = baudRate;
    return {
      send: (bytes) => chipLine.onBytes(bytes, [chipLine.hostBaud ?? baudRate]),
      setBaudRate: async (rate) => {
        chipLine.hostBaud = rate;
      },
      close: async () => {},
    };
  };
  return { chipLine, openLine };
}
