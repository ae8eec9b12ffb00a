/**
 * The part of a tap that needs the patient's card: prove the organisation to it, have it prove itself for this
 * tap, derive its ID. The SAM signs while the card hands over its certificate; callers are told early, so that
 * the centre is asked while the card still works.
 * @see docs/organisation-profile.md
 */
import { createHash } from 'node:crypto';
import { cardIdFromDerivation, cardIdFromSignature } from '#card/card-id.ts';
import type { CardExchange } from '#card/exchange.ts';
import { organisationProfile as profile } from '#card/jpki/organisation-profile.ts';
import type { TokenInfo } from '#card/jpki/token-info.ts';
import { SekishoError } from '#contract/errors.ts';
import type { CardProof } from '#evidence/record.ts';
import { tapMessage } from '#evidence/tap-challenge.ts';
import type { OrganisationSignature } from '#sam/sam.ts';
import type { CertificateFacts, Trust } from '#trust/ports.ts';
import type { SamHolder } from './sam-holder.ts';
import type { StepTimer } from './steps.ts';

/** What the eligibility service checks: the message, and the card's signature over it. */
export interface TapProof {
  readonly certificate: CertificateFacts;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

export interface CardVisitParts {
  readonly exchange: CardExchange;
  readonly samHolder: SamHolder;
  readonly trust: Trust;
  readonly steps: StepTimer;
  readonly tapId: string;
  readonly consentDigest: Uint8Array;
  readonly institutionCode: string;
  /** The certificate is known: path and revocation can be checked while the card works on. */
  readonly onCertificate: (certificate: CertificateFacts) => void;
  /** The card has proven itself for this tap: the centre may be asked. */
  readonly onProof: (proof: TapProof) => void;
}

export interface CardVisit {
  readonly certificate: CertificateFacts;
  readonly cardId: string;
  readonly alternateCardId: string | undefined;
  readonly proof: CardProof;
}

const CARD_ID_DOMAIN = 'SEKISHO-CARD-ID-1';

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Runs the card part of one tap. Rejects `card.*`, `reader.*`, `sam.*`. */
export async function visitCard(parts: CardVisitParts): Promise<CardVisit> {
  const { exchange, steps } = parts;
  const token = await steps.run('select-application', async () => {
    await profile.select(exchange);
    return profile.readTokenInfo(exchange);
  });
  const { organisation, cardChallenge, early } = await authenticateOrganisation(parts, token);
  const certificate = early ?? (await readCertificate(parts));
  parts.onCertificate(certificate);
  const proof = await proveCard(parts, token, certificate, organisation, cardChallenge);
  const ids = await deriveCardIds(parts, token, certificate);
  return { certificate, proof, ...ids };
}

/** The card's challenge goes to the SAM; meanwhile the card takes our certificate and gives its own. */
async function authenticateOrganisation(
  parts: CardVisitParts,
  token: TokenInfo,
): Promise<{
  organisation: OrganisationSignature;
  cardChallenge: Uint8Array;
  early: CertificateFacts | undefined;
}> {
  const { exchange, samHolder, steps } = parts;
  const organisationCertificate = await samHolder.organisationCertificate(token.suite);
  const cardChallenge = await profile.getChallenge(exchange);
  const signing = steps.run('sam-sign', () =>
    samHolder.require().signForCard({
      suite: token.suite,
      cardChallenge,
      tapId: new Uint8Array(Buffer.from(parts.tapId.replaceAll('-', ''), 'hex')),
      consentDigest: parts.consentDigest,
    }),
  );
  // A card that leaves while the SAM signs must not leave this rejection without a listener.
  signing.catch(() => undefined);
  await profile.loadCertificate(exchange, organisationCertificate);
  // A phone gives its certificate only after authentication.
  const early = token.kind === 'plastic' || token.kind === 'next' ? await readCertificate(parts) : undefined;
  const organisation = await signing;
  await steps.run('organisation-authentication', () =>
    profile.authenticate(exchange, organisation.signature),
  );
  return { organisation, cardChallenge, early };
}

function readCertificate(parts: CardVisitParts): Promise<CertificateFacts> {
  return parts.steps.run('read-certificate', async () =>
    parts.trust.parse(await profile.readAuthenticationCertificate(parts.exchange)),
  );
}

/** The card signs the tap challenge: the right certificate without the key (a clone) ends here. */
async function proveCard(
  parts: CardVisitParts,
  token: TokenInfo,
  certificate: CertificateFacts,
  organisation: OrganisationSignature,
  cardChallenge: Uint8Array,
): Promise<CardProof> {
  const sam = parts.samHolder.require();
  const fields = {
    samId: sam.samId,
    useCounter: organisation.useCounter,
    tapId: parts.tapId,
    consentDigest: hex(parts.consentDigest),
    cardChallenge: hex(cardChallenge),
    ticks: organisation.ticks.toString(),
    tickNonce: hex(sam.tickNonce),
  };
  const rsa = token.suite === 'rsa-2048-sha256';
  const message = rsa ? tapMessage(fields) : organisation.tapChallenge;
  const digest = rsa ? organisation.tapChallenge : createHash('sha384').update(message).digest();
  const signature = await parts.steps.run('card-signature-tap', () =>
    profile.signWithAuthenticationKey(parts.exchange, token.suite, digest),
  );
  requireGenuine(parts.trust.verifyMessage(certificate, message, signature));
  parts.onProof({ certificate, message, signature });
  return {
    profile: profile.id,
    suite: token.suite,
    ...fields,
    tapChallenge: hex(organisation.tapChallenge),
    cardSignature: hex(signature),
    certificateSha256: createHash('sha256').update(certificate.der).digest('hex'),
    sealedCertificate: Buffer.from(await parts.trust.sealForAudit(certificate.der)).toString('base64'),
  };
}

/**
 * R1 from the card's deterministic RSA signature, K1 from the SAM; an RSA card gets both, so that a clinic can
 * move to K1 before the next card generation, whose signatures are random, arrives.
 * @see docs/card-id.md
 */
async function deriveCardIds(
  parts: CardVisitParts,
  token: TokenInfo,
  certificate: CertificateFacts,
): Promise<{ cardId: string; alternateCardId: string | undefined }> {
  const derivationInput = createHash('sha256')
    .update(certificate.issuerDer)
    .update(certificate.serial)
    .digest();
  const deriving = parts.steps.run('card-id', async () =>
    cardIdFromDerivation(await parts.samHolder.require().deriveId(derivationInput)),
  );
  if (token.suite !== 'rsa-2048-sha256') return { cardId: await deriving, alternateCardId: undefined };
  deriving.catch(() => undefined);
  const message = Buffer.from(CARD_ID_DOMAIN + parts.institutionCode, 'ascii');
  const digest = createHash('sha256').update(message).digest();
  const signature = await parts.steps.run('card-signature-id', () =>
    profile.signWithAuthenticationKey(parts.exchange, token.suite, digest),
  );
  requireGenuine(parts.trust.verifyMessage(certificate, message, signature));
  return { cardId: cardIdFromSignature(signature), alternateCardId: await deriving };
}

function requireGenuine(genuine: boolean): void {
  if (!genuine) throw new SekishoError('card.not-genuine');
}
