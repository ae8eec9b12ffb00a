/**
 * A gateway that follows a script: a double for tests of the API and of the counter page. It decides nothing
 * and checks nothing; a test says what the card, the centre and the clerk's next step shall be.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { InsuredNumber } from '#contract/centre/eligibility.ts';
import { type ErrorCode, SekishoError } from '#contract/errors.ts';
import type { Operator } from '#contract/operator.ts';
import type { GatewaySnapshot, TapProgress, TapState, TapStepName } from '#contract/snapshot.ts';
import type { FaceCheck, TapResult, UnresolvedVisit, Visit } from '#contract/visit.ts';
import type {
  AccessNote,
  BrowserImage,
  Caller,
  Gateway,
  OperatorSession,
  SignInRequest,
  StartTapRequest,
} from '#gateway/face.ts';
import { ScriptedOperators } from './scripted-operators.ts';
import { ScriptedPermits } from './scripted-permits.ts';
import { sampleOperator, sampleSnapshot, sampleUnresolved, sampleVisit } from './scripted-samples.ts';

const STEPS: readonly (readonly [TapStepName, number])[] = [
  ['find-card', 112],
  ['select-application', 21],
  ['sam-sign', 180],
  ['read-certificate', 96],
  ['organisation-authentication', 205],
  ['card-signature-id', 352],
  ['card-signature-tap', 351],
  ['verify-certificate', 4],
  ['revocation', 38],
  ['card-id', 1],
];

const SESSION_MS = 8 * 3_600_000;

export class ScriptedGateway implements Gateway {
  /** What was asked, in order; PINs are kept out. */
  readonly calls: string[] = [];
  /** The PINs as they arrived: copies, and the very bytes that the edge must overwrite. */
  readonly pins: { copy: string; bytes: Uint8Array }[] = [];
  /** One-shot refusals by method. */
  readonly refusals = new Map<keyof Gateway, SekishoError>();
  operator: Operator = sampleOperator;
  visitToCome: Visit = sampleVisit();
  /** What the card of the next patient says of itself. */
  attributesToCome: Pick<TapResult, 'cardAttributes' | 'cardAttributesMissing'> = {};
  /** The roster and its changes, by a script of its own. */
  readonly operators = new ScriptedOperators((call, pin) => {
    this.calls.push(call);
    this.#notePin({ pin });
  });
  readonly permits = new ScriptedPermits(
    (call, pin) => {
      this.calls.push(call);
      this.#notePin({ pin });
    },
    (carryOut) => this.change({ carryOut }, { permit: carryOut === undefined ? 'none' : 'carryOut' }),
  );
  /** What the access log was told. */
  readonly noted: AccessNote[] = [];
  /** Thrown instead of noting: a full disk, say. */
  notingFails: SekishoError | undefined;
  readonly access = {
    note: (note: AccessNote): void => {
      if (this.notingFails !== undefined) throw this.notingFails;
      this.noted.push(note);
    },
    ofDay: async (_caller: Caller, day: string) =>
      this.noted.map((note, index) => ({ ...note, seq: index + 1, at: `${day}T00:00:00.000Z` })),
  };
  visits: Visit[] = [];
  unresolved: UnresolvedVisit[] = sampleUnresolved();
  /** Steps run by themselves after consent; `false` leaves the tap to `advanceTap`. */
  cardIsWaiting = true;
  hasPhoto = false;
  #signInHeld: Promise<void> = Promise.resolve();
  #snapshot: GatewaySnapshot = sampleSnapshot();
  readonly #listeners = new Set<(snapshot: GatewaySnapshot) => void>();
  readonly #finished = new Map<string, Visit>();

  refuseNext(method: keyof Gateway, code: ErrorCode, context: Record<string, number> = {}): void {
    this.refusals.set(method, new SekishoError(code, { context }));
  }

  /** Changes the snapshot and tells every screen. */
  change(part: Partial<Omit<GatewaySnapshot, 'facts'>>, facts: Partial<GatewaySnapshot['facts']> = {}): void {
    const next = { ...this.#snapshot, ...part, facts: { ...this.#snapshot.facts, ...facts } };
    const { facts: known } = next;
    const missing: ErrorCode | undefined =
      part.missing ??
      (known.operator === undefined
        ? 'operator.not-signed-in'
        : known.sam === 'locked'
          ? 'sam.locked'
          : undefined);
    const { missing: _before, ...rest } = next;
    this.#snapshot = {
      ...rest,
      ready: missing === undefined,
      ...(missing === undefined ? {} : { missing }),
      revision: this.#snapshot.revision + 1,
    };
    for (const listener of this.#listeners) listener(this.#snapshot);
  }

  /** What the gateway does by itself when a session's time is over. */
  endSession(): void {
    const { operator: _operator, operatorUntil: _until, ...facts } = this.#snapshot.facts;
    this.#snapshot = { ...this.#snapshot, facts };
    this.change({});
  }

  advanceTap(state: TapState, steps: TapProgress['steps'] = [], error?: ErrorCode): void {
    const { tap } = this.#snapshot;
    if (tap === undefined) throw new Error('the script has no tap');
    this.change({ tap: { ...tap, state, steps, ...(error === undefined ? {} : { error }) } });
  }

  /** Runs all steps up to the face check. */
  placeCard(): void {
    const steps = STEPS.map(([name, ms]) => ({ name, ms, state: 'done' as const }));
    this.advanceTap('faceCheck', [...steps, { name: 'face-check', state: 'running' }]);
  }

  snapshot(): GatewaySnapshot {
    return this.#snapshot;
  }

  subscribe(listener: (snapshot: GatewaySnapshot) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get listening(): number {
    return this.#listeners.size;
  }

  /** Sign-ins wait until the answer is called, as for a card or a PIN. */
  holdSignIn(): () => void {
    let release = (): void => {};
    this.#signInHeld = new Promise((resolve) => {
      release = resolve;
    });
    return () => release();
  }

  async signIn(request: SignInRequest): Promise<OperatorSession> {
    this.#notePin(request);
    this.#note('signIn', `${request.cardKind} ${request.screen} acceptLastTry=${request.acceptLastTry}`);
    await this.#signInHeld;
    const untilMs = Date.now() + SESSION_MS;
    this.change({}, { operator: this.operator, operatorUntil: new Date(untilMs).toISOString() });
    return { operator: this.operator, untilMs };
  }

  async signOut(caller: Caller): Promise<void> {
    this.#note('signOut', caller.screen);
    this.endSession();
  }

  async unlockOnline(caller: Caller): Promise<void> {
    this.#note('unlockOnline', caller.screen);
    this.change({}, { sam: 'unlocked', samUnlock: 'online', samUsesLeft: 500 });
  }

  async rotateDataKey(caller: Caller): Promise<void> {
    this.#note('rotateDataKey', caller.screen);
  }

  async network(): Promise<{ networkId: string; anchorKeySha256: string }> {
    return { networkId: 'a5'.repeat(16), anchorKeySha256: 'a5'.repeat(32) };
  }

  async registerNetwork(caller: Caller, anchorKeySha256: string): Promise<void> {
    this.#note('registerNetwork', `${caller.screen} ${anchorKeySha256}`);
  }

  async unlockOffline(caller: Caller, request: SignInRequest): Promise<void> {
    this.#notePin(request);
    this.#note('unlockOffline', caller.screen);
    this.change({}, { sam: 'unlocked', samUnlock: 'offline', samUsesLeft: 50 });
  }

  async lockSam(_caller: Caller, reason: string): Promise<void> {
    this.#note('lockSam', reason);
    this.change({}, { sam: 'locked', samUnlock: 'none', samUsesLeft: 0 });
  }

  async startTap(
    _caller: Caller,
    request: StartTapRequest,
  ): Promise<{ tapId: string; consentText: { version: string; ja: string; en: string } }> {
    this.#note(
      'startTap',
      `limitInfo=${request.includeLimitInfo} photo=${request.verificationNumberB !== undefined}`,
    );
    this.hasPhoto = request.verificationNumberB !== undefined;
    request.verificationNumberB?.fill(0);
    request.attributesPin?.fill(0);
    const tapId = randomUUID();
    this.change({
      tap: { tapId, state: 'waitingForConsent', startedAt: new Date().toISOString(), steps: [] },
    });
    return { tapId, consentText: CONSENT };
  }

  async decideConsent(_caller: Caller, tapId: string, decision: 'ok' | 'refused'): Promise<void> {
    this.#note('decideConsent', decision);
    this.tapProgress(tapId);
    if (decision === 'refused') this.advanceTap('failed', [], 'tap.consent-refused');
    else {
      this.advanceTap('waitingForCard', [{ name: 'find-card', state: 'running' }]);
      if (this.cardIsWaiting) this.placeCard();
    }
  }

  tapProgress(tapId: string): TapProgress {
    const { tap } = this.#snapshot;
    if (tap?.tapId !== tapId) throw new SekishoError('tap.unknown');
    return tap;
  }

  async waitForTap(tapId: string, signal: AbortSignal): Promise<TapProgress> {
    const isResting = ({ state }: TapProgress): boolean => ['faceCheck', 'done', 'failed'].includes(state);
    if (isResting(this.tapProgress(tapId))) return this.tapProgress(tapId);
    return new Promise((resolve, reject) => {
      const stop = this.subscribe(({ tap }) => {
        if (tap === undefined || !isResting(tap)) return;
        stop();
        resolve(tap);
      });
      signal.addEventListener('abort', () => {
        stop();
        reject(signal.reason);
      });
    });
  }

  tapPhoto(
    _caller: Caller,
    tapId: string,
  ): { photo: BrowserImage; name: BrowserImage; address: BrowserImage } | undefined {
    this.tapProgress(tapId);
    return this.hasPhoto
      ? { photo: readImage('photo'), name: readImage('name'), address: readImage('address') }
      : undefined;
  }

  async recordFaceCheck(_caller: Caller, tapId: string, check: FaceCheck): Promise<TapResult> {
    this.#note('recordFaceCheck', `${check.method} ${check.result}`);
    const { steps } = this.tapProgress(tapId);
    if (check.result === 'mismatch') {
      this.advanceTap('failed', steps, 'patient.face-mismatch');
      return { ...this.visitToCome, outcome: 'refused', error: 'patient.face-mismatch', faceCheck: check };
    }
    const visit = { ...this.visitToCome, faceCheck: check };
    this.#finished.set(tapId, visit);
    this.visits.unshift(visit);
    this.advanceTap('done', steps);
    return { ...visit, ...this.attributesToCome };
  }

  async cancelTap(_caller: Caller, tapId: string): Promise<void> {
    this.#note('cancelTap', '');
    this.tapProgress(tapId);
    this.advanceTap('failed', [], 'tap.cancelled');
  }

  tapVisit(tapId: string): Visit | undefined {
    return this.#finished.get(tapId);
  }

  async visitByInsuredNumber(
    _caller: Caller,
    insured: InsuredNumber,
    patientNumber: string | undefined,
  ): Promise<Visit> {
    this.#note('visitByInsuredNumber', `insurer of ${insured.InsurerNumber.length} characters`);
    const { cardId: _card, certificate: _certificate, faceCheck: _check, ...rest } = this.visitToCome;
    const visit: Visit = { ...rest, visitId: randomUUID(), identifiedBy: 'insured-number' };
    this.visits.unshift(patientNumber === undefined ? visit : { ...visit, patientNumber });
    return this.visits[0] ?? visit;
  }

  async linkPatient(_caller: Caller, cardId: string, patientNumber: string): Promise<void> {
    this.#note('linkPatient', cardId);
    this.visits = this.visits.map((visit) => (visit.cardId === cardId ? { ...visit, patientNumber } : visit));
  }

  async visitsOfDay(_caller: Caller, day: string): Promise<readonly Visit[]> {
    this.#note('visitsOfDay', day);
    return this.visits;
  }

  async visit(_caller: Caller, visitId: string): Promise<Visit> {
    this.#note('visit', '');
    const visit = this.visits.find((known) => known.visitId === visitId);
    if (visit === undefined) throw new SekishoError('visit.unknown');
    return visit;
  }

  async unresolvedVisits(): Promise<readonly UnresolvedVisit[]> {
    this.#note('unresolvedVisits', '');
    return this.unresolved;
  }

  async reconcile(_caller: Caller, visitId: string): Promise<Visit> {
    this.#note('reconcile', '');
    this.unresolved = this.unresolved.filter((visit) => visit.visitId !== visitId);
    this.change({ unresolvedVisits: this.unresolved.length });
    return { ...this.visitToCome, visitId, unresolved: [] };
  }

  #note(method: keyof Gateway, detail: string): void {
    this.calls.push(`${method} ${detail}`.trim());
    const refusal = this.refusals.get(method);
    this.refusals.delete(method);
    if (refusal !== undefined) throw refusal;
  }

  #notePin({ pin }: { readonly pin: Uint8Array | undefined }): void {
    if (pin !== undefined) this.pins.push({ copy: Buffer.from(pin).toString('latin1'), bytes: pin });
  }
}

const CONSENT = {
  version: '2025-01',
  ja: '関所診療所が、健康保険の資格を確認するために、あなたのマイナンバーカードを読み取ります。暗証番号は使いません。読み取った内容は、今日の受付と保険の確認だけに使います。',
  en: 'Sekisho Clinic reads your My Number Card to check your health insurance. No PIN is used. What is read serves only today’s reception and the insurance check.',
} as const;

function readImage(name: 'photo' | 'name' | 'address'): BrowserImage {
  return { mediaType: 'image/png', bytes: readFileSync(new URL(`../testdata/${name}.png`, import.meta.url)) };
}
