/** What each card family shows before any command: ATR, and the answer to the activation in the field. */
import { concat, fromHex, toHex } from '../bytes.ts';
import type { CardVariant, LinkImage } from './image.ts';

const TYPE_B_LINKS = {
  /** @see pcsc-tools smartcard_list.txt: My Number card, two vendors; HPKI: hpki apdu.h */
  'vendor-1': { type: 'B', applicationData: '000041E0', protocolInfo: 'B381A1' },
  'vendor-2': { type: 'B', applicationData: '000005E0', protocolInfo: 'B381A1' },
  hpki: { type: 'B', applicationData: '004E0000', protocolInfo: 'F781D1' },
  /** Not issued yet: we assume the first vendor's link parameters. */
  'next-generation': { type: 'B', applicationData: '000041E0', protocolInfo: 'B381A1' },
} as const;

/** A phone's secure element; whether phones answer as type A or B is not published, so the other type is shown. */
const PHONE_LINK = { type: 'A', atqa: '0004', sak: '20', ats: '0578807002' } as const;

export function linkOf(variant: CardVariant): LinkImage {
  return variant === 'android' || variant === 'iphone' ? PHONE_LINK : TYPE_B_LINKS[variant];
}

/** ATR that a PC/SC reader makes of the link parameters. @see PC/SC part 3 §3.1.3.2.3 */
export function atrOf(link: LinkImage): string {
  const historical =
    link.type === 'B'
      ? concat(fromHex(link.applicationData), fromHex(link.protocolInfo), Uint8Array.of(0))
      : fromHex(link.ats).slice(5);
  const body = concat(Uint8Array.of(0x80 | historical.length, 0x80, 0x01), historical);
  const check = body.reduce((xor, byte) => xor ^ byte, 0);
  return toHex(concat(Uint8Array.of(0x3b), body, Uint8Array.of(check)));
}

/** ATQB of 12 bytes; a Japanese card draws a new PUPI for each activation. @see ISO 14443-3 §7.9 */
export function atqbOf(link: LinkImage, pupi: Uint8Array): Uint8Array | undefined {
  if (link.type !== 'B') return undefined;
  return concat(Uint8Array.of(0x50), pupi, fromHex(link.applicationData), fromHex(link.protocolInfo));
}
