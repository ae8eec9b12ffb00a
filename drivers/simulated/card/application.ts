/** A file system with access rules: what all applications of a Japanese ID card have in common. */
import { ascii, equal, fromBase64, toHex } from '../bytes.ts';
import { answer, type Command, refuse, SW } from '../command.ts';
import { importPrivateKey } from '../crypto/keys.ts';
import type { Chip } from './chip.ts';
import type { Access, ApplicationImage, KeyImage, PinImage, Right } from './image.ts';
import { signatureMode } from './signature.ts';

/** READ BINARY gives at most this much, also to an extended Le. */
const READ_LIMIT_BYTES = 256;

export class FileApplication {
  protected readonly image: ApplicationImage;
  protected readonly chip: Chip;
  readonly #verifiedPins = new Set<Right>();
  #currentFile: string | undefined;

  constructor(image: ApplicationImage, chip: Chip) {
    this.image = image;
    this.chip = chip;
  }

  get aid(): string {
    return this.image.aid;
  }

  /** SELECT and field off end every right that was won. */
  reset(): void {
    this.#verifiedPins.clear();
    this.#currentFile = undefined;
  }

  process(command: Command): Uint8Array {
    if (command.cla === 0x80 && command.ins === 0x2a) return this.computeSignature(command);
    if (command.cla !== 0x00) return refuse(command.cla === 0x80 ? SW.insNotSupported : SW.claNotSupported);
    switch (command.ins) {
      case 0xa4:
        return this.selectFile(command);
      case 0xb0:
        return this.readBinary(command);
      case 0x20:
        return this.verify(command);
      case 0x24:
        return this.changeReferenceData(command);
      default:
        return refuse(SW.insNotSupported);
    }
  }

  protected selectFile({ p1, data }: Command): Uint8Array {
    if (p1 === 0x00) return data.length === 0 ? answer() : refuse(SW.fileNotFound);
    if (p1 !== 0x02) return refuse(SW.wrongP1P2);
    if (data.length !== 2) return refuse(SW.wrongLength);
    this.#currentFile = this.#require(toHex(data));
    return answer();
  }

  protected readBinary({ p1, p2, le, data }: Command): Uint8Array {
    if (le === undefined || data.length > 0) return refuse(SW.wrongLength);
    if ((p1 & 0x80) !== 0) this.#currentFile = this.#require(shortFileId(p1));
    const offset = (p1 & 0x80) !== 0 ? p2 : p1 * 256 + p2;
    return answer(this.readCurrentFile(offset, Math.min(le, READ_LIMIT_BYTES)));
  }

  /** Bytes of the current file; fewer at its end. */
  protected readCurrentFile(offset: number, lengthBytes: number): Uint8Array {
    if (this.#currentFile === undefined) return refuse(SW.noCurrentFile);
    const file = this.image.files.find(({ id }) => id === this.#currentFile);
    if (file === undefined) return refuse(SW.structureIncompatible);
    if (!this.isAllowed(file.read)) return refuse(SW.securityStatus);
    const content = fromBase64(file.content);
    if (offset >= content.length) return refuse(SW.outsideFile);
    return content.slice(offset, offset + lengthBytes);
  }

  protected verify({ p1, p2, data }: Command): Uint8Array {
    if (p1 !== 0x00) return refuse(SW.wrongP1P2);
    const pin = this.#pin(p2);
    if (data.length === 0) return refuse(0x63c0 | pin.triesLeft);
    return this.#compare(pin, data);
  }

  protected changeReferenceData({ p1, p2, data }: Command): Uint8Array {
    if (p1 !== 0x01) return refuse(SW.wrongP1P2);
    return this.changePin(p2, data);
  }

  /** CHANGE REFERENCE DATA and the older CHANGE KEY differ in the header only. */
  protected changePin(reference: number, value: Uint8Array): Uint8Array {
    const pin = this.#pin(reference);
    if (!pin.isChangeable) return refuse(SW.conditions);
    if (!this.#verifiedPins.has(pin.id)) return refuse(SW.securityStatus);
    if (value.length < 4 || value.length > 16) return refuse(SW.wrongLength);
    pin.value = Buffer.from(value).toString('latin1');
    this.chip.work.note('nonvolatile-write');
    this.chip.save();
    return answer();
  }

  protected computeSignature({ p1, p2, data, le }: Command): Uint8Array {
    const key = this.#key(p2);
    const mode = signatureMode(p1, key.modes, data.length);
    if (!this.isAllowed(key.use)) return refuse(SW.securityStatus);
    if (le === undefined) return refuse(SW.wrongLength);
    this.chip.work.note(mode.operation);
    const signature = mode.sign(importPrivateKey(key.pkcs8), data, this.chip.random);
    this.afterSignature(key);
    return answer(signature);
  }

  /** Hook for rights that wear out. */
  protected afterSignature(_key: KeyImage): void {}

  protected isAllowed(access: Access): boolean {
    if (access === 'always' || access === 'never') return access === 'always';
    return access.some((right) => this.hasRight(right));
  }

  protected hasRight(right: Right): boolean {
    return this.#verifiedPins.has(right);
  }

  #require(id: string): string {
    const { files, pins, keys, otherReferences } = this.image;
    const isKnown = [...files, ...pins, ...keys].some((entry) => entry.id === id);
    return isKnown || otherReferences.includes(id) ? id : refuse(SW.fileNotFound);
  }

  #pin(reference: number): PinImage {
    const byName = this.image.pins.find((pin) => pin.reference === reference);
    if (byName !== undefined) return byName;
    if (reference !== 0x80) return refuse(SW.referenceNotFound);
    const current = this.image.pins.find(({ id }) => id === this.#currentFile);
    return current ?? refuse(this.#currentFile === undefined ? SW.noCurrentFile : SW.structureIncompatible);
  }

  #key(reference: number): KeyImage {
    const wanted =
      reference === 0x80
        ? this.image.keys.find(({ id }) => id === this.#currentFile)
        : this.image.keys.find((key) => key.reference === reference);
    return wanted ?? refuse(reference === 0x80 ? SW.conditions : SW.wrongP1P2);
  }

  #compare(pin: PinImage, presented: Uint8Array): Uint8Array {
    if (pin.triesLeft === 0 || pin.value === undefined) return refuse(SW.referenceBlocked);
    pin.triesLeft -= 1;
    this.chip.work.note('nonvolatile-write');
    if (!equal(presented, ascii(pin.value))) {
      this.#verifiedPins.delete(pin.id);
      this.chip.save();
      return refuse(0x63c0 | pin.triesLeft);
    }
    pin.triesLeft = pin.triesMax;
    this.#verifiedPins.add(pin.id);
    this.chip.save();
    return answer();
  }
}

function shortFileId(p1: number): string {
  return (p1 & 0x1f).toString(16).toUpperCase().padStart(4, '0');
}
