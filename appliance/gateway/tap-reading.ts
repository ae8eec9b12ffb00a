/** Everything a tap does while the card is there, and what is asked of the centre meanwhile. */
import type { CardChannel } from '#card/channel.ts';
import { type ApduMeter, openExchange } from '#card/exchange.ts';
import { SekishoError } from '#contract/errors.ts';
import type { FaceCheck } from '#contract/visit.ts';
import type { Stamper } from '#evidence/ledger.ts';
import type { CertificateFacts } from '#trust/ports.ts';
import { type CardPhoto, readCardPhoto } from './card-photo.ts';
import { type CardVisit, type TapProof, visitCard } from './card-visit.ts';
import {
  checkRevocation,
  REVOCATION_ERROR,
  type RevocationResult,
  requirePath,
} from './certificate-check.ts';
import { type AskedEligibility, askEligibility } from './eligibility-check.ts';
import type { StartTapRequest } from './face.ts';
import type { GatewayParts } from './parts.ts';
import type { StepTimer } from './steps.ts';
import type { TapFindings } from './visit-draft.ts';

export type { CardPhoto } from './card-photo.ts';

export interface TapReadingParts {
  readonly gateway: GatewayParts;
  /** Stamps with the SAM when it is there. */
  readonly stamper: () => Stamper | undefined;
  readonly samUsed: () => Promise<void>;
}

const DAY_MS = 86_400_000;
const NOTHING: ApduMeter = { count: 0, bytesOut: 0, bytesIn: 0 };

function difference(after: ApduMeter, before: ApduMeter): ApduMeter {
  return {
    count: after.count - before.count,
    bytesOut: after.bytesOut - before.bytesOut,
    bytesIn: after.bytesIn - before.bytesIn,
  };
}

export class TapReading {
  faceCheck: FaceCheck | undefined;
  readonly #parts: TapReadingParts;
  readonly #tapId: string;
  readonly #request: StartTapRequest;
  readonly #steps: StepTimer;
  #signal = new AbortController().signal;
  #path: Promise<CertificateFacts> | undefined;
  #revocation: Promise<RevocationResult> | undefined;
  #eligibility: Promise<AskedEligibility> | undefined;
  #certificate: CertificateFacts | undefined;
  #visit: CardVisit | undefined;
  #photo: CardPhoto | undefined;
  #cardMeter: ApduMeter = NOTHING;
  #samMeter: ApduMeter = NOTHING;

  constructor(parts: TapReadingParts, tapId: string, request: StartTapRequest, steps: StepTimer) {
    this.#parts = parts;
    this.#tapId = tapId;
    this.#request = request;
    this.#steps = steps;
  }

  get photo(): CardPhoto | undefined {
    return this.#photo;
  }

  /** Waits for the card and reads it; the field is off when this settles. Rejects with what refuses the patient. */
  async run(consentDigest: Uint8Array, signal: AbortSignal, found: () => Promise<void>): Promise<void> {
    this.#signal = signal;
    const { gateway } = this.#parts;
    const channel = await this.#steps.run('find-card', () => this.#findCard(signal));
    const stop = (): void => void channel.close();
    signal.addEventListener('abort', stop, { once: true });
    try {
      signal.throwIfAborted();
      await found();
      await this.#withinTime(this.#read(channel, consentDigest));
    } finally {
      signal.removeEventListener('abort', stop);
      await channel.close();
      this.#request.verificationNumberB?.fill(0);
    }
    const revocation = await this.#revocation;
    if (revocation?.status === 'revoked') throw new SekishoError(REVOCATION_ERROR[revocation.reason]);
    gateway.logger.info('tap.read', { tapId: this.#tapId, apdus: this.#cardMeter.count });
  }

  async #findCard(signal: AbortSignal): Promise<CardChannel> {
    const { gateway } = this.#parts;
    const patience = new AbortController();
    gateway.clock.sleep(gateway.limits.cardWaitMs, patience.signal).then(
      () => patience.abort(new SekishoError('card.not-found')),
      () => undefined,
    );
    try {
      return await gateway.reader.waitForCard(AbortSignal.any([signal, patience.signal]));
    } finally {
      patience.abort();
    }
  }

  async #read(channel: CardChannel, consentDigest: Uint8Array): Promise<void> {
    const { gateway } = this.#parts;
    const { samHolder } = gateway;
    const exchange = openExchange(channel, { timeoutMs: gateway.limits.cardAnswerMs });
    const sam = samHolder.require();
    const samBefore = { ...sam.meter };
    try {
      this.#visit = await visitCard({
        exchange,
        samHolder,
        trust: gateway.trust,
        steps: this.#steps,
        tapId: this.#tapId,
        consentDigest,
        institutionCode: samHolder.institutionCode,
        onCertificate: (certificate) => this.#checkCertificate(certificate),
        onProof: (proof) => this.#askEligibility(proof),
      });
      // Expired or foreign certificates end the tap here, before anybody is shown a face.
      await this.#path;
      this.#requireBelowLimit(this.#visit.cardId);
      await this.#readPhoto(exchange);
    } finally {
      this.#cardMeter = exchange.meter;
      this.#samMeter = difference(sam.meter, samBefore);
      await this.#parts.samUsed();
    }
  }

  /** A card that answers slowly but for ever must give the counter back. */
  async #withinTime(reading: Promise<void>): Promise<void> {
    const { clock, limits } = this.#parts.gateway;
    const finished = new AbortController();
    const expiry = clock.sleep(limits.tapTimeoutMs, finished.signal).then(
      () => {
        throw new SekishoError('tap.expired');
      },
      () => undefined,
    );
    try {
      await Promise.race([reading, expiry.then(() => reading)]);
    } finally {
      finished.abort();
      reading.catch(() => undefined);
    }
  }

  /** Source document 003: the same person may be read only so often by one terminal. */
  #requireBelowLimit(cardId: string): void {
    const { clock, limits, queries } = this.#parts.gateway;
    const today = queries.visitsOfCardSince(cardId, clock.nowMs() - DAY_MS);
    if (today >= limits.tapsPerCardPerDay) throw new SekishoError('tap.limit-reached');
  }

  #checkCertificate(certificate: CertificateFacts): void {
    const { gateway } = this.#parts;
    this.#certificate = certificate;
    this.#path = this.#steps.run('verify-certificate', () =>
      requirePath(gateway.trust, certificate, 'jpki-authentication', gateway.clock.nowMs(), 'patient'),
    );
    this.#path.catch(() => undefined);
    this.#revocation = this.#path.then((issuer) =>
      this.#steps.run('revocation', () =>
        checkRevocation(gateway.centre.revocation, certificate, issuer, this.#signal),
      ),
    );
    this.#revocation.catch(() => undefined);
  }

  /** Starts as soon as the card has proven itself; the answer is shown only after the face check. */
  #askEligibility(proof: TapProof): void {
    const { gateway } = this.#parts;
    const { institutionCode } = gateway.samHolder;
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

  async #readPhoto(exchange: Parameters<typeof readCardPhoto>[0]): Promise<void> {
    const numberB = this.#request.verificationNumberB;
    if (numberB === undefined) {
      this.#steps.skip('photo');
      return;
    }
    this.#photo = await this.#steps.run('photo', () => readCardPhoto(exchange, numberB));
  }

  /** All that was found, with the centre's answers. Never rejects: what failed is simply missing. */
  async findings(operatorId: string, consentDigest: Uint8Array | undefined): Promise<TapFindings> {
    const { gateway } = this.#parts;
    const { institutionCode } = gateway.samHolder;
    const health = gateway.centre.health();
    const cardId = this.#visit?.cardId;
    return {
      visitId: this.#tapId,
      operatorId,
      institutionCode,
      consentDigest,
      certificate: this.#certificate,
      cardId,
      alternateCardId: this.#visit?.alternateCardId,
      proof: this.#visit?.proof,
      revocation: await this.#revocation?.catch(() => undefined),
      eligibility: await this.#eligibility,
      lastKnown: cardId === undefined ? undefined : gateway.queries.lastEligibility(cardId),
      faceCheck: this.faceCheck,
      patient: cardId === undefined ? undefined : gateway.queries.patientByCard(cardId),
      steps: this.#steps.finished(),
      apdu: { card: { ...this.#cardMeter }, sam: { ...this.#samMeter } },
      otherServicesUp: [health.serviceProvider, health.history],
    };
  }

  /** Drops the pictures; the screen has had them. */
  forget(): void {
    this.#photo = undefined;
  }
}
