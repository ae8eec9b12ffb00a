/**
 * EF 0006: which token this is. A serialised PKCS#11 CK_TOKEN_INFO of 160 bytes that starts with a label.
 * @see docs/protocol-facts.md 1.4; the label of the next generation is our assumption (docs/organisation-profile.md)
 */
import { SekishoError } from '#contract/errors.ts';
import { readFixedFile } from '../commands/read-binary.ts';
import type { CardExchange } from '../exchange.ts';
import type { Suite } from '../suite.ts';
import { JPKI_FILE } from './application.ts';

export interface TokenInfo {
  readonly label: string;
  readonly kind: 'plastic' | 'android' | 'iphone' | 'next';
  readonly suite: Suite;
}

const TOKEN_INFO_BYTES = 160;
const LABEL_BYTES = 32;

const TOKENS: ReadonlyMap<string, Pick<TokenInfo, 'kind' | 'suite'>> = new Map([
  ['JPKIAPICCTOKEN2', { kind: 'plastic', suite: 'rsa-2048-sha256' }],
  ['JPKIAPGPSETOKEN', { kind: 'android', suite: 'rsa-2048-sha256' }],
  ['JPKIAPIOSTOKEN', { kind: 'iphone', suite: 'rsa-2048-sha256' }],
  ['JPKIAPICCTOKEN3', { kind: 'next', suite: 'p384-sha384' }],
]);

export async function readTokenInfo(exchange: CardExchange): Promise<TokenInfo> {
  return parseTokenInfo(await readFixedFile(exchange, { shortId: JPKI_FILE.tokenInfo }, TOKEN_INFO_BYTES));
}

export function parseTokenInfo(bytes: Uint8Array): TokenInfo {
  const label = Buffer.from(bytes.subarray(0, LABEL_BYTES)).toString('latin1').trimEnd();
  if (bytes.length !== TOKEN_INFO_BYTES || !/^[A-Z0-9]+$/.test(label)) {
    throw new SekishoError('card.protocol', { context: { layer: 'token-info' } });
  }
  const token = TOKENS.get(label);
  // An old Juki card (JPKIAPICCTOKEN) or a token that is newer than we are.
  if (!token) throw new SekishoError('card.unsupported-algorithm', { context: { layer: 'token-info' } });
  return { label, ...token };
}
