/**
 * Profile `sekisho-ref-1`, the replaceable file: what is publicly seen on real cards, the rest our own model.
 * @see docs/organisation-profile.md "Session"
 */
import { externalAuthenticate } from '../commands/external-authenticate.ts';
import { getChallenge } from '../commands/get-challenge.ts';
import { splitCvCertificate } from '../cv-certificate.ts';
import type { CardExchange } from '../exchange.ts';
import { INS } from '../instruction.ts';
import { requireOk, type StatusTable, SW } from '../status-word.ts';
import { openJpki } from './application.ts';
import { readJpkiCertificate } from './certificates.ts';
import type { OrganisationProfile } from './organisation-authentication.ts';
import { signJpkiDigest } from './signature.ts';
import { readTokenInfo } from './token-info.ts';

const P1_FIRST_HALF = 0x06;
const P1_SECOND_HALF = 0x00;
const P2_TERMINAL_CERTIFICATE = 0xc1;
const CHALLENGE_BYTES = 16;

/** The card knows the steps and says no to us, or does not know the steps at all. */
const STATUSES: StatusTable = {
  [SW.authenticationFailed]: 'card.organisation-rejected',
  [SW.securityStatus]: 'card.organisation-rejected',
  [SW.conditionsOfUse]: 'card.organisation-rejected',
  [SW.smObjectsWrong]: 'card.organisation-rejected',
  [SW.dataWrong]: 'card.organisation-rejected',
  [SW.referenceNotFound]: 'card.organisation-rejected',
  [SW.parametersWrong]: 'card.unsupported-algorithm',
  [SW.instructionUnsupported]: 'card.unsupported-algorithm',
  [SW.classUnsupported]: 'card.unsupported-algorithm',
};

export const organisationProfile: OrganisationProfile = {
  id: 'sekisho-ref-1',
  select: openJpki,
  readTokenInfo,
  loadCertificate: async (exchange, certificate) => {
    const { first, second } = splitCvCertificate(certificate);
    await loadHalf(exchange, P1_FIRST_HALF, first);
    await loadHalf(exchange, P1_SECOND_HALF, second);
  },
  getChallenge: (exchange) => getChallenge(exchange, CHALLENGE_BYTES, STATUSES),
  authenticate: (exchange, signature) => externalAuthenticate(exchange, signature, STATUSES),
  readAuthenticationCertificate: (exchange) => readJpkiCertificate(exchange, 'authentication'),
  signWithAuthenticationKey: (exchange, suite, digest) =>
    signJpkiDigest(exchange, 'authentication', suite, digest),
};

/** `80 A2`, seen on real cards with extended Lc; 568 bytes fall into 307 + 261. @see docs/protocol-facts.md 2.1 */
async function loadHalf(exchange: CardExchange, p1: number, half: Uint8Array): Promise<void> {
  const header = { cla: 0x80, ins: INS.loadCertificate, p1, p2: P2_TERMINAL_CERTIFICATE };
  requireOk(await exchange.send({ ...header, data: half, extended: true }), STATUSES);
}
