/** Everything a tap does while the card is there, and what is asked of the centre meanwhile. */
import type { CardChannel } from '#card/channel.ts';
import { type ApduMeter, openExchange } from '#card/exchange.ts';
import { SekishoError, toSekishoError } from '#contract/errors.ts';
import type { FaceCheck, TapResult } from '#contract/visit.ts';
import { within } from '#ports/clock.ts';
import type { CertificateFacts } from '#trust/ports.ts';
import { type CardData, readCardData, type ShownCardData, showCardData } from './card-data.ts';
import type { CardPhoto } from './card-photo.ts';
import { type CardVisit, type TapProof, visitCard } from './card-visit.ts';
import {
  checkRevocation,
  REVOCATION_ERROR,
  type RevocationResult,
  requirePath,
} from './certificate-check.ts';
import type { AgreedConsent } from './consent.ts';
import { type AskedEligibility, askEligibility } from './eligibility-check.ts';
import type { StartTapRequest } from './face.ts';
import type { GatewayParts } from './parts.ts';
import { type PersonLimit, personOf } from './person-limit.ts';
import type { ReaderSeat } from './reader-seat.ts';
import type { SamKeeper } from './sam-keeper.ts';
import type { StepTimer } from './steps.ts';
import type { TapFindings } from './visit-draft.ts';

export type { CardPhoto } from './card-photo.ts';

export interface TapReadingParts {
  readonly gateway: GatewayParts;
  readonly seat: ReaderSeat;
  readonly personLimit: PersonLimit;
  /** Is told what the tap learns of the SAM. */
  readonly sam: Pick<SamKeeper, 'noteUse' | 'noteRefusal'>;
}

const NOTHING: ApduMeter = { count: 0, bytesOut: 0, bytesIn: 0 };

function difference(after: ApduMeter, before: ApduMeter): ApduMeter {
  return {
    count: after.count - before.count,
    bytesOut: after.bytesOut - before.bytesOut,
    bytesIn: after.bytesIn - before.bytesIn,
  };
}

export class TapReading {
  readonly #parts: TapReadingParts;
  readonly #tapId: string;
  readonly #request: StartTapRequest;
  readonly #steps: StepTimer;
  #signal = new AbortController().signal;
  #revocation: Promise<RevocationResult> | undefined;
  #eligibility: Promise<AskedEligibility> | undefined;
  #certificate: CertificateFacts | undefined;
  #hasUsedKey = false;
  #isCounted = false;
  #visit: CardVisit | undefined;
  #cardData: ShownCardData | undefined;
  #cardMeter: ApduMeter = NOTHING;
  #samMeter: ApduMeter = NOTHING;

  constructor(parts: TapReadingParts, tapId: string, request: StartTapRequest, steps: StepTimer) {
    this.#parts = parts;
    this.#tapId = tapId;
    this.#request = request;
    this.#steps = steps;
  }

  get photo(): CardPhoto | undefined {
    return this.#cardData?.photo;
  }

  /** For the clerk who finishes the tap, and gone when it is over. */
  get attributes(): Pick<TapResult, 'cardAttributes' | 'cardAttributesMissing'> {
    const { attributes, attributesMissing } = this.#cardData ?? {};
    return {
      ...(attributes === undefined ? {} : { cardAttributes: attributes }),
      ...(attributesMissing === undefined ? {} : { cardAttributesMissing: attributesMissing }),
    };
  }

  /** Waits for the card and reads it; the field is off when this settles. Rejects with what refuses the patient. */
  async run(agreed: AgreedConsent, signal: AbortSignal, found: () => Promise<void>): Promise<void> {
    this.#signal = signal;
    const { gateway, seat } = this.#parts;
    const channel = await this.#steps.run('find-card', () => seat.waitForCard(signal));
    const stop = (): void => void this.#letGo(channel);
    signal.addEventListener('abort', stop, { once: true });
    let data: CardData;
    try {
      signal.throwIfAborted();
      await found();
      data = await this.#withinTime(this.#read(channel, agreed));
    } catch (thrown) {
      this.#parts.sam.noteRefusal(thrown);
      throw thrown;
    } finally {
      signal.removeEventListener('abort', stop);
      await this.#letGo(channel);
    }
    gateway.logger.info('tap.read', { tapId: this.#tapId, apdus: this.#cardMeter.count });
    this.#cardData = await showCardData(gateway, data);
    const revocation = await this.#revocation;
    if (revocation?.status === 'revoked') throw new SekishoError(REVOCATION_ERROR[revocation.reason]);
  }

  /** Field off. What a driver says about that is no reason to refuse a patient whose card has been read. */
  async #letGo(channel: CardChannel): Promise<void> {
    await channel.close().catch((thrown: unknown) => {
      this.#parts.gateway.logger.warn('reader.not-released', { error: toSekishoError(thrown) });
    });
  }

  async #read(channel: CardChannel, agreed: AgreedConsent): Promise<CardData> {
    const { gateway } = this.#parts;
    const { samAccess } = gateway;
    const exchange = openExchange(channel, { timeoutMs: gateway.limits.cardAnswerMs });
    const sam = samAccess.require();
    const samBefore = sam.meter;
    try {
      const visit = await visitCard({
        exchange,
        samAccess,
        trust: gateway.trust,
        steps: this.#steps,
        tapId: this.#tapId,
        agreed,
        institutionCode: samAccess.institutionCode,
        signal: this.#signal,
        onOrganisationSignature: () => {
          this.#parts.sam.noteUse();
          this.#hasUsedKey = true;
          this.#countUse();
        },
        onCertificate: (certificate) => this.#checkCertificate(certificate),
        onProof: (proof) => this.#askEligibility(proof),
      });
      this.#visit = visit;
      return await readCardData({
        gateway,
        exchange,
        steps: this.#steps,
        visit,
        request: this.#request,
        signal: this.#signal,
      });
    } finally {
      this.#cardMeter = exchange.meter;
      this.#samMeter = difference(sam.meter, samBefore);
    }
  }

  /** A card that answers slowly but for ever must give the counter back. */
  #withinTime<T>(reading: Promise<T>): Promise<T> {
    const { clock, limits } = this.#parts.gateway;
    return within(clock, limits.tapTimeoutMs, reading, () => {
      throw new SekishoError('tap.expired');
    });
  }

  /** Once for each tap, as soon as it is known for whom the key was used. */
  #countUse(): void {
    if (!this.#hasUsedKey || this.#certificate === undefined || this.#isCounted) return;
    this.#isCounted = true;
    this.#parts.personLimit.record(personOf(this.#certificate));
  }

  /** Rejects for a person who was here too often, an expired or a foreign certificate; revocation is asked meanwhile. */
  async #checkCertificate(certificate: CertificateFacts): Promise<void> {
    const { trust, clock, centre } = this.#parts.gateway;
    this.#certificate = certificate;
    try {
      this.#parts.personLimit.requireBelow(personOf(certificate));
    } finally {
      this.#countUse();
    }
    const issuer = await this.#steps.run('verify-certificate', () =>
      requirePath(trust, certificate, 'jpki-authentication', clock.nowMs(), 'patient'),
    );
    this.#revocation = this.#steps.run('revocation', () =>
      checkRevocation(centre.revocation, certificate, issuer, this.#signal),
    );
  }

  /** Starts as soon as the card has proven itself; the answer is shown only after the face check. */
  #askEligibility(proof: TapProof): void {
    const { gateway } = this.#parts;
    const { institutionCode } = gateway.samAccess;
    const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64');
    this.#eligibility = this.#steps.run('eligibility', () =>
      askEligibility(
        () =>
          gateway.centre.eligibility.byCertificate(
            {
              MedicalInstitutionCode: institutionCode,
              certificate: base64(proof.certificate.der),
              proof: { message: base64(proof.message), signature: base64(proof.signature) },
              LimitApplicationCertificateRelatedConsFlg: this.#request.includeLimitInfo ? '1' : '0',
              ArbitraryIdentifier: this.#tapId,
            },
            this.#signal,
          ),
        () => gateway.clock.nowMs(),
      ),
    );
  }

  /** All that was found, with the centre's answers. Never rejects: what failed is simply missing. */
  async findings(
    operatorId: string,
    consentDigest: Uint8Array | undefined,
    faceCheck: FaceCheck | undefined,
  ): Promise<TapFindings> {
    const { gateway } = this.#parts;
    const { institutionCode } = gateway.samAccess;
    const [revocation, eligibility] = await Promise.all([this.#revocation, this.#eligibility]);
    const cardId = this.#visit?.cardId;
    // With the SAM locked nobody is known here; such a tap can only be recorded as failed.
    const knownId = gateway.vault.isOpen ? cardId : undefined;
    return {
      visitId: this.#tapId,
      operatorId,
      institutionCode,
      consentDigest,
      certificate: this.#certificate,
      cardId,
      alternateCardId: this.#visit?.alternateCardId,
      proof: this.#visit?.proof,
      cardData: this.#cardData,
      revocation,
      eligibility,
      lastKnown: knownId === undefined ? undefined : gateway.queries.lastEligibility(knownId),
      faceCheck,
      patient: knownId === undefined ? undefined : gateway.queries.patientByCard(knownId),
      steps: this.#steps.finished(),
      apdu: { card: this.#cardMeter, sam: this.#samMeter },
      health: gateway.centre.health(),
    };
  }

  /** Drops pictures and attributes, which the screen has had, and the secrets that opened them. */
  forget(): void {
    this.#cardData = undefined;
    this.#request.verificationNumberB?.fill(0);
    this.#request.attributesPin?.fill(0);
  }
}
