/** The SAM in a PC/SC slot. */
export { SamSlotReader, type SamSlotReaderOptions } from './reader.ts';
