/** 券面事項入力補助AP: number and attributes as text; the only application with secure messaging. */
import { answer, type Command, refuse, SW } from '../command.ts';
import { importPrivateKey } from '../crypto/keys.ts';
import { FileApplication } from './application.ts';
import { decryptSeed, SecureMessaging } from './secure-messaging.ts';

/** EF 0011; 照合番号A and B do not open a session. */
const PIN = '0011';
/** EF 0006 publishes the other half. */
const SESSION_KEY = '0006';

export class TextApplication extends FileApplication {
  #session: SecureMessaging | undefined;

  override reset(): void {
    super.reset();
    this.#session = undefined;
  }

  override process(command: Command): Uint8Array {
    if (command.cla === 0x80 && command.ins === 0xae) return this.#setSessionKey(command);
    if (command.cla === 0x08) return this.#processSecured(command);
    // An authenticated header needs a checksum object, for which this application has no key.
    if (command.cla === 0x0c) return refuse(SW.secureMessagingObjectsMissing);
    return super.process(command);
  }

  #setSessionKey({ p1, p2, data }: Command): Uint8Array {
    if (p1 !== 0 || p2 !== 0) return refuse(SW.wrongP1P2);
    if (!this.hasRight(PIN)) return refuse(SW.securityStatus);
    const key = this.image.keys.find(({ id }) => id === SESSION_KEY);
    if (key === undefined) return refuse(SW.referenceNotFound);
    this.chip.work.note('rsa-2048-private');
    this.#session = new SecureMessaging(decryptSeed(importPrivateKey(key.pkcs8), data));
    return answer();
  }

  #processSecured(command: Command): Uint8Array {
    const session = this.#session;
    if (session === undefined || session.isBroken) return refuse(SW.secureMessagingNoSession);
    session.advance();
    this.chip.work.note('symmetric');
    const plain: Command = { ...command, cla: 0x00, le: undefined };
    switch (command.ins) {
      case 0x20:
        return this.verify({ ...plain, data: session.decrypt(command.data) });
      case 0xa4:
        return this.selectFile({ ...plain, data: session.decrypt(command.data) });
      case 0xb0: {
        const length = session.expectedLength(command.data);
        const offset = command.p1 * 256 + command.p2;
        const wanted = length === 0 ? Number.MAX_SAFE_INTEGER : length;
        return answer(session.encrypt(this.readCurrentFile(offset, wanted)));
      }
      default:
        return refuse(SW.secureMessagingNotSupported);
    }
  }
}
