/** Makes a My Number card from a holder and the keys and certificates of somebody's PKI. */
import { ascii, concat, toHex } from '../bytes.ts';
import { atrOf, linkOf } from '../card/identity.ts';
import { AID, type ApplicationImage, type CardImage, type MyNumberVariant } from '../card/image.ts';
import { sha256 } from '../crypto/hash.ts';
import type { CardFaceImages, Holder } from '../people.ts';
import { tlv } from '../tlv.ts';
import { makeCardFaceApplication } from './card-face-application.ts';
import {
  CARD_KEYS,
  type CardSigner,
  type PresenceKeys,
  sharedPresenceKeys,
  testCardFaceSigner,
  testTextSigner,
} from './card-signer.ts';
import { compactDate, file, key, pin } from './files.ts';
import {
  type HolderKey,
  type JpkiContent,
  makeJpkiApplication,
  type OrganisationRoot,
} from './jpki-application.ts';
import { makeTextApplication } from './text-application.ts';

export type { HolderKey, OrganisationRoot };

export interface MyNumberCardContent extends JpkiContent {
  readonly variant: MyNumberVariant;
  readonly cardFace?: CardFaceImages | undefined;
  readonly signers?: { readonly text: CardSigner; readonly cardFace: CardSigner } | undefined;
  readonly presenceKeys?: PresenceKeys | undefined;
  readonly quirks?: Partial<CardImage['quirks']> | undefined;
}

/** A municipality code that nobody has. */
const MUNICIPALITY = '99999';
/** Contact ATRs of the two plastic families, without TS. @see docs/protocol-facts.md 1.2 */
const CONTACT_ATR = {
  extended: 'DA13FF8131FB468012392F31C173C601C03B',
  plain: 'C5FF8131FB458073C6010000',
};

function cardSerial(holder: Holder): string {
  const digest = sha256(ascii('SEKISHO-TEST-SERIAL'), Buffer.from(holder.name + holder.verificationNumberB));
  return Array.from(digest.slice(0, 15), (byte) => byte % 10).join('');
}

function makeCommonApplication(holder: Holder): ApplicationImage {
  const record = cardSerial(holder) + MUNICIPALITY + compactDate(holder.cardExpiry);
  return {
    kind: 'common',
    aid: AID.common,
    files: [file('0001', concat(Uint8Array.of(1, record.length), ascii(record)), 'always')],
    pins: [pin('001C', holder.pin, 3, true), pin('001E', holder.pin, 3, true)],
    keys: [key('0019', CARD_KEYS.internalAuthentication(), 'always', [])],
    otherReferences: [],
  };
}

function makeJukiApplication(holder: Holder): ApplicationImage {
  return {
    kind: 'juki',
    aid: AID.juki,
    files: [file('0002', tlv(0x02, ascii('00000000000')), ['001C'])],
    pins: [pin('001C', holder.pin, 3, true)],
    keys: [],
    otherReferences: [],
  };
}

/** Everything but the JPKI application; a phone holds none of it. */
function makePlasticApplications(content: MyNumberCardContent): ApplicationImage[] {
  const { holder, cardFace } = content;
  const number = holder.individualNumber;
  if (number === undefined) throw new RangeError('a plastic card needs an individual number');
  const signers = content.signers ?? { text: testTextSigner(), cardFace: testCardFaceSigner() };
  const keys = content.presenceKeys ?? sharedPresenceKeys();
  return [
    makeTextApplication(holder, number, signers.text, keys.text),
    ...(cardFace === undefined
      ? []
      : [makeCardFaceApplication(holder, number, MUNICIPALITY, cardFace, signers.cardFace, keys.cardFace)]),
    makeJukiApplication(holder),
    makeCommonApplication(holder),
  ];
}

function makeIssuerData(content: MyNumberCardContent): Record<string, string> {
  if (content.variant === 'android' || content.variant === 'iphone') return {};
  const signer = content.signers?.text ?? testTextSigner();
  const serial = ascii(cardSerial(content.holder));
  return {
    '0042': toHex(tlv(0x42, ascii('SEKISHO TEST'))),
    '0045': toHex(tlv(0x45, serial)),
    '0066': toHex(tlv(0x66, ascii('TEST ONLY'))),
    '00F0': toHex(tlv(0xf0, ascii(MUNICIPALITY))),
    '00F2': toHex(tlv(0xf2, ascii(compactDate(content.holder.cardExpiry)))),
    '00F7': toHex(tlv(0xf7, Uint8Array.of(0))),
    '00F8': toHex(tlv(0xf8, Uint8Array.of(0))),
    '5F51': content.variant === 'vendor-2' ? CONTACT_ATR.plain : CONTACT_ATR.extended,
    '7F21': toHex(signer.certificate),
  };
}

/**
 * A card image; throws when the key does not fit the variant (P-384 for the next generation, RSA-2048 for the others).
 */
export function makeMyNumberCardImage(content: MyNumberCardContent): CardImage {
  const { variant } = content;
  const wanted = variant === 'next-generation' ? 'ec' : 'rsa';
  const keys = [content.authentication, ...(content.signing === undefined ? [] : [content.signing])];
  if (keys.some(({ privateKey }) => privateKey.asymmetricKeyType !== wanted)) {
    throw new RangeError(`a ${variant} card takes ${wanted} keys`);
  }
  const isPhone = variant === 'android' || variant === 'iphone';
  const link = linkOf(variant);
  return {
    format: 'sekisho-card-image-1',
    testOnly: true,
    kind: 'my-number',
    variant,
    atr: atrOf(link),
    link,
    applications: [makeJpkiApplication(content), ...(isPhone ? [] : makePlasticApplications(content))],
    issuerData: makeIssuerData(content),
    quirks: { failsFirstCommand: false, chainsResponses: false, ...content.quirks },
  };
}
