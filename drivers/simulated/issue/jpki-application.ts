import type { KeyObject } from 'node:crypto';
import { ascii, concat, fromHex, toHex, uint } from '../bytes.ts';
import { AID, type ApplicationImage, type FileImage, type MyNumberVariant } from '../card/image.ts';
import { P384_MODES, RSA_MODES } from '../card/signature.ts';
import { exportPublicKey, isP384 } from '../crypto/keys.ts';
import type { Holder } from '../people.ts';
import { file, key, pin } from './files.ts';

export interface HolderKey {
  /** X.509 DER. */
  readonly certificate: Uint8Array;
  /** RSA-2048, or P-384 for the next generation. */
  readonly privateKey: KeyObject;
}

/** A root that the card checks organisation certificates with. */
export interface OrganisationRoot {
  readonly suite: '01' | '02';
  readonly publicKey: KeyObject;
  readonly keyId: Uint8Array;
}

export interface JpkiContent {
  readonly holder: Holder;
  readonly variant: MyNumberVariant;
  readonly authentication: HolderKey;
  readonly signing?: HolderKey | undefined;
  readonly authenticationCa: Uint8Array;
  readonly signingCa: Uint8Array;
  readonly organisationRoots: readonly OrganisationRoot[];
}

const LABEL: Readonly<Record<MyNumberVariant, string>> = {
  'vendor-1': 'JPKIAPICCTOKEN2',
  'vendor-2': 'JPKIAPICCTOKEN2',
  android: 'JPKIAPGPSETOKEN',
  iphone: 'JPKIAPIOSTOKEN',
  'next-generation': 'JPKIAPICCTOKEN3',
};

const AUTHENTICATION_PIN = '0018';
const SIGNING_PASSWORD = '001B';
/** The certificate files are written in whole blocks; the rest is filler. */
const CERTIFICATE_UNIT_BYTES = 256;

function text(value: string, lengthBytes: number): Uint8Array {
  return ascii(value.padEnd(lengthBytes, ' '));
}

/** EF 0006: a CK_TOKEN_INFO of 160 bytes with big-endian numbers. @see PKCS#11 v2.40 §3.2 */
function makeTokenInfo(variant: MyNumberVariant): Uint8Array {
  const flags = 0x40d;
  const [maxPin, minPin, unavailable] = [16, 4, 0xffffffff];
  const sessions = [0, 0, 0, 0];
  const numbers = [flags, ...sessions, maxPin, minPin, unavailable, unavailable, unavailable, unavailable];
  return concat(
    text(LABEL[variant], 32),
    text('SEKISHO TEST ONLY', 32),
    text('SIMULATED', 16),
    text('0000000000000001', 16),
    ...numbers.map((number) => uint(number, 4)),
    ascii('0301'),
    text('', 16),
  );
}

function certificateFiles(content: JpkiContent): FileImage[] {
  const { signing, authentication, authenticationCa, signingCa, variant } = content;
  const isPhone = variant === 'android' || variant === 'iphone';
  const readAuthentication = isPhone ? [AUTHENTICATION_PIN, 'organisation'] : 'always';
  const unit = CERTIFICATE_UNIT_BYTES;
  return [
    file('0001', signing?.certificate ?? new Uint8Array(), [SIGNING_PASSWORD], unit),
    file('0002', signingCa, 'always', unit),
    file('000A', authentication.certificate, readAuthentication, unit),
    file('000B', authenticationCa, 'always', unit),
  ];
}

export function makeJpkiApplication(content: JpkiContent): ApplicationImage {
  const { holder, authentication, signing, organisationRoots } = content;
  const modesOf = ({ privateKey }: HolderKey): readonly number[] =>
    isP384(privateKey) ? P384_MODES : RSA_MODES;
  const hasSigning = signing !== undefined && holder.signPassword !== undefined;
  return {
    kind: 'jpki',
    aid: AID.jpki,
    files: [
      ...certificateFiles(content),
      file('0006', makeTokenInfo(content.variant), 'always'),
      file('0008', fromHex(hasSigning ? '8F8F00' : '008F00'), 'always'),
      file('0009', new Uint8Array(16).fill(0xff), 'never'),
    ],
    pins: [
      pin(AUTHENTICATION_PIN, holder.pin, 3, true),
      hasSigning
        ? pin(SIGNING_PASSWORD, holder.signPassword ?? '', 5, true)
        : { ...pin(SIGNING_PASSWORD, '', 5), value: undefined, triesLeft: 0 },
    ],
    keys: [
      key('0017', authentication.privateKey, [AUTHENTICATION_PIN, 'organisation'], modesOf(authentication)),
      ...(hasSigning ? [key('001A', signing.privateKey, [SIGNING_PASSWORD], modesOf(signing))] : []),
    ],
    otherReferences: ['0010', '0016', ...(hasSigning ? [] : ['001A'])],
    organisationRoots: organisationRoots.map((root) => ({
      suite: root.suite,
      keyId: toHex(root.keyId),
      publicKey: exportPublicKey(root.publicKey),
    })),
  };
}
