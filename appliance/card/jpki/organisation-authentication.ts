/**
 * PIN-less authentication of an organisation to the card (特定機関認証), as steps. The official commands are not
 * public: whoever has them writes one more object of this type, and no flow changes.
 */
import type { CardExchange } from '../exchange.ts';
import type { Suite } from '../suite.ts';
import type { TokenInfo } from './token-info.ts';

export interface OrganisationProfile {
  /** Goes into every evidence record; must equal the profile id in the SAM (DF23). */
  readonly id: string;
  /** Makes the application the current one. First step. */
  select(exchange: CardExchange): Promise<void>;
  /** Tells the suite, which tells the SAM which key and certificate to use. */
  readTokenInfo(exchange: CardExchange): Promise<TokenInfo>;
  /** Gives the organisation's CV certificate (7F21) to the card. Independent of the challenge. */
  loadCertificate(exchange: CardExchange, certificate: Uint8Array): Promise<void>;
  /** A single-use challenge for the SAM to sign. */
  getChallenge(exchange: CardExchange): Promise<Uint8Array>;
  /** Proves the organisation with the SAM's signature over the challenge. */
  authenticate(exchange: CardExchange, signature: Uint8Array): Promise<void>;
  /** DER. Before `authenticate` this works on the plastic card only. */
  readAuthenticationCertificate(exchange: CardExchange): Promise<Uint8Array>;
  /** Signs `digest` (32 or 48 bytes by suite) with the patient's authentication key, after `authenticate`. */
  signWithAuthenticationKey(exchange: CardExchange, suite: Suite, digest: Uint8Array): Promise<Uint8Array>;
}
