/** A PN532 on a serial line. */
export { BAUD_RATES } from './commands.ts';
export { type ChipCheck, type ChipFinding, examineChip } from './examination.ts';
export { Pn532Reader, type Pn532ReaderOptions } from './reader.ts';
export { findSerialDevices, type SerialDevice } from './serial-devices.ts';
export { serialPortLine } from './serial-port.ts';
