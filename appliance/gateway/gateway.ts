/** The gateway: wires the rules to the parts and gives them their public face. */
import { randomUUID } from 'node:crypto';
import { checkInsuredNumber } from '#card/insured-number.ts';
import type { InsuredNumber } from '#contract/centre/eligibility.ts';
import { SekishoError, toSekishoError } from '#contract/errors.ts';
import type { GatewaySnapshot } from '#contract/snapshot.ts';
import { GatewayCore } from './core.ts';
import type { EffectRunner } from './effects.ts';
import type { Caller, Gateway } from './face.ts';
import { InsuredNumberVisit } from './insured-number-visit.ts';
import { OperatorSessions } from './operator-sessions.ts';
import type { GatewayParts } from './parts.ts';
import { linkPatient } from './patient-link.ts';
import { Reconciliation } from './reconcile.ts';
import { SamUnlock } from './sam-unlock.ts';
import { makeSnapshot } from './snapshot.ts';
import { TapDesk } from './tap-desk.ts';

/** What `main.ts` may do besides what the API may. */
export interface RunningGateway extends Gateway {
  /** Opens the SAM; with the network registered this unlocks it online. Resolves when that was tried. */
  start(signal: AbortSignal): Promise<void>;
  networkChanged(to: 'registered' | 'foreign' | 'absent'): Promise<void>;
  readerChanged(to: 'ready' | 'faulted'): void;
  /** Something that the snapshot shows changed elsewhere (outbox, centre health). */
  refresh(): void;
  reconcileNow(): Promise<void>;
  close(): Promise<void>;
}

export function makeGateway(parts: GatewayParts): RunningGateway {
  const holder = parts.samHolder;
  const core: GatewayCore = new GatewayCore(() => runner, parts.logger);
  const unlock = new SamUnlock(parts, core);
  const sessions = new OperatorSessions(parts, core, unlock);
  const desk = new TapDesk(parts, core);
  const reconciliation = new Reconciliation(parts);
  const byNumber = new InsuredNumberVisit(parts);
  const at = (): string => new Date(parts.clock.nowMs()).toISOString();
  const stop = new AbortController();
  let revision = 0;

  const runner: EffectRunner = {
    powerOffSam: async () => {
      await holder.powerOff();
      // Powered again it is locked, and can prove the device to the SP when the network is back.
      await holder.open(stop.signal);
    },
    lockSam: async () => {
      holder.forgetCertificates();
      await holder.require().lock();
    },
    abortTap: (error) => desk.abort(error),
    dropSessions: (error) => sessions.drop(error),
    recordSamLocked: async (reason) => {
      const sam = holder.current;
      await parts.ledger.append(
        { kind: 'sam-locked', at: at(), samId: holder.samId, reason },
        sam === undefined ? {} : { stamp: (digest) => sam.tickStamp(digest) },
      );
    },
    unlockOnline: () =>
      unlock.online(stop.signal).catch((thrown: unknown) => {
        parts.logger.warn('sam.not-unlocked', { code: toSekishoError(thrown).code });
      }),
  };

  // Many screens look at one moment: it is described once.
  let shown: GatewaySnapshot | undefined;
  const snapshot = (): GatewaySnapshot => {
    shown ??= makeSnapshot({
      facts: core.facts,
      health: parts.centre.health(),
      tap: desk.current?.progress(),
      outboxWaiting: parts.queries.outboxWaiting(),
      unresolvedVisits: parts.queries.unresolvedCount(),
      revision,
      nowMs: parts.clock.nowMs(),
    });
    return shown;
  };
  core.subscribe(() => {
    revision += 1;
    shown = undefined;
  });

  const require = (caller: Caller): void => sessions.require(caller);

  return {
    snapshot,
    subscribe: (listener) => core.subscribe(() => listener(snapshot())),

    signIn: (request) => sessions.signIn(request, stop.signal),
    signOut: (caller) => sessions.signOut(caller),

    async unlockOnline(caller) {
      require(caller);
      await unlock.online(stop.signal);
    },
    async unlockOffline(caller, request) {
      require(caller);
      await sessions.unlockOffline(request, stop.signal);
    },
    async lockSam(caller, reason) {
      require(caller);
      core.apply({ type: 'samLocked', reason });
      await core.settled();
    },

    async startTap(caller, request) {
      require(caller);
      return desk.start(caller, request);
    },
    async decideConsent(caller, tapId, decision, input) {
      require(caller);
      await desk.require(tapId).decideConsent(decision, input);
    },
    tapProgress: (tapId) => desk.require(tapId).progress(),
    async waitForTap(tapId, signal) {
      const tap = desk.require(tapId);
      await tap.waitForPause(signal);
      return tap.progress();
    },
    tapPhoto(caller, tapId) {
      require(caller);
      return desk.require(tapId).photo;
    },
    async recordFaceCheck(caller, tapId, check) {
      require(caller);
      return desk.require(tapId).recordFaceCheck(check);
    },
    async cancelTap(caller, tapId) {
      require(caller);
      await desk.require(tapId).cancel();
    },
    tapVisit: (tapId) => desk.require(tapId).visit,

    async visitByInsuredNumber(caller, insured, patientNumber) {
      require(caller);
      checkInsuredNumber(insured);
      const visit = await byNumber.run(caller, randomUUID(), insured, patientNumber);
      core.publish();
      return visit;
    },
    async linkPatient(caller, cardId, patientNumber, insured) {
      require(caller);
      if (insured !== undefined) checkInsuredNumber(insured);
      await linkPatient(parts, holder.institutionCode, caller, cardId, patientNumber, insured);
      await reconciliation.runAll();
      core.publish();
    },
    async visitsOfDay(caller, day) {
      require(caller);
      // A clinic's day is Japan's day, whatever the box is set to.
      const fromMs = Date.parse(`${day}T00:00:00+09:00`);
      return parts.queries.visitsBetween(fromMs, fromMs + 86_400_000);
    },
    async visit(caller, visitId) {
      require(caller);
      const visit = parts.queries.visit(visitId);
      if (visit === undefined) throw new SekishoError('visit.unknown');
      return visit;
    },
    async unresolvedVisits(caller) {
      require(caller);
      return parts.queries.unresolvedVisits(parts.clock.nowMs());
    },
    async reconcile(caller, visitId, insured: InsuredNumber | undefined) {
      require(caller);
      if (insured !== undefined) checkInsuredNumber(insured);
      const visit = await reconciliation.runVisit(visitId, insured, caller.operatorId);
      core.publish();
      return visit;
    },

    async start(signal) {
      await holder.open(signal);
      await parts.ledger.append({ kind: 'started', at: at(), version: parts.version, samId: holder.samId });
      core.apply({ type: 'samFound' });
      await core.settled();
    },
    async networkChanged(to) {
      core.apply({ type: 'networkChanged', to });
      await core.settled();
    },
    readerChanged: (to) => core.apply({ type: to === 'ready' ? 'readerReady' : 'readerFaulted' }),
    refresh: () => core.publish(),
    reconcileNow: () => reconciliation.runAll().then(() => core.publish()),
    async close() {
      stop.abort(new SekishoError('tap.cancelled'));
      await desk.abort('tap.cancelled');
      sessions.close();
      await core.settled();
      await holder.powerOff();
    },
  };
}
