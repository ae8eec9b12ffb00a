/** Looks after any card reader: notices faults, waits for it to come back, counts. */
export {
  type ReaderState,
  SupervisedReader,
  type SupervisionLimits,
  type SupervisionOptions,
} from './supervised-reader.ts';
