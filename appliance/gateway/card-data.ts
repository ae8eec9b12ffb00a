/**
 * What the card itself says of its holder, read after it has proven its identity and while the centre is being asked:
 * the face for the clerk's comparison, and the four attributes when the patient is new here.
 */
import type { CardExchange } from '#card/exchange.ts';
import { type ErrorCode, SekishoError, toSekishoError } from '#contract/errors.ts';
import type { CardAttributes } from '#contract/visit.ts';
import { presenceChallenge } from '#evidence/presence-challenge.ts';
import type { PresenceProof } from '#evidence/record.ts';
import { type AttributesSecret, type PresentAttributes, readCardAttributes } from './card-attributes.ts';
import { type CardPhoto, type PresentFace, readCardFace, showCardFace } from './card-photo.ts';
import { type CardVisit, isPhone } from './card-visit.ts';
import type { StartTapRequest } from './face.ts';
import type { CardHolder } from './holder-check.ts';
import type { GatewayParts } from './parts.ts';
import { describePresence } from './presence-proof.ts';
import type { StepTimer } from './steps.ts';

export interface CardDataParts {
  readonly gateway: Pick<
    GatewayParts,
    'cardFaceRoot' | 'cardTextRoot' | 'showsCardPhoto' | 'queries' | 'logger'
  >;
  readonly exchange: CardExchange;
  readonly steps: StepTimer;
  readonly visit: CardVisit;
  readonly request: Pick<StartTapRequest, 'verificationNumberB' | 'attributesPin'>;
  /** Aborted when the tap may go on no longer. */
  readonly signal: AbortSignal;
}

export interface CardData {
  readonly face: PresentFace | undefined;
  readonly attributes: PresentAttributes | undefined;
  /** Why there are no attributes, although they were asked for. */
  readonly attributesMissing: ErrorCode | undefined;
}

/** The same, for screen and evidence. */
export interface ShownCardData {
  readonly photo: CardPhoto | undefined;
  readonly faceProof: PresenceProof | undefined;
  readonly attributes: CardAttributes | undefined;
  readonly attributesProof: PresenceProof | undefined;
  readonly attributesMissing: ErrorCode | undefined;
  /** As the issuer signed it on the card; undefined when nothing was read. */
  readonly holder: CardHolder | undefined;
}

/** Reads what was asked for. A photo that cannot be read ends the tap; missing attributes do not, forged ones do. */
export async function readCardData(parts: CardDataParts): Promise<CardData> {
  const face = await readFaceIfAsked(parts);
  const { attributes, attributesMissing } = await readAttributesIfNew(parts);
  requireOneHolder(face?.face, attributes?.attributes);
  return { face, attributes, attributesMissing };
}

async function readFaceIfAsked(parts: CardDataParts): Promise<PresentFace | undefined> {
  const { gateway, exchange, steps, visit, request } = parts;
  const { verificationNumberB } = request;
  if (!gateway.showsCardPhoto || verificationNumberB === undefined || isPhone(visit.token)) {
    steps.skip('photo');
    return undefined;
  }
  const challenge = presenceChallenge('face', visit.proof);
  // Reading attributes needs it once more; the tap's own copy is overwritten at its end.
  const digits = verificationNumberB.slice();
  return steps.run('photo', () => readCardFace(exchange, digits, gateway.cardFaceRoot, challenge));
}

async function readAttributesIfNew({
  gateway,
  exchange,
  steps,
  visit,
  request,
  signal,
}: CardDataParts): Promise<Pick<CardData, 'attributes' | 'attributesMissing'>> {
  const nothing = { attributes: undefined, attributesMissing: undefined };
  const { cardTextRoot } = gateway;
  const secret = attributesSecret(request);
  const isKnown = gateway.queries.patientByCard(visit.cardId)?.patientNumber !== undefined;
  if (secret === undefined || cardTextRoot === undefined || isKnown || isPhone(visit.token)) return nothing;
  const challenge = presenceChallenge('text', visit.proof);
  try {
    const attributes = await steps.run('attributes', () =>
      readCardAttributes(exchange, secret, cardTextRoot, challenge),
    );
    return { attributes, attributesMissing: undefined };
  } catch (thrown) {
    const error = toSekishoError(thrown);
    if (signal.aborted || error.code === 'card.not-genuine') throw error;
    gateway.logger.info('tap.no-attributes', { code: error.code });
    return { attributes: undefined, attributesMissing: error.code };
  }
}

/** The PIN is preferred: it was typed for this, and what it opens cannot be listened to. */
function attributesSecret({
  verificationNumberB,
  attributesPin,
}: CardDataParts['request']): AttributesSecret | undefined {
  if (attributesPin !== undefined) return { kind: 'pin', digits: attributesPin };
  return verificationNumberB && { kind: 'number-b', digits: verificationNumberB };
}

/** Two applications of one card tell of one person. */
function requireOneHolder(face: CardHolder | undefined, attributes: CardHolder | undefined): void {
  if (face === undefined || attributes === undefined) return;
  if (face.birthDate === attributes.birthDate && face.sex === attributes.sex) return;
  throw new SekishoError('card.not-genuine', { context: { what: 'two holders' } });
}

/** Takes the processor for some milliseconds: call it when the card has been let go. */
export async function showCardData(
  { trust }: Pick<GatewayParts, 'trust'>,
  { face, attributes, attributesMissing }: CardData,
): Promise<ShownCardData> {
  const holder = face?.face ?? attributes?.attributes;
  return {
    photo: face && (await showCardFace(face.face)),
    faceProof: face && (await describePresence(trust, face.face.publicKey, face.signature)),
    attributes: attributes?.attributes,
    attributesProof:
      attributes && (await describePresence(trust, attributes.publicKey, attributes.signature)),
    attributesMissing,
    holder: holder && { birthDate: holder.birthDate, sex: holder.sex },
  };
}
