/** The SAM in a PC/SC slot. */
export { openSamSlot, type SamSlotOptions } from './open-slot.ts';
export type { PowerCut } from './power-cut.ts';
export { SamSlotReader, type SamSlotReaderOptions } from './reader.ts';
