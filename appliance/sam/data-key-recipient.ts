/**
 * Whom the SAM seals one data key to: a key pair that lives for one command, in the process that is to use the data key.
 * Whoever carries the messages (broker, driver, pcscd, the line to the chip) sees two public keys and a sealed key.
 *
 * Secrets are in buffers of this file alone and are overwritten before it returns; none is ever text.
 * @see docs/sam-profile.md 4.9
 */
import { createDecipheriv, createECDH, createHash, type ECDH } from 'node:crypto';
import { SAM_POINT_BYTES, type SealedDataKey } from './commands/data-key.ts';
import { malformed } from './messages.ts';

const LABEL = 'SEKISHO-DATA-KEY-SEAL-1';
const CURVE = 'prime256v1';
const UNCOMPRESSED = 0x04;
/** The only round of the key derivation. @see NIST SP 800-56C Rev. 2 §4.1 */
const COUNTER = Uint8Array.of(0, 0, 0, 1);
/** @see RFC 3394 §2.2.3.1 */
const KEY_WRAP_IV = Buffer.alloc(8, 0xa6);
/** Any other key, to take the place of one that was used. */
const NOBODYS_KEY = Buffer.alloc(32, 0x01);

export class DataKeyRecipient {
  readonly #samId: Uint8Array;
  readonly #ecdh: ECDH;
  readonly #point: Uint8Array;

  /** `privateKey` (32 bytes) is given by vectors alone; everybody else has a new one made. */
  constructor(samId: Uint8Array, privateKey?: Uint8Array) {
    this.#samId = samId;
    this.#ecdh = createECDH(CURVE);
    if (privateKey === undefined) this.#ecdh.generateKeys();
    else this.#ecdh.setPrivateKey(privateKey);
    this.#point = this.#ecdh.getPublicKey();
  }

  /** `04 ‖ X ‖ Y`, for the SAM. */
  get point(): Uint8Array {
    return this.#point;
  }

  /** The data key out of the SAM's answer for `wrapped`; the caller overwrites it. Throws `sam.failed`. */
  open(wrapped: Uint8Array, { samPoint, sealed }: SealedDataKey): Uint8Array {
    const shared = this.#agree(samPoint);
    const sealingKey = createHash('sha256')
      .update(COUNTER)
      .update(shared)
      .update(LABEL)
      .update(this.#samId)
      .update(wrapped)
      .update(this.#point)
      .update(samPoint)
      .digest();
    shared.fill(0);
    try {
      const decipher = createDecipheriv('id-aes256-wrap', sealingKey, KEY_WRAP_IV);
      // All comes at once: joining it with the empty rest would leave a copy.
      const secret = decipher.update(sealed);
      decipher.final();
      return secret;
    } catch (cause) {
      throw malformed('sealed data key', cause);
    } finally {
      sealingKey.fill(0);
    }
  }

  /** Overwrites the private key: who finds the answer later cannot open it. */
  forget(): void {
    this.#ecdh.setPrivateKey(NOBODYS_KEY);
  }

  /** Refuses what is no point of the curve. @see NIST SP 800-56A Rev. 3 §5.6.2.3.3 */
  #agree(samPoint: Uint8Array): Buffer {
    if (samPoint.length !== SAM_POINT_BYTES || samPoint[0] !== UNCOMPRESSED) throw malformed('point');
    try {
      return this.#ecdh.computeSecret(samPoint);
    } catch (cause) {
      throw malformed('point', cause);
    }
  }
}
