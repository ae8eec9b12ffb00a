/**
 * The card's side of organisation authentication: it checks the terminal's certificate with its root key,
 * gives a challenge, checks the signature, and then grants a right that wears out.
 * @see docs/organisation-profile.md
 */
import type { KeyObject } from 'node:crypto';
import { equal, fromBase64, fromHex } from '../bytes.ts';
import { answer, CardStatus, type Command, refuse, SW } from '../command.ts';
import { importPublicKey, p384PublicKey, rsaPublicKey } from '../crypto/keys.ts';
import { verifyCardSignature } from '../crypto/verification.ts';
import { parseTlv, parseTlvs } from '../tlv.ts';
import type { Chip } from './chip.ts';
import type { RootKeyImage } from './image.ts';

const SIGNATURES_PER_AUTHENTICATION = 4;
const CHALLENGE_BYTES = 16;

interface Suite {
  readonly id: '01' | '02';
  readonly certificateHeader: Uint8Array;
  /** Header and the complete 5F4E object. */
  readonly firstHalfBytes: number;
  readonly bodyBytes: number;
  readonly signatureBytes: number;
  readonly verification: 'rsa-2048-public' | 'p-384-verify';
}

const SUITES: readonly Suite[] = [
  {
    id: '01',
    certificateHeader: fromHex('7F21820233'),
    firstHalfBytes: 307,
    bodyBytes: 297,
    signatureBytes: 256,
    verification: 'rsa-2048-public',
  },
  {
    id: '02',
    certificateHeader: fromHex('7F2181EA'),
    firstHalfBytes: 139,
    bodyBytes: 131,
    signatureBytes: 96,
    verification: 'p-384-verify',
  },
];

interface FirstHalf {
  readonly suite: Suite;
  readonly root: RootKeyImage;
  readonly body: Uint8Array;
}

interface Terminal {
  readonly suite: Suite;
  readonly publicKey: KeyObject;
}

/** Subject key of a certificate body: modulus and exponent, or a curve point. */
function parseSubjectKey(body: Uint8Array, suite: Suite): KeyObject {
  const objects = parseTlvs(body.subarray(32));
  const objectValue = (tag: number): Uint8Array =>
    objects.find((object) => object.tag === tag)?.value ?? refuse(SW.wrongData);
  if (suite.id === '02') return p384PublicKey(objectValue(0x86));
  return rsaPublicKey(objectValue(0x91), objectValue(0x90));
}

/** Bytes 14 and 15 of the subject key id: last valid month, `YY MM` in BCD; 0000 = none. */
function isExpired(body: Uint8Array, nowMs: number): boolean {
  const [year = 0, month = 0] = body.subarray(30, 32);
  if (year === 0 && month === 0) return false;
  const decimal = (bcd: number): number => (bcd >> 4) * 10 + (bcd & 0x0f);
  return nowMs >= Date.UTC(2000 + decimal(year), decimal(month));
}

function parseFirstHalf(data: Uint8Array, roots: readonly RootKeyImage[]): FirstHalf {
  const suite = SUITES.find(({ certificateHeader }) =>
    equal(certificateHeader, data.subarray(0, certificateHeader.length)),
  );
  if (suite === undefined) return refuse(SW.wrongData);
  const body = parseTlv(data.slice(suite.certificateHeader.length), 0x5f4e).value;
  if (body.length !== suite.bodyBytes) return refuse(SW.wrongLength);
  const root = roots.find(
    (candidate) => candidate.suite === suite.id && equal(fromHex(candidate.keyId), body.subarray(0, 16)),
  );
  return root === undefined ? refuse(SW.wrongData) : { suite, root, body };
}

export class OrganisationAuthentication {
  readonly #chip: Chip;
  readonly #roots: readonly RootKeyImage[];
  #firstHalf: FirstHalf | undefined;
  #terminal: Terminal | undefined;
  #signaturesLeft = 0;

  constructor(chip: Chip, roots: readonly RootKeyImage[]) {
    this.#chip = chip;
    this.#roots = roots;
  }

  get isGranted(): boolean {
    return this.#signaturesLeft > 0;
  }

  reset(): void {
    this.#firstHalf = undefined;
    this.#terminal = undefined;
    this.#signaturesLeft = 0;
  }

  useOnce(): void {
    this.#signaturesLeft -= 1;
  }

  /** `80A2`: the certificate in two halves. */
  loadCertificate({ p1, p2, data }: Command): Uint8Array {
    if (p2 !== 0xc1 || (p1 !== 0x06 && p1 !== 0x00)) return refuse(SW.wrongP1P2);
    try {
      return p1 === 0x06 ? this.#loadFirstHalf(data) : this.#loadSecondHalf(data);
    } catch (thrown) {
      throw thrown instanceof CardStatus ? thrown : new CardStatus(SW.wrongData);
    }
  }

  /** `0082`: the terminal's signature over the newest challenge. */
  externalAuthenticate({ p1, p2, data }: Command): Uint8Array {
    if (p1 !== 0x00 || (p2 !== 0x00 && p2 !== 0x96)) return refuse(SW.wrongP1P2);
    const challenge = this.#chip.takeChallenge();
    const terminal = this.#terminal;
    if (terminal === undefined || challenge?.length !== CHALLENGE_BYTES) return refuse(SW.conditions);
    if (data.length !== terminal.suite.signatureBytes) return refuse(SW.wrongLength);
    this.#chip.work.note(terminal.suite.verification);
    if (!verifyCardSignature(terminal.publicKey, challenge, data)) {
      this.#signaturesLeft = 0;
      return refuse(SW.authenticationFailed);
    }
    this.#signaturesLeft = SIGNATURES_PER_AUTHENTICATION;
    return answer();
  }

  #loadFirstHalf(data: Uint8Array): Uint8Array {
    this.reset();
    if (!SUITES.some(({ firstHalfBytes }) => data.length === firstHalfBytes)) return refuse(SW.wrongLength);
    this.#firstHalf = parseFirstHalf(data, this.#roots);
    return answer();
  }

  #loadSecondHalf(data: Uint8Array): Uint8Array {
    const first = this.#firstHalf;
    if (first === undefined) return refuse(SW.conditions);
    const signature = parseTlv(data, 0x5f37).value;
    if (signature.length !== first.suite.signatureBytes) return refuse(SW.wrongLength);
    this.#firstHalf = undefined;
    const root = importPublicKey(fromBase64(first.root.publicKey));
    this.#chip.work.note(first.suite.verification);
    if (!verifyCardSignature(root, first.body, signature)) return refuse(SW.wrongData);
    if (isExpired(first.body, this.#chip.clock.nowMs())) return refuse(SW.conditions);
    this.#terminal = { suite: first.suite, publicKey: parseSubjectKey(first.body, first.suite) };
    return answer();
  }
}
