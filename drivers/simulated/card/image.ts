/**
 * A card as data: files, keys, PINs and their counters. Everything a simulated card knows stands here,
 * so a card can be printed, edited and stored as JSON; code exists for behaviour only.
 * Bytes of files and keys are base64, everything short is hex.
 */

export type MyNumberVariant = 'vendor-1' | 'vendor-2' | 'android' | 'iphone' | 'next-generation';
export type CardVariant = MyNumberVariant | 'hpki';

/** A verified PIN, named by its file, or a terminal that proved to be an accepted organisation. */
export type Right = string | 'organisation';
/** Who may: anybody, nobody, or whoever holds one of the rights. */
export type Access = 'always' | 'never' | readonly Right[];

export interface FileImage {
  readonly id: string;
  readonly content: string;
  readonly read: Access;
}

export interface PinImage {
  readonly id: string;
  /** P2 that names it directly. */
  readonly reference: number;
  /** undefined: blocked as issued. */
  value?: string | undefined;
  triesLeft: number;
  readonly triesMax: number;
  readonly isChangeable: boolean;
}

export interface KeyImage {
  readonly id: string;
  /** P2 that names it directly. */
  readonly reference: number;
  readonly pkcs8: string;
  readonly use: Access;
  /** P1 values of COMPUTE DIGITAL SIGNATURE that it takes; `signature.ts` has the table. */
  readonly modes: readonly number[];
}

export interface RootKeyImage {
  readonly suite: '01' | '02';
  readonly keyId: string;
  readonly publicKey: string;
}

export interface ApplicationImage {
  readonly kind: 'jpki' | 'text' | 'card-face' | 'common' | 'juki' | 'hpki';
  readonly aid: string;
  readonly files: readonly FileImage[];
  readonly pins: PinImage[];
  readonly keys: readonly KeyImage[];
  /** Key references that can be selected but are neither file, PIN nor signing key. */
  readonly otherReferences: readonly string[];
  /** JPKI: roots that organisation certificates are checked with (EF 0016). */
  readonly organisationRoots?: readonly RootKeyImage[];
}

/** How the card presents itself in the field. */
export type LinkImage =
  | { readonly type: 'B'; readonly applicationData: string; readonly protocolInfo: string }
  | { readonly type: 'A'; readonly atqa: string; readonly sak: string; readonly ats: string };

export interface CardImage {
  readonly format: 'sekisho-card-image-1';
  readonly testOnly: true;
  readonly kind: 'my-number' | 'hpki';
  readonly variant: CardVariant;
  /** What a PC/SC reader shows. */
  readonly atr: string;
  readonly link: LinkImage;
  readonly applications: readonly ApplicationImage[];
  /** GET DATA objects of the issuer security domain, by tag. */
  readonly issuerData: Readonly<Record<string, string>>;
  readonly quirks: {
    /** The first command after power-up is answered 6F00. */
    readonly failsFirstCommand: boolean;
    /** Long answers come as 61xx and GET RESPONSE. */
    readonly chainsResponses: boolean;
  };
}

export const AID = {
  jpki: 'D392F000260100000001',
  text: 'D3921000310001010408',
  cardFace: 'D3921000310001010402',
  juki: 'D3921000310001010401',
  common: 'D3921000310001010100',
  hpkiSign: 'E828BD080FA000000391000000000001',
  hpkiAuthentication: 'E828BD080FA000000391000000000002',
  issuerDomain: 'A0000001510000',
} as const;
