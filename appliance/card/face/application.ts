/** The card-face application (券面事項確認AP). @see docs/protocol-facts.md 1.6 */
import { fromHex } from '../bytes.ts';
import { readObjectFile } from '../commands/read-binary.ts';
import { selectApplication } from '../commands/select-file.ts';
import { type CvCertificate, parseCvCertificate } from '../cv-certificate.ts';
import type { CardExchange } from '../exchange.ts';
import { presentPin } from '../pin.ts';
import { VERIFICATION_NUMBER_B } from '../verification-number.ts';
import { type Face, parseFace } from './face.ts';

const AID = fromHex('D3921000310001010402');
const FILE_FACE = 0x02;
const FILE_CERTIFICATE = 0x04;
const NUMBER_B_REFERENCE = 0x80 | 0x12;

export async function openFace(exchange: CardExchange): Promise<void> {
  await selectApplication(exchange, AID, { answer: 'none', absent: 'card.not-my-number-card' });
}

/** Presents 照合番号B (14 ASCII digits, overwritten in every case). Rejects with `patient.security-code-*`. */
export function verifyFaceNumberB(exchange: CardExchange, digits: Uint8Array): Promise<void> {
  return presentPin(exchange, { ...VERIFICATION_NUMBER_B, reference: NUMBER_B_REFERENCE }, digits);
}

export async function readFace(exchange: CardExchange): Promise<Face> {
  return parseFace(await readObjectFile(exchange, { shortId: FILE_FACE }));
}

/** The certificate of the key that signs the face; free to read. */
export async function readFaceCertificate(exchange: CardExchange): Promise<CvCertificate> {
  return parseCvCertificate(await readObjectFile(exchange, { shortId: FILE_CERTIFICATE }));
}
