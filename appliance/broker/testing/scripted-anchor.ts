/** An anchor, written from `docs/lease-protocol.md` without the broker's code. Everything travels as hexadecimal. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

export interface AnswerChanges {
  readonly key?: KeyObject;
  readonly verdict?: number;
  readonly deviceId?: string;
  readonly networkId?: string;
  readonly boot?: string;
  readonly sequence?: bigint;
  readonly zeros?: string;
  readonly label?: string;
}

export class ScriptedAnchor {
  readonly publicKey: KeyObject;
  readonly networkId: string;
  readonly #key: KeyObject;
  boot = randomBytes(16).toString('hex');
  sequence = 0n;

  constructor() {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    this.#key = privateKey;
    this.publicKey = publicKey;
    const spki = publicKey.export({ type: 'spki', format: 'der' });
    this.networkId = createHash('sha256').update(spki).digest('hex').slice(0, 32);
  }

  answer(question: string, changes: AnswerChanges = {}): string {
    this.sequence += 1n;
    const sequence = changes.sequence ?? this.sequence;
    const signed = [
      Buffer.from(changes.label ?? 'SEKISHO-LEASE-A1').toString('hex'),
      changes.deviceId ?? question.slice(32, 48),
      changes.networkId ?? question.slice(48, 80),
      question.slice(80, 144),
      changes.boot ?? this.boot,
      sequence.toString(16).padStart(16, '0'),
      (changes.verdict ?? 0).toString(16).padStart(2, '0'),
      changes.zeros ?? '00'.repeat(15),
    ].join('');
    return signed + sign(null, Buffer.from(signed, 'hex'), changes.key ?? this.#key).toString('hex');
  }
}
