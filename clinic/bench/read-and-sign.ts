/** The two results that are compared with OpenSC's: the authentication certificate and one signature with its key. */

import type { CardReader } from '#card/channel.ts';
import { openExchange } from '#card/exchange.ts';
import { openJpki } from '#card/jpki/application.ts';
import { readJpkiCertificate } from '#card/jpki/certificates.ts';
import { verifyJpkiPin } from '#card/jpki/pin.ts';
import { signJpkiDigest } from '#card/jpki/signature.ts';

export interface CertificateAndSignature {
  readonly certificate: Uint8Array;
  readonly signature: Uint8Array;
}

/** From asking the reader for its card to giving the card back. */
export async function readAndSign(
  reader: CardReader,
  pin: string,
  digest: Uint8Array,
): Promise<CertificateAndSignature> {
  const channel = await reader.waitForCard(AbortSignal.timeout(10_000));
  try {
    const exchange = openExchange(channel);
    await openJpki(exchange);
    const certificate = await readJpkiCertificate(exchange, 'authentication');
    await verifyJpkiPin(exchange, 'authentication', new Uint8Array(Buffer.from(pin, 'ascii')));
    const signature = await signJpkiDigest(exchange, 'authentication', 'rsa-2048-sha256', digest);
    return { certificate, signature };
  } finally {
    await channel.close();
  }
}
