/** A SAM as the vault sees it: RFC 3394 under one key-encryption key, and locked whenever a test says so. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { SekishoError } from '#contract/errors.ts';
import type { KeyWrapper } from '../vault.ts';

const KEY_WRAP_IV = Buffer.alloc(8, 0xa6);

export class WrappingSam implements KeyWrapper {
  readonly samId: string;
  readonly #storageKey = randomBytes(32);
  isLocked = false;
  /** Runs in the middle of each command. */
  meanwhile: () => void = () => {};

  constructor(samId: string) {
    this.samId = samId;
  }

  async generateDataKey(): Promise<Uint8Array> {
    await this.#work();
    return this.wrap(randomBytes(32));
  }

  /** As the SP does it, which knows the key-encryption key. */
  wrap(key: Uint8Array): Uint8Array {
    const cipher = createCipheriv('id-aes256-wrap', this.#storageKey, KEY_WRAP_IV);
    return Buffer.concat([cipher.update(key), cipher.final()]);
  }

  async unwrapDataKey(wrapped: Uint8Array): Promise<Uint8Array> {
    await this.#work();
    try {
      const decipher = createDecipheriv('id-aes256-wrap', this.#storageKey, KEY_WRAP_IV);
      return Buffer.concat([decipher.update(wrapped), decipher.final()]);
    } catch (cause) {
      throw new SekishoError('sam.failed', { cause });
    }
  }

  async #work(): Promise<void> {
    if (this.isLocked) throw new SekishoError('sam.locked');
    await Promise.resolve();
    this.meanwhile();
  }
}
