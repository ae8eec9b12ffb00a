/** The four certificates of the JPKI application, as DER. What comes off a card is never a trust anchor. */
import { SekishoError } from '#contract/errors.ts';
import { type ReadOptions, readObjectFile } from '../commands/read-binary.ts';
import type { CardExchange } from '../exchange.ts';
import { JPKI_FILE } from './application.ts';

export type JpkiCertificate = 'authentication' | 'authenticationCa' | 'signing' | 'signingCa';

const FILES: Readonly<Record<JpkiCertificate, number>> = {
  /** Free on the plastic card; after PIN or organisation authentication on a phone. */
  authentication: JPKI_FILE.authenticationCertificate,
  authenticationCa: JPKI_FILE.authenticationCaCertificate,
  /** After the signing password only; its subject has name and address. */
  signing: JPKI_FILE.signingCertificate,
  signingCa: JPKI_FILE.signingCaCertificate,
};

const DER_SEQUENCE = 0x30;

export async function readJpkiCertificate(
  exchange: CardExchange,
  certificate: JpkiCertificate,
  options?: ReadOptions,
): Promise<Uint8Array> {
  const der = await readObjectFile(exchange, { shortId: FILES[certificate] }, options);
  if (der[0] !== DER_SEQUENCE) throw new SekishoError('card.protocol', { context: { layer: 'certificate' } });
  return der;
}
