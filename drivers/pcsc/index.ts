/** PC/SC front ends, and a pcscd of our own for virtual ones. */
export {
  isPrivatePcscdAvailable,
  type PrivatePcscd,
  type PrivatePcscdOptions,
  startPrivatePcscd,
} from './private-pcscd.ts';
export { PcscReader, type PcscReaderOptions } from './reader.ts';
export { listSlots, type PcscSlot } from './slot-list.ts';
export { listSmartCardReaders, ofKind, ofName, type UsbDevice } from './usb-devices.ts';
export { restartUsbReader, type UsbRestart, type UsbRestartOptions } from './usb-restart.ts';
