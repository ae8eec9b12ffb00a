/** A personalised SAM and every key around it, for the tests of this room. */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { concat, fromHex, uint } from '../bytes.ts';
import { testRsaKey } from '../keys/test-keys.ts';
import { SimulatedSam } from '../sam/simulated-sam.ts';
import type { SamState } from '../sam/state.ts';
import { parseTlv, tlv } from '../tlv.ts';
import type { OpensslPki } from './openssl-pki.ts';
import {
  certifyDevice,
  dgi,
  encryptKeyData,
  PersonaliserSession,
  SAM_ID,
  SamTerminal,
  SELECT_SAM,
} from './sam-personaliser.ts';

export const SP_KEY = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
export const ORGANISATION_KEY = testRsaKey(9);
export const ORGANISATION_KEY_P384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
export const ID_KEY = new Uint8Array(32).fill(1);
const STORAGE_KEY = new Uint8Array(32).fill(2);
export const INSTITUTION = '1310000001';
export const CV_CERTIFICATE = tlv(0x7f21, new Uint8Array(563).fill(7));
export const TICK_PERIOD_MS = 100;

const ascii = (value: string): Uint8Array => new Uint8Array(Buffer.from(value, 'latin1'));

export function spki(key: KeyObject): Uint8Array {
  return new Uint8Array(createPublicKey(key).export({ type: 'spki', format: 'der' }));
}

function pkcs8(key: KeyObject): Uint8Array {
  return new Uint8Array(key.export({ type: 'pkcs8', format: 'der' }));
}

export function makeDgis(deviceCertificate: Uint8Array): Map<string, Uint8Array> {
  return new Map([
    ['0101', fromHex(SAM_ID)],
    ['0102', ascii(INSTITUTION)],
    ['0103', ascii('sekisho-ref-1')],
    ['0104', deviceCertificate],
    ['0105', spki(SP_KEY)],
    ['0106', concat(uint(2, 2), uint(50, 4))],
    ['0107', uint(TICK_PERIOD_MS, 2)],
    ['0130', CV_CERTIFICATE],
    ['8130', encryptKeyData(pkcs8(ORGANISATION_KEY))],
    ['8131', encryptKeyData(pkcs8(ORGANISATION_KEY_P384))],
    ['8140', encryptKeyData(ID_KEY)],
    ['8141', encryptKeyData(STORAGE_KEY)],
  ]);
}

/** Sends the DGIs in two blocks, cut in the middle of wherever it falls; the status word. */
export function storeDgis(session: PersonaliserSession, dgis: ReadonlyMap<string, Uint8Array>): string {
  const whole = concat(...[...dgis].map(([id, value]) => dgi(id, value)));
  const half = Math.floor(whole.length / 2);
  const first = session.send('84E20000', whole.slice(0, half));
  return first.sw === '9000' ? session.send('84E28001', whole.slice(half)).sw : first.sw;
}

export function openPersonaliser(terminal: SamTerminal): PersonaliserSession {
  terminal.data(SELECT_SAM);
  const session = new PersonaliserSession(terminal);
  if (session.authenticate() !== '9000') throw new Error('no channel');
  return session;
}

/** GENERATE ASYMMETRIC KEY PAIR, and a certificate for its key. */
export function generateDeviceKey(session: PersonaliserSession, pki: OpensslPki): Uint8Array {
  const { data } = session.send('84468001', new Uint8Array());
  return certifyDevice(pki, parseTlv(parseTlv(data, 0x7f49).value, 0x86).value);
}

export function personaliseSam(pki: OpensslPki): { state: SamState; deviceCertificate: Uint8Array } {
  const sam = new SimulatedSam();
  const session = openPersonaliser(new SamTerminal(sam));
  const deviceCertificate = generateDeviceKey(session, pki);
  const status = storeDgis(session, makeDgis(deviceCertificate));
  if (status !== '9000') throw new Error(`answered ${status}`);
  return { state: sam.state, deviceCertificate };
}
