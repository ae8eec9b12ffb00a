/** 共通カードAP and 住基AP: records, a PIN-less internal authentication, and the older CHANGE KEY. */
import { fromBase64 } from '../bytes.ts';
import { answer, type Command, refuse, SW } from '../command.ts';
import { sha256 } from '../crypto/hash.ts';
import { importPrivateKey } from '../crypto/keys.ts';
import { digestInfo, signPkcs1 } from '../crypto/signing.ts';
import { FileApplication } from './application.ts';

export class RecordApplication extends FileApplication {
  override process(command: Command): Uint8Array {
    const { cla, ins } = command;
    if (cla === 0x00 && ins === 0xb2) return this.#readRecord(command);
    if (cla === 0x00 && ins === 0x88) return this.#internalAuthenticate(command);
    if (cla === 0x80 && ins === 0x32) return this.changePin(command.p2, command.data);
    // SET SESSION KEY: the common application has no key delivery configured.
    if (cla === 0x80 && ins === 0xae) {
      return refuse(this.image.kind === 'common' ? 0x66f1 : SW.securityStatus);
    }
    return super.process(command);
  }

  /** `00B2010400`: the first record of the current or first file. */
  #readRecord({ p1, p2, le }: Command): Uint8Array {
    if (p1 !== 0x01 || p2 !== 0x04) return refuse(SW.wrongP1P2);
    if (le === undefined) return refuse(SW.wrongLength);
    const record = this.image.files.find(({ content }) => content !== '');
    if (record === undefined) return refuse(SW.fileNotFound);
    return this.isAllowed(record.read) ? answer(fromBase64(record.content)) : refuse(SW.securityStatus);
  }

  /** `00880099`: key 0019 signs a challenge without PIN; its public half is nowhere on the card. */
  #internalAuthenticate({ p1, p2, data, le }: Command): Uint8Array {
    const key = this.image.keys.find(({ reference }) => reference === p2);
    if (p1 !== 0x00 || key === undefined) return refuse(SW.conditions);
    if (data.length === 0 || data.length > 255 || le === undefined) return refuse(SW.wrongLength);
    this.chip.work.note('rsa-2048-private');
    return answer(signPkcs1(importPrivateKey(key.pkcs8), digestInfo(sha256(data))));
  }
}

/** 券面事項確認AP: files and a PIN-less signature; no secure messaging. */
export class CardFaceApplication extends FileApplication {
  override process(command: Command): Uint8Array {
    if (command.cla === 0x80 && command.ins === 0xae) return refuse(0x66f1);
    return super.process(command);
  }
}
