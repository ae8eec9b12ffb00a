/** What the SAM signs and derives. @see docs/sam-profile.md §4.5–4.8 */
import { sign } from 'node:crypto';
import { ascii, concat, fromBase64, fromHex, uint } from '../bytes.ts';
import { refuse, SW } from '../command.ts';
import { hmacSha256, sha256 } from '../crypto/hash.ts';
import { importPrivateKey } from '../crypto/keys.ts';
import { parseSequence, parseTlv, tlv } from '../tlv.ts';
import type { WorkNotes } from '../virtual-card.ts';
import type { Personalisation, SuiteId } from './state.ts';

const none = new Uint8Array();

/** `9E` signature by the device key, DER. */
function deviceSignature(sam: Personalisation, message: Uint8Array, work: WorkNotes): Uint8Array {
  work.note('p-256-sign');
  return tlv(0x9e, new Uint8Array(sign('sha256', message, importPrivateKey(sam.deviceKey))));
}

export function signDeviceProof(sam: Personalisation, data: Uint8Array, work: WorkNotes): Uint8Array {
  return deviceSignature(sam, concat(ascii('SEKISHO-DEVICE-1'), data), work);
}

export interface TapRequest {
  readonly suite: SuiteId;
  readonly cardChallenge: Uint8Array;
  readonly tapId: Uint8Array;
  readonly consentDigest: Uint8Array;
}

/** `E5 { 8E suite, 81 cardChallenge, 91 tapId, 88 consent digest }` */
export function parseTapRequest(data: Uint8Array): TapRequest {
  const values = parseSequence(parseTlv(data, 0xe5).value, [0x8e, 0x81, 0x91, 0x88]);
  const [suite = none, cardChallenge = none, tapId = none, consentDigest = none] = values;
  const isSized = cardChallenge.length >= 8 && cardChallenge.length <= 32 && tapId.length === 16;
  const isKnownSuite = suite.length === 1 && (suite[0] === 1 || suite[0] === 2);
  if (!isSized || consentDigest.length !== 32 || !isKnownSuite) return refuse(SW.wrongData);
  return { suite: suite[0] === 1 ? '01' : '02', cardChallenge, tapId, consentDigest };
}

/** The organisation key's signature over the card's challenge. */
function signChallenge(pkcs8: string, { suite, cardChallenge }: TapRequest, work: WorkNotes): Uint8Array {
  const key = importPrivateKey(pkcs8);
  work.note(suite === '01' ? 'rsa-2048-private' : 'p-384-sign');
  const signature =
    suite === '01'
      ? sign('sha256', cardChallenge, key)
      : sign('sha384', cardChallenge, { key, dsaEncoding: 'ieee-p1363' });
  return new Uint8Array(signature);
}

export interface TapMoment {
  readonly useCounter: number;
  readonly ticks: number;
  readonly tickNonce: Uint8Array;
}

/** `E6 { 83 useCounter, 84 ticks, 92 tapChallenge, 9E signature }` */
export function signTap(
  sam: Personalisation,
  organisationKey: string,
  request: TapRequest,
  moment: TapMoment,
  work: WorkNotes,
): Uint8Array {
  const useCounter = uint(moment.useCounter, 4);
  const ticks = uint(moment.ticks, 8);
  const tapChallenge = sha256(
    ascii('SEKISHO-TAP-1'),
    fromHex(sam.samId),
    useCounter,
    request.tapId,
    request.consentDigest,
    request.cardChallenge,
    ticks,
    moment.tickNonce,
  );
  const signature = signChallenge(organisationKey, request, work);
  return tlv(0xe6, tlv(0x83, useCounter), tlv(0x84, ticks), tlv(0x92, tapChallenge), tlv(0x9e, signature));
}

/** `E7 { … } 9E signature` over the complete E7 object. */
export function stamp(
  sam: Personalisation,
  digest: Uint8Array,
  moment: TapMoment,
  work: WorkNotes,
): Uint8Array {
  const object = tlv(
    0xe7,
    tlv(0x80, fromHex(sam.samId)),
    tlv(0x84, uint(moment.ticks, 8)),
    tlv(0x85, moment.tickNonce),
    tlv(0x83, uint(moment.useCounter, 4)),
    tlv(0x8a, uint(sam.tickPeriodMs, 2)),
    tlv(0x88, digest),
  );
  return concat(object, deviceSignature(sam, object, work));
}

export function deriveId(sam: Personalisation, data: Uint8Array, work: WorkNotes): Uint8Array {
  work.note('symmetric');
  return hmacSha256(fromBase64(sam.idKey), ascii('SEKISHO-ID-1'), ascii(sam.institutionCode), data);
}
