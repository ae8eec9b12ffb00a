/** A PN532 on a serial line. */
export { BAUD_RATES } from './commands.ts';
export { Pn532Reader, type Pn532ReaderOptions } from './reader.ts';
export { serialPortLine } from './serial-port.ts';
