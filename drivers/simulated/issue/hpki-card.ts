/** Makes an HPKI card. @see JAHIS 24-002; docs/protocol-facts.md 3.1 */
import { atrOf, linkOf } from '../card/identity.ts';
import { AID, type ApplicationImage, type CardImage } from '../card/image.ts';
import type { Holder } from '../people.ts';
import { file, key, pin } from './files.ts';
import type { HolderKey } from './jpki-application.ts';

export interface HpkiCardContent {
  readonly holder: Holder;
  readonly authentication: HolderKey;
  readonly signing?: HolderKey | undefined;
  readonly quirks?: Partial<CardImage['quirks']> | undefined;
}

const PIN = '0002';
/** The card blocks after fifteen wrong PINs in a row and must be issued anew. */
const TRIES = 15;
/** A DigestInfo, taken as it is; other modes are not documented. */
const MODES = [0];

function makeApplication(aid: string, content: HolderKey, secret: string): ApplicationImage {
  return {
    kind: 'hpki',
    aid,
    files: [file('0016', content.certificate, 'always', 256)],
    pins: [{ ...pin(PIN, secret, TRIES), reference: 0x88 }],
    keys: [key('000C', content.privateKey, [PIN], MODES)],
    otherReferences: [],
  };
}

export function makeHpkiCardImage(content: HpkiCardContent): CardImage {
  const link = linkOf('hpki');
  const { holder, authentication, signing } = content;
  return {
    format: 'sekisho-card-image-1',
    testOnly: true,
    kind: 'hpki',
    variant: 'hpki',
    atr: atrOf(link),
    link,
    applications: [
      makeApplication(AID.hpkiAuthentication, authentication, holder.pin),
      ...(signing === undefined ? [] : [makeApplication(AID.hpkiSign, signing, holder.pin)]),
    ],
    issuerData: {},
    quirks: { failsFirstCommand: false, chainsResponses: false, ...content.quirks },
  };
}
