/** One tap, from the question to the patient to the durable visit. The rules are in `tap-machine.ts`. */
import { randomUUID } from 'node:crypto';
import { type ErrorCode, SekishoError, toSekishoError } from '#contract/errors.ts';
import type { TapProgress } from '#contract/snapshot.ts';
import type { FaceCheck, TapResult, Visit } from '#contract/visit.ts';
import type { Consent } from '#evidence/record.ts';
import { after } from '#ports/clock.ts';
import { type AgreedConsent, type ConsentText, consentText, digestConsent } from './consent.ts';
import type { Caller, StartTapRequest } from './face.ts';
import { StepTimer } from './steps.ts';
import { type TapEffect, type TapInput, type TapMachineState, tapTransition } from './tap-machine.ts';
import { type CardPhoto, TapReading, type TapReadingParts } from './tap-reading.ts';
import { makeVisitFacts } from './visit-draft.ts';
import { writeVisit } from './visit-writer.ts';

export interface TapSessionParts extends TapReadingParts {
  /** The tap changed: show it. */
  readonly changed: () => void;
  /** One of its steps began or ended. */
  readonly stepped: () => void;
  /** The tap reached its end, whichever. */
  readonly ended: () => void;
}

export class TapSession {
  readonly tapId = randomUUID();
  readonly consentText: ConsentText;
  readonly #parts: TapSessionParts;
  readonly #caller: Caller;
  readonly #steps: StepTimer;
  readonly #reading: TapReading;
  readonly #startedAtMs: number;
  /** Aborted when the tap fails: the card is let go, and nobody waits for the centre. */
  readonly #end = new AbortController();
  readonly #waiting = new Set<() => void>();
  #state: TapMachineState = { at: 'waitingForConsent' };
  #isDeciding = false;
  #agreed: AgreedConsent | undefined;
  #faceCheck: FaceCheck | undefined;
  #visit: Visit | undefined;
  #isFinished = false;
  #callOffExpiry: () => void = () => undefined;
  /** Resolves when the field is off. */
  #fieldOff: Promise<void> = Promise.resolve();

  constructor(parts: TapSessionParts, caller: Caller, request: StartTapRequest) {
    this.#parts = parts;
    this.#caller = caller;
    this.consentText = consentText(parts.gateway.clinicName);
    this.#startedAtMs = parts.gateway.clock.nowMs();
    this.#steps = new StepTimer(parts.gateway.clock, parts.stepped);
    this.#reading = new TapReading(parts, this.tapId, request, this.#steps);
    this.#expireAfter(parts.gateway.limits.consentTimeoutMs);
  }

  get over(): boolean {
    return isOver(this.#state);
  }

  get visit(): Visit | undefined {
    return this.#visit;
  }

  get photo(): CardPhoto | undefined {
    return this.#state.at === 'faceCheck' ? this.#reading.photo : undefined;
  }

  progress(): TapProgress {
    return {
      tapId: this.tapId,
      state: this.#state.at,
      startedAt: new Date(this.#startedAtMs).toISOString(),
      steps: this.#steps.list(),
      ...(this.#state.at === 'failed' ? { error: this.#state.error } : {}),
    };
  }

  /** Records the decision durably; only then is the card asked for. The first decision counts. */
  async decideConsent(decision: Consent['decision'], input: Consent['input']): Promise<void> {
    if (this.#state.at !== 'waitingForConsent' || this.#isDeciding) throw new SekishoError('tap.wrong-step');
    this.#isDeciding = true;
    try {
      this.#agreed = await this.#recordConsent(decision, input);
    } finally {
      this.#isDeciding = false;
    }
    await this.#send({ type: decision === 'ok' ? 'consentGiven' : 'consentRefused' });
  }

  /** The clerk compared the face: writes the visit and answers it when it is durable. */
  async recordFaceCheck(check: FaceCheck): Promise<TapResult> {
    if (this.#state.at !== 'faceCheck') throw new SekishoError('tap.wrong-step');
    // Evidence must not say that a photo was compared which nobody was shown.
    if (check.method === 'card-photo' && this.photo === undefined) throw new SekishoError('tap.no-photo');
    this.#faceCheck = check;
    const { attributes } = this.#reading;
    await this.#send({ type: 'faceChecked' });
    if (this.#visit === undefined) throw new SekishoError('tap.wrong-step');
    return this.#visit.outcome === 'accepted' ? { ...this.#visit, ...attributes } : this.#visit;
  }

  async cancel(): Promise<void> {
    await this.#send({ type: 'cancelled' });
  }

  /** Ends the tap because of something outside it (the SAM, the network, the operator). */
  async abort(error: ErrorCode): Promise<void> {
    if (!this.over && this.#state.at !== 'recording') await this.#send({ type: 'problem', error });
  }

  /** Resolves when the tap waits for the clerk, or is over and written down. */
  async waitForPause(signal: AbortSignal): Promise<void> {
    while (!this.#isFinished && this.#state.at !== 'faceCheck' && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.#waiting.add(wake);
        signal.addEventListener('abort', wake, { once: true });
      });
    }
  }

  async #recordConsent(decision: Consent['decision'], input: Consent['input']): Promise<AgreedConsent> {
    const consent: Consent = {
      purpose: 'insurance-eligibility',
      textVersion: this.consentText.version,
      decision,
      decidedAt: this.#now(),
      input,
    };
    const { operatorId } = this.#caller;
    await this.#parts.gateway.ledger.append({
      kind: 'consent',
      at: consent.decidedAt,
      tapId: this.tapId,
      operatorId,
      consent,
    });
    return { consent, operatorId, digest: digestConsent(this.tapId, consent) };
  }

  /** The new state counts, and the card is let go, before anything is waited for. */
  async #send(input: TapInput): Promise<void> {
    const outcome = tapTransition(this.#state, input);
    if ('refused' in outcome) throw new SekishoError(outcome.refused);
    this.#state = outcome.state;
    if (this.#state.at === 'failed') this.#end.abort(new SekishoError('tap.cancelled'));
    this.#changed();
    try {
      for (const effect of outcome.effects) await this.#run(effect);
    } finally {
      // Whatever ended it meanwhile has a visit to write before it is finished.
      if (isOver(outcome.state)) this.#finish();
    }
  }

  async #run(effect: TapEffect): Promise<void> {
    switch (effect.do) {
      case 'readCard':
        this.#callOffExpiry();
        this.#readCard();
        break;
      case 'stopReading':
        await this.#fieldOff;
        break;
      case 'recordVisit':
        this.#callOffExpiry();
        await this.#record(effect.error);
        break;
    }
  }

  #readCard(): void {
    if (this.#agreed === undefined) throw new SekishoError('tap.consent-missing');
    const reading = this.#reading.run(this.#agreed, this.#end.signal, () =>
      this.#send({ type: 'cardFound' }),
    );
    this.#fieldOff = reading.catch(() => undefined);
    reading
      .then(() => {
        if (!this.over) this.#expireAfter(this.#parts.gateway.limits.faceCheckTimeoutMs);
        return this.#send({ type: 'cardRead' });
      })
      .catch((thrown: unknown) => this.#problem(thrown));
  }

  #problem(thrown: unknown): Promise<void> {
    // Cancelled or aborted from outside: the machine has already moved on.
    if (this.over) return Promise.resolve();
    const error = toSekishoError(thrown);
    this.#parts.gateway.logger.warn('tap.problem', { tapId: this.tapId, code: error.code, error });
    return this.#send({ type: 'problem', error: error.code }).catch((again: unknown) => {
      this.#parts.gateway.logger.error('tap.not-recorded', { tapId: this.tapId, error: again });
    });
  }

  async #record(error: ErrorCode | undefined): Promise<void> {
    const { gateway } = this.#parts;
    const mismatch = error === undefined && this.#faceCheck?.result === 'mismatch';
    const problem = mismatch ? 'patient.face-mismatch' : error;
    try {
      const { operatorId } = this.#caller;
      const findings = await this.#reading.findings(operatorId, this.#agreed?.digest, this.#faceCheck);
      const facts = makeVisitFacts(findings, problem, gateway.clock.nowMs());
      this.#visit = await this.#steps.run('evidence', () => writeVisit(gateway, facts));
    } catch (thrown) {
      if (!this.over) await this.#send({ type: 'problem', error: toSekishoError(thrown).code });
      throw thrown;
    }
    if (!this.over) await this.#send({ type: 'recorded' });
  }

  #finish(): void {
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#callOffExpiry();
    this.#reading.forget();
    this.#changed();
    this.#parts.ended();
  }

  #expireAfter(ms: number): void {
    this.#callOffExpiry();
    this.#callOffExpiry = after(this.#parts.gateway.clock, ms, () => {
      this.#send({ type: 'expired' }).catch(() => undefined);
    });
  }

  #changed(): void {
    this.#parts.changed();
    for (const wake of [...this.#waiting]) wake();
  }

  #now(): string {
    return new Date(this.#parts.gateway.clock.nowMs()).toISOString();
  }
}

function isOver({ at }: TapMachineState): boolean {
  return at === 'done' || at === 'failed';
}
