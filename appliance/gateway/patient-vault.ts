/** The store's vault, as far as the rules need it. @see `appliance/store/vault.ts` */
import type { OpenSam } from '#broker/sam-access.ts';

/** Who makes and unwraps data keys: the open SAM. */
type KeyWrapper = Pick<OpenSam, 'samId' | 'generateDataKey' | 'unwrapDataKey'>;

export interface PatientVault {
  readonly isOpen: boolean;
  open(
    sam: KeyWrapper,
    rewrap: (fromSamId: string, wrapped: Uint8Array) => Promise<Uint8Array>,
  ): Promise<{ readonly keyId: string; readonly event: 'opened' | 'first-key' | 'moved-to-this-sam' }>;
  close(): void;
  rotate(sam: KeyWrapper): Promise<string>;
  finishRotation(): Promise<void>;
}
