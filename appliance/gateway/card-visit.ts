/**
 * The part of a tap that needs the patient's card: prove the organisation to it, have it prove itself for this
 * tap, derive its ID. The card is the slowest part of a tap, so it never waits for what could be done meanwhile:
 * the SAM signs while the card takes our certificate and gives its own, and everything else while the card signs.
 * @see docs/organisation-profile.md
 */
import { createHash } from 'node:crypto';
import type { SamAccess } from '#broker/sam-access.ts';
import { equalBytes, toHex } from '#card/bytes.ts';
import {
  cardIdDerivationInput,
  cardIdDigest,
  cardIdFromDerivation,
  cardIdFromSignature,
} from '#card/card-id.ts';
import type { CardExchange } from '#card/exchange.ts';
import { organisationProfile as profile } from '#card/jpki/organisation-profile.ts';
import type { TokenInfo } from '#card/jpki/token-info.ts';
import { SekishoError } from '#contract/errors.ts';
import type { CardProof } from '#evidence/record.ts';
import { type TapChallengeFields, tapMessage } from '#evidence/tap-challenge.ts';
import type { CertificateFacts, Trust } from '#trust/ports.ts';
import type { AgreedConsent } from './consent.ts';
import type { StepTimer } from './steps.ts';

/** What the eligibility service checks: the message, and the card's signature over it. */
export interface TapProof {
  readonly certificate: CertificateFacts;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

export interface CardVisitParts {
  readonly exchange: CardExchange;
  readonly samAccess: SamAccess;
  readonly trust: Trust;
  readonly steps: StepTimer;
  readonly tapId: string;
  readonly agreed: AgreedConsent;
  readonly institutionCode: string;
  /** Aborted when the tap may go on no longer. */
  readonly signal: AbortSignal;
  /** The organisation key was used. */
  readonly onOrganisationSignature: () => void;
  /** The certificate is known: path and revocation are checked while the card works on. Rejects a wrong path. */
  readonly onCertificate: (certificate: CertificateFacts) => Promise<void>;
  /** The card has proven itself for this tap: the centre may be asked. */
  readonly onProof: (proof: TapProof) => void;
}

export interface CardVisit {
  readonly token: TokenInfo;
  readonly cardId: string;
  readonly alternateCardId: string | undefined;
  readonly proof: CardProof;
}

/** What the SAM answered for this tap, and everything that went into it. */
interface OrganisationProof {
  readonly fields: TapChallengeFields;
  readonly tapChallenge: Uint8Array;
  readonly signature: Uint8Array;
}

/** The organisation has authenticated itself; the card's certificate is good. */
interface OpenCard {
  readonly token: TokenInfo;
  readonly certificate: CertificateFacts;
  readonly organisation: OrganisationProof;
}

interface CardIds {
  readonly cardId: string;
  readonly alternateCardId: string | undefined;
}

const CARD_ID_DOMAIN = 'SEKISHO-CARD-ID-1';

/** Runs the card part of one tap. Rejects `card.*`, `reader.*`, `sam.*`, and what `onCertificate` rejects. */
export async function visitCard(parts: CardVisitParts): Promise<CardVisit> {
  const token = await parts.steps.run('select-application', async () => {
    await profile.select(parts.exchange);
    return profile.readTokenInfo(parts.exchange);
  });
  const card = await openCard(parts, token);
  const derived = watched(deriveCardId(parts, card));
  const tapSigned = signTap(parts, card);
  // Queued behind the tap signature, so that the card goes from one to the other without a pause.
  const idSigned = watched(signCardId(parts, card, tapSigned));
  const sealed = watched(parts.trust.sealForAudit(card.certificate.der));
  const signature = await tapSigned;
  requireGenuine(parts.trust.verifyMessage(card.certificate, signedMessage(card), signature));
  const message = tapMessage(card.organisation.fields);
  parts.onProof({ certificate: card.certificate, message, signature });
  const ids = await cardIds(parts, card, idSigned, derived);
  return { token, ...ids, proof: describeProof(card, signature, await sealed) };
}

/** The card's challenge goes to the SAM; meanwhile the card takes our certificate and gives its own. */
async function openCard(parts: CardVisitParts, token: TokenInfo): Promise<OpenCard> {
  const { exchange, samAccess, steps } = parts;
  const organisationCertificate = watched(samAccess.organisationCertificate(token.suite));
  const cardChallenge = await profile.getChallenge(exchange);
  const signing = watched(steps.run('sam-sign', () => signForCard(parts, token, cardChallenge)));
  await profile.loadCertificate(exchange, await organisationCertificate);
  // A phone gives its certificate only after authentication.
  const early = isPhone(token) ? undefined : await readCertificate(parts);
  const organisation = await signing;
  await steps.run('organisation-authentication', () =>
    profile.authenticate(exchange, organisation.signature),
  );
  const { certificate, checked } = early ?? (await readCertificate(parts));
  await checked;
  return { token, certificate, organisation };
}

/** The one use of the organisation key. Nothing may lie between the last look at `signal` and the command. */
async function signForCard(
  { samAccess, tapId, agreed, signal, onOrganisationSignature }: CardVisitParts,
  { suite }: TokenInfo,
  cardChallenge: Uint8Array,
): Promise<OrganisationProof> {
  signal.throwIfAborted();
  const sam = samAccess.require();
  const { consent, operatorId, digest } = agreed;
  const used = await sam.signForCard({ suite, cardChallenge, tapId, consent, operatorId });
  const { useCounter, ticks, tapChallenge, signature } = used;
  // Otherwise the evidence would tell of another consent than the SAM has bound.
  if (!equalBytes(used.consentDigest, digest)) throw new SekishoError('sam.failed');
  onOrganisationSignature();
  const fields = {
    samId: sam.samId,
    useCounter,
    tapId,
    consentDigest: toHex(digest),
    cardChallenge: toHex(cardChallenge),
    ticks: ticks.toString(),
    tickNonce: toHex(sam.tickNonce),
  };
  return { fields, tapChallenge, signature };
}

async function readCertificate(
  parts: CardVisitParts,
): Promise<{ certificate: CertificateFacts; checked: Promise<void> }> {
  const certificate = await parts.steps.run('read-certificate', async () =>
    parts.trust.parse(await profile.readAuthenticationCertificate(parts.exchange)),
  );
  return { certificate, checked: watched(parts.onCertificate(certificate)) };
}

/** An RSA card takes tapChallenge as the hash; a P-384 card signs the SHA-384 of it. */
function signTap(
  { exchange, steps }: CardVisitParts,
  { token, organisation: { tapChallenge } }: OpenCard,
): Promise<Uint8Array> {
  const isRsa = token.suite === 'rsa-2048-sha256';
  const digest = isRsa ? tapChallenge : createHash('sha384').update(tapChallenge).digest();
  return steps.run('card-signature-tap', () =>
    profile.signWithAuthenticationKey(exchange, token.suite, digest),
  );
}

/** The message over which the card's signature verifies, with the hash of its suite. */
function signedMessage({ token, organisation: { fields, tapChallenge } }: OpenCard): Uint8Array {
  return token.suite === 'rsa-2048-sha256' ? tapMessage(fields) : tapChallenge;
}

/** The card's deterministic signature, from which algorithm R makes the ID; a P-384 card has none. */
async function signCardId(
  { exchange, steps, institutionCode }: CardVisitParts,
  { token }: OpenCard,
  after: Promise<unknown>,
): Promise<Uint8Array | undefined> {
  if (token.suite !== 'rsa-2048-sha256') return undefined;
  await after;
  return steps.run('card-signature-id', () =>
    profile.signWithAuthenticationKey(exchange, token.suite, cardIdDigest(institutionCode)),
  );
}

/** Algorithm K, by the SAM, which has nothing else to do while the card signs. */
function deriveCardId({ samAccess, steps }: CardVisitParts, { certificate }: OpenCard): Promise<string> {
  return steps.run('card-id', async () => {
    const input = cardIdDerivationInput(certificate.issuerDer, certificate.serial);
    return cardIdFromDerivation(await samAccess.require().deriveId(input));
  });
}

/**
 * An RSA card gets both IDs, so that a clinic can move to K before the next card generation, whose signatures are
 * random, arrives.
 * @see docs/card-id.md
 */
async function cardIds(
  { trust, institutionCode }: CardVisitParts,
  { certificate }: OpenCard,
  idSigned: Promise<Uint8Array | undefined>,
  derived: Promise<string>,
): Promise<CardIds> {
  const signature = await idSigned;
  if (signature === undefined) return { cardId: await derived, alternateCardId: undefined };
  const message = Buffer.from(CARD_ID_DOMAIN + institutionCode, 'ascii');
  requireGenuine(trust.verifyMessage(certificate, message, signature));
  return { cardId: cardIdFromSignature(signature), alternateCardId: await derived };
}

function describeProof(
  { token, certificate, organisation }: OpenCard,
  signature: Uint8Array,
  sealed: Uint8Array,
): CardProof {
  return {
    profile: profile.id,
    suite: token.suite,
    ...organisation.fields,
    tapChallenge: toHex(organisation.tapChallenge),
    cardSignature: toHex(signature),
    certificateSha256: createHash('sha256').update(certificate.der).digest('hex'),
    sealedCertificate: Buffer.from(sealed).toString('base64'),
  };
}

export function isPhone({ kind }: TokenInfo): boolean {
  return kind === 'android' || kind === 'iphone';
}

/** The clone that has the right certificate without its key ends here. */
function requireGenuine(isGenuine: boolean): void {
  if (!isGenuine) throw new SekishoError('card.not-genuine');
}

/** Awaited later, if at all: until then its rejection must not count as unhandled. */
function watched<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
