/** STORE DATA: DGIs collected over blocks, then committed together or not at all. @see docs/sam-profile.md §5 */
import { X509Certificate } from 'node:crypto';
import { equal, readUint, toBase64, toHex } from '../bytes.ts';
import { CardStatus, type Command, refuse, SW } from '../command.ts';
import { ecPoint, importPrivateKey, importPublicKey, isP256, isP384, isRsa2048 } from '../crypto/keys.ts';
import { decryptKeyData } from './scp03.ts';
import type { OrganisationKey, Personalisation, ScpKeys, SuiteId } from './state.ts';

const DGI = {
  samId: 0x0101,
  institutionCode: 0x0102,
  profileId: 0x0103,
  deviceCertificate: 0x0104,
  spPublicKey: 0x0105,
  offlineLimits: 0x0106,
  tickPeriod: 0x0107,
  certificate: { '01': 0x0130, '02': 0x0131 },
  privateKey: { '01': 0x8130, '02': 0x8131 },
  idKey: 0x8140,
  storageKey: 0x8141,
} as const;

const MANDATORY = [
  DGI.samId,
  DGI.institutionCode,
  DGI.deviceCertificate,
  DGI.spPublicKey,
  DGI.offlineLimits,
  DGI.privateKey['01'],
  DGI.idKey,
  DGI.storageKey,
];
const LAST_BLOCK = 0x80;
const DEFAULT_PROFILE = Buffer.from('sekisho-ref-1', 'latin1');

type Dgis = ReadonlyMap<number, Uint8Array>;

/** `<DGI 2> <length: 1 byte, or FF and 2 bytes> <value>`, several in a row. */
function parseDgis(bytes: Uint8Array): Dgis {
  const found = new Map<number, Uint8Array>();
  for (let at = 0; at < bytes.length; ) {
    const isLong = bytes[at + 2] === 0xff;
    const valueAt = at + (isLong ? 5 : 3);
    const lengthField = isLong ? bytes.subarray(at + 3, at + 5) : bytes.subarray(at + 2, at + 3);
    const end = valueAt + readUint(lengthField);
    if (valueAt > bytes.length || end > bytes.length) return refuse(SW.wrongData);
    found.set(readUint(bytes.subarray(at, at + 2)), bytes.slice(valueAt, end));
    at = end;
  }
  return found;
}

/** Collects the blocks of one STORE DATA sequence. */
export class DgiCollector {
  #blocks: Uint8Array[] = [];

  /** The DGIs, when the block was the last. */
  push({ p1, p2, data }: Command): Dgis | undefined {
    if (p2 !== this.#blocks.length % 256 || (p1 & ~LAST_BLOCK) !== 0) {
      this.#blocks = [];
      return refuse(SW.wrongP1P2);
    }
    this.#blocks.push(data);
    if ((p1 & LAST_BLOCK) === 0) return undefined;
    const whole = new Uint8Array(Buffer.concat(this.#blocks));
    this.#blocks = [];
    return parseDgis(whole);
  }
}

function fixed(dgis: Dgis, id: number, lengthBytes: number): Uint8Array {
  const value = dgis.get(id);
  return value?.length === lengthBytes ? value : refuse(SW.wrongData);
}

function secret(dgis: Dgis, id: number, keys: ScpKeys): Uint8Array | undefined {
  const value = dgis.get(id);
  return value === undefined ? undefined : decryptKeyData(keys, value);
}

function organisationKey(dgis: Dgis, suite: SuiteId, keys: ScpKeys): OrganisationKey | undefined {
  const certificate = dgis.get(DGI.certificate[suite]);
  const pkcs8 = secret(dgis, DGI.privateKey[suite], keys);
  if (pkcs8 === undefined) return undefined;
  const key = importPrivateKey(toBase64(pkcs8));
  if (!(suite === '01' ? isRsa2048(key) : isP384(key))) return refuse(SW.wrongData);
  return { privateKey: toBase64(pkcs8), ...(certificate && { certificate: toBase64(certificate) }) };
}

function secretKey(dgis: Dgis, id: number, keys: ScpKeys): string {
  const value = secret(dgis, id, keys);
  return value?.length === 32 ? toBase64(value) : refuse(SW.wrongData);
}

function spKey(dgis: Dgis): string {
  const spki = dgis.get(DGI.spPublicKey) ?? refuse(SW.conditions);
  return isP256(importPublicKey(spki)) ? toBase64(spki) : refuse(SW.wrongData);
}

/** The certificate must be for the key that this SAM made: anything else is a mix-up of devices. */
function checkDeviceCertificate(certificate: Uint8Array, deviceKey: string): string {
  const { publicKey } = new X509Certificate(certificate);
  if (!isP256(publicKey)) refuse(SW.wrongData);
  const isOurs = equal(ecPoint(publicKey), ecPoint(importPrivateKey(deviceKey)));
  return isOurs ? toBase64(certificate) : refuse(SW.secureMessagingObjects);
}

function build(dgis: Dgis, deviceKey: string, keys: ScpKeys): Personalisation {
  const limits = fixed(dgis, DGI.offlineLimits, 6);
  const [rsa, ec] = [organisationKey(dgis, '01', keys), organisationKey(dgis, '02', keys)];
  const profile = dgis.get(DGI.profileId) ?? DEFAULT_PROFILE;
  return {
    samId: toHex(fixed(dgis, DGI.samId, 8)),
    institutionCode: Buffer.from(fixed(dgis, DGI.institutionCode, 10)).toString('latin1'),
    profileId: Buffer.from(profile).toString('latin1'),
    deviceKey,
    deviceCertificate: checkDeviceCertificate(
      dgis.get(DGI.deviceCertificate) ?? refuse(SW.conditions),
      deviceKey,
    ),
    spPublicKey: spKey(dgis),
    offlineMaxUses: readUint(limits.subarray(0, 2)),
    offlineMaxTicks: readUint(limits.subarray(2)),
    tickPeriodMs: dgis.has(DGI.tickPeriod) ? readUint(fixed(dgis, DGI.tickPeriod, 2)) : 0,
    organisation: { ...(rsa && { '01': rsa }), ...(ec && { '02': ec }) },
    idKey: secretKey(dgis, DGI.idKey, keys),
    storageKey: secretKey(dgis, DGI.storageKey, keys),
  };
}

/** Checks everything before anything changes. */
export function makePersonalisation(
  dgis: Dgis,
  deviceKey: string | undefined,
  keys: ScpKeys,
): Personalisation {
  if (deviceKey === undefined || MANDATORY.some((id) => !dgis.has(id))) return refuse(SW.conditions);
  try {
    return build(dgis, deviceKey, keys);
  } catch (thrown) {
    // Keys and certificates that node:crypto cannot read are data that is not well formed.
    throw thrown instanceof CardStatus ? thrown : new CardStatus(SW.wrongData);
  }
}
