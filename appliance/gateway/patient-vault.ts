/** The store's vault, as far as the rules need it. @see `appliance/store/vault.ts` */
import type { KeyObject } from 'node:crypto';
import type { OpenSam } from '#broker/sam-access.ts';

/** Who makes and unwraps data keys: the open SAM. */
type KeyWrapper = Pick<OpenSam, 'samId' | 'generateDataKey' | 'unwrapDataKey'>;

interface VaultOpening {
  readonly keyId: string;
  readonly event: 'opened' | 'first-key' | 'moved-to-this-sam';
  readonly unnamedLetterboxKey?: string;
}

export interface PatientVault {
  readonly isOpen: boolean;
  proveLetterbox(deviceKey: KeyObject): void;
  open(
    sam: KeyWrapper,
    rewrap: (fromSamId: string, wrapped: Uint8Array) => Promise<Uint8Array>,
  ): Promise<VaultOpening>;
  close(): void;
  rotate(sam: KeyWrapper): Promise<string>;
  finishRotation(): Promise<void>;
}
