/** Simulated cards, SAMs and readers: the parts of this room that others use. */
export { atqbOf, atrOf, linkOf } from './card/identity.ts';
export type { CardImage, CardVariant, MyNumberVariant } from './card/image.ts';
export { SimulatedCard, type SimulatedCardOptions } from './card/simulated-card.ts';
export { SimulatedReader, type SimulatedReaderOptions } from './channel.ts';
export { cloneWithKey, relayedWith, withCopiedFiles } from './clone.ts';
export { CardControl, type ControlledSlot } from './control.ts';
export * from './faults.ts';
export { type CardSigner, testFaceRoot, testTextRoot } from './issue/card-signer.ts';
export { keyId, makeCvCertificate, organisationKeyId } from './issue/cv-certificate.ts';
export { type HpkiCardContent, makeHpkiCardImage } from './issue/hpki-card.ts';
export {
  type HolderKey,
  type MyNumberCardContent,
  makeMyNumberCardImage,
  type OrganisationRoot,
} from './issue/my-number-card.ts';
export { TEST_RSA_KEY_COUNT, testRsaKey } from './keys/test-keys.ts';
export {
  type CardFaceImages,
  Holder,
  Person,
  readCardFaceImages,
  readPeople,
  readPerson,
} from './people.ts';
export { EmulatedPn532, type EmulatedPn532Options } from './pn532/emulator.ts';
export { CHIP_FAULTS, type ChipFault, type ChipFaultKind } from './pn532/faults.ts';
export { connectLine, lineOfStream, type OpenLine, openPty, type PtyLine } from './pn532/lines.ts';
export { SimulatedSam, type SimulatedSamOptions } from './sam/simulated-sam.ts';
export { blankSamState, type SamState, type ScpKeys, TEST_SCP_KEYS } from './sam/state.ts';
export {
  Meter,
  type MeterEntry,
  REAL_TIMING,
  type TimingProfile,
  ZERO_TIMING,
} from './timing.ts';
export type { VirtualCard } from './virtual-card.ts';
export { connectToVpcd, type VpcdConnection, type VpcdOptions } from './vpcd-bridge.ts';
export { VpcdSlot } from './vpcd-slot.ts';
