/** The terminal's half of personalisation and the service provider's orders, for the tests of this room. */
import { createPublicKey, createSign, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { concat, fromHex, pad80, toHex, uint, unpad80 } from '../bytes.ts';
import { cmac, decryptCbc, encryptBlock, encryptCbc } from '../crypto/aes.ts';
import { derive } from '../sam/scp03.ts';
import type { SimulatedSam } from '../sam/simulated-sam.ts';
import { TEST_SCP_KEYS } from '../sam/state.ts';
import { tlv } from '../tlv.ts';
import type { OpensslPki } from './openssl-pki.ts';

export const SELECT_SAM = '00A4040009F053454B4953484F0100';
export const SAM_ID = '0011223344556677';
export const NETWORK_ID = 'A0'.repeat(16);

export class SamTerminal {
  readonly sam: SimulatedSam;

  constructor(sam: SimulatedSam) {
    this.sam = sam;
    sam.powerOn();
  }

  send(command: string | Uint8Array): string {
    return toHex(this.sam.process(typeof command === 'string' ? fromHex(command) : command));
  }

  data(command: string | Uint8Array): Uint8Array {
    const answer = this.send(command);
    if (!answer.endsWith('9000')) throw new Error(`answered ${answer.slice(-4)}`);
    return fromHex(answer.slice(0, -4));
  }
}

/** Header and data with a short or extended Lc. */
export function withData(header: string, data: Uint8Array, le = ''): Uint8Array {
  const isShort = data.length < 256 && le.length <= 2;
  const length = isShort ? uint(data.length, 1) : concat(Uint8Array.of(0), uint(data.length, 2));
  return concat(fromHex(header), length, data, fromHex(le));
}

/** An SCP03 session at level 33, from the terminal's side. */
export class PersonaliserSession {
  readonly #terminal: SamTerminal;
  readonly #enc: Uint8Array;
  readonly #mac: Uint8Array;
  readonly #context: Uint8Array;
  #chain: Uint8Array = new Uint8Array(16);
  #counter = 0;

  constructor(terminal: SamTerminal) {
    this.#terminal = terminal;
    const hostChallenge = new Uint8Array(randomBytes(8));
    const answer = terminal.data(withData('80503000', hostChallenge, '00'));
    this.#context = concat(hostChallenge, answer.slice(13, 21));
    this.#enc = derive(fromHex(TEST_SCP_KEYS.encryption), 4, 128, this.#context);
    this.#mac = derive(fromHex(TEST_SCP_KEYS.mac), 6, 128, this.#context);
  }

  authenticate(level = '33'): string {
    const cryptogram = derive(this.#mac, 1, 64, this.#context);
    return this.#terminal.send(withData(`8482${level}00`, this.#withMac(`8482${level}00`, cryptogram)));
  }

  /** Sends a secured command; checks and decrypts its answer. */
  send(header: string, data: Uint8Array): { readonly data: Uint8Array; readonly sw: string } {
    this.#counter += 1;
    const block = uint(this.#counter, 16);
    const body =
      data.length === 0 ? data : encryptCbc(this.#enc, encryptBlock(this.#enc, block), pad80(data, 16));
    const answer = fromHex(this.#terminal.send(withData(header, this.#withMac(header, body), '0000')));
    const sw = answer.slice(-2);
    if (toHex(sw) !== '9000') return { data: answer.slice(0, -2), sw: toHex(sw) };
    const sealed = answer.slice(0, -10);
    const rmac = derive(fromHex(TEST_SCP_KEYS.mac), 7, 128, this.#context);
    const mac = cmac(rmac, concat(this.#chain, sealed, sw)).slice(0, 8);
    if (toHex(mac) !== toHex(answer.slice(-10, -2))) throw new Error('wrong answer MAC');
    if (sealed.length === 0) return { data: sealed, sw: '9000' };
    block[0] = 0x80;
    const plain = unpad80(decryptCbc(this.#enc, encryptBlock(this.#enc, block), sealed));
    if (plain === undefined) throw new Error('wrong padding');
    return { data: plain, sw: '9000' };
  }

  #withMac(header: string, body: Uint8Array): Uint8Array {
    const isShort = header.startsWith('8482');
    const length = body.length + 8;
    const lengthField = isShort ? uint(length, 1) : concat(Uint8Array.of(0), uint(length, 2));
    this.#chain = cmac(this.#mac, concat(this.#chain, fromHex(header), lengthField, body));
    return concat(body, this.#chain.slice(0, 8));
  }
}

export function dgi(id: string, value: Uint8Array): Uint8Array {
  const length =
    value.length < 255 ? uint(value.length, 1) : concat(Uint8Array.of(0xff), uint(value.length, 2));
  return concat(fromHex(id), length, value);
}

export function encryptKeyData(value: Uint8Array): Uint8Array {
  return encryptCbc(fromHex(TEST_SCP_KEYS.dataEncryption), new Uint8Array(16), pad80(value, 16));
}

/** A certificate over a public key whose private half nobody here has, made by openssl. */
export function certifyDevice(pki: OpensslPki, point: Uint8Array): Uint8Array {
  const x = Buffer.from(point.subarray(1, 33)).toString('base64url');
  const y = Buffer.from(point.subarray(33)).toString('base64url');
  const publicKey = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  pki.write('device.pub', publicKey.export({ type: 'spki', format: 'pem' }));
  pki.authority('device-ca', authority);
  pki.openssl('req', '-new', '-key', 'device-ca.key', '-subj', '/CN=SAM', '-out', 'device.csr');
  pki.openssl(
    'x509',
    '-req',
    '-in',
    'device.csr',
    '-force_pubkey',
    'device.pub',
    '-CA',
    'device-ca.pem',
    '-CAkey',
    'device-ca.key',
    '-set_serial',
    '7',
    '-days',
    '300',
    '-out',
    'device.pem',
  );
  const base64 = pki.openssl('x509', '-in', 'device.pem').replace(/-----[A-Z ]+-----/g, '');
  return new Uint8Array(Buffer.from(base64, 'base64'));
}

/** Orders of the service provider: an object and its signature. */
export function signedOrder(key: KeyObject, object: Uint8Array): Uint8Array {
  return concat(object, tlv(0x9e, new Uint8Array(createSign('sha256').update(object).sign(key))));
}

export interface UnlockOrder {
  readonly challenge: Uint8Array;
  readonly samId?: string;
  readonly maxUses?: number;
  readonly maxTicks?: number;
}

export function unlockOrder({
  challenge,
  samId = SAM_ID,
  maxUses = 3,
  maxTicks = 0,
}: UnlockOrder): Uint8Array {
  return tlv(
    0xe1,
    tlv(0x80, fromHex(samId)),
    tlv(0x81, challenge),
    tlv(0x82, fromHex(NETWORK_ID)),
    tlv(0x8c, uint(maxUses, 2)),
    tlv(0x8d, uint(maxTicks, 4)),
    tlv(0x94, uint(1_790_000_000, 8)),
  );
}
