/** The SAM's slot with what takes its power off by force. */
import { type Clock, systemClock } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';
import type { PowerCut } from './power-cut.ts';
import { SamSlotReader } from './reader.ts';
import { UsbPortCut } from './usb-port-cut.ts';

export interface SamSlotOptions {
  readonly readerName?: string | undefined;
  readonly usbId?: string | undefined;
  readonly sysfsFolder?: string | undefined;
  /** When not even the USB port could be switched off. */
  readonly lastResort?: PowerCut;
  readonly clock?: Clock;
  readonly logger: Logger;
}

/** Touches the slot not yet; switches its port on when a process before this one left it off. */
export async function openSamSlot(options: SamSlotOptions): Promise<SamSlotReader> {
  const { readerName, usbId, sysfsFolder, lastResort, logger, clock = systemClock } = options;
  const usbPort = new UsbPortCut({
    usbId,
    deviceName: () => slot.report().device,
    clock,
    logger,
    sysfsFolder,
  });
  const powerCuts = lastResort === undefined ? [usbPort] : [usbPort, lastResort];
  const slot = new SamSlotReader({ slot: readerName, powerCuts, clock, logger });
  await usbPort.restore();
  return slot;
}
