/** The gateway: wires the rules to the parts and gives them their public face. */
import { checkInsuredNumber } from '#card/insured-number.ts';
import type { InsuredNumber } from '#contract/centre/eligibility.ts';
import { SekishoError } from '#contract/errors.ts';
import type { LeaseEnd, NetworkFact } from '#contract/network.ts';
import type { GatewaySnapshot } from '#contract/snapshot.ts';
import { AccessDesk } from './access-desk.ts';
import { GatewayCore } from './core.ts';
import type { EffectRunner } from './effects.ts';
import type { Caller, Gateway } from './face.ts';
import { visitByInsuredNumber } from './insured-number-visit.ts';
import { registerNetwork } from './network-registration.ts';
import { OperatorDesk } from './operator-desk.ts';
import { OperatorSessions } from './operator-sessions.ts';
import { PanelDesk } from './panel-desk.ts';
import type { GatewayParts } from './parts.ts';
import { PatientData } from './patient-data.ts';
import { linkPatient } from './patient-link.ts';
import { PermitDesk } from './permit-desk.ts';
import { PermitKeeper } from './permit-keeper.ts';
import { ReaderSeat } from './reader-seat.ts';
import { Reconciliation } from './reconcile.ts';
import { SamKeeper } from './sam-keeper.ts';
import { recordSamLocked } from './sam-locked-entry.ts';
import { SamOrders } from './sam-orders.ts';
import { SamUnlock } from './sam-unlock.ts';
import { countOpen, makeSnapshot, type OpenCounts } from './snapshot.ts';
import { TapDesk } from './tap-desk.ts';
import { oneAtATime } from './turn.ts';

/** What `main.ts` may do besides what the API may. */
export interface RunningGateway extends Gateway {
  /** Opens the SAM; with the network registered this unlocks it online. Resolves when that was tried. */
  start(signal: AbortSignal): Promise<void>;
  /** `because`: why the lease ended, for the evidence. */
  networkChanged(to: NetworkFact, because?: LeaseEnd): Promise<void>;
  readerChanged(to: 'ready' | 'faulted'): void;
  /** Something that the snapshot shows changed elsewhere (outbox, centre health). */
  refresh(): void;
  /** An answer of the centre says that the SP has an order for this device. */
  ordersWait(): void;
  reconcileNow(): Promise<void>;
  /** Resolves when all that follows from what has happened so far is done and written. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export function makeGateway(parts: GatewayParts): RunningGateway {
  const { samAccess } = parts;
  const stop = new AbortController();
  const core: GatewayCore = new GatewayCore(() => runner, parts.logger);
  const keeper = new SamKeeper(parts, core, stop.signal);
  const seat = new ReaderSeat(parts, stop.signal);
  const patientData = new PatientData(parts, core, stop.signal);
  const orders = new SamOrders(parts, core, stop.signal);
  const unlock = new SamUnlock(parts, core, { keeper, patientData, orders }, stop.signal);
  const permits = new PermitKeeper(parts, core);
  const panel = new PanelDesk(parts.panel, {
    clock: parts.clock,
    changed: () => core.publish(),
    onDecision: (decision) => void desk.decideByKey(decision),
  });
  const sessions = new OperatorSessions(parts, core, seat, panel, unlock, keeper, orders);
  const desk = new TapDesk(parts, core, seat, keeper);
  const reconciliation = new Reconciliation(parts, stop.signal);
  const access = new AccessDesk(parts, sessions);
  const at = (): string => new Date(parts.clock.nowMs()).toISOString();
  /** One link at a time: the second sees what the first has written, and is refused when it contradicts. */
  const linking = oneAtATime();
  let revision = 0;

  const runner: EffectRunner = {
    // Powered again it is locked, and can prove the device to the SP when the network is back.
    powerOffSam: (reason) => keeper.wipe(reason),
    lockSam: () => keeper.lock(),
    abortTap: (error) => desk.abort(error),
    dropSessions: (error) => sessions.drop(error),
    recordSamLocked: async (reason, waitsForPerson) => {
      // Not before it is true: when the SAM is opened again at the latest, whose SELECT locks it.
      if (await keeper.isShut()) await recordSamLocked(parts, core, reason, waitsForPerson);
      else
        keeper.onceShut(() =>
          core.run({ do: 'recordSamLocked', reason, ...(waitsForPerson ? { waitsForPerson } : {}) }),
        );
    },
    unlockOnline: () => unlock.onlineByItself(),
  };

  const stopHearing = samAccess.onWiped((reason) => core.apply({ type: 'wiped', reason }));

  // A tap is shown two dozen times and counting reads whole tables; only an entry or `refresh` changes a count.
  let counted: { readonly upTo: number; readonly counts: OpenCounts } | undefined;
  const openCounts = (): OpenCounts => {
    const upTo = parts.ledger.head()?.seq ?? 0;
    if (counted?.upTo !== upTo) counted = { upTo, counts: countOpen(parts.queries) };
    return counted.counts;
  };

  // Many screens look at one moment: it is described once.
  let shown: GatewaySnapshot | undefined;
  const snapshot = (): GatewaySnapshot => {
    shown ??= makeSnapshot({
      facts: core.facts,
      health: parts.centre.health(),
      lease: parts.leaseStatus?.(),
      carryOut: permits.status,
      readerHealth: parts.readerHealth(),
      panel: panel.status,
      tap: desk.current?.progress(),
      ...openCounts(),
      revision,
      nowMs: parts.clock.nowMs(),
      monotonicMs: parts.clock.monotonicMs(),
    });
    return shown;
  };
  core.subscribe(() => {
    revision += 1;
    shown = undefined;
  });

  const untilStop = (signal: AbortSignal = stop.signal): AbortSignal =>
    AbortSignal.any([signal, stop.signal]);
  const require = (caller: Caller): void => sessions.require(caller);

  return {
    snapshot,
    subscribe: (listener, { steps = false } = {}) =>
      core.subscribe((change) => (steps || change !== 'step') && listener(snapshot())),

    signIn: (request, signal) => overwriting(request.pin, () => sessions.signIn(request, untilStop(signal))),
    signOut: (caller) => sessions.signOut(caller),

    operators: new OperatorDesk(parts, seat, sessions, unlock, stop.signal),
    permits: new PermitDesk(parts, sessions, permits, stop.signal),
    access,

    async unlockOnline(caller) {
      require(caller);
      await unlock.online();
    },
    unlockOffline: (caller, request, signal) =>
      overwriting(request.pin, async () => {
        require(caller);
        await sessions.unlockOffline(request, untilStop(signal));
      }),
    async lockSam(caller, reason) {
      require(caller);
      core.apply({ type: 'samLocked', reason });
      await core.settled();
      if (!(await keeper.isShut())) throw new SekishoError('sam.lock-failed');
    },

    async rotateDataKey(caller) {
      sessions.requireAdministrator(caller);
      await patientData.rotate(caller.operatorId);
    },

    async network(caller) {
      require(caller);
      const { networkId, anchorKeySha256 } = parts;
      return { networkId, anchorKeySha256 };
    },
    async registerNetwork(caller, anchorKeySha256) {
      sessions.requireAdministrator(caller);
      await registerNetwork(parts, caller, anchorKeySha256);
    },

    async startTap(caller, request) {
      try {
        require(caller);
        const started = desk.start(caller, request);
        // The patient's card outranks the sign-in of somebody who still enters a PIN.
        panel.cancelEntry('tap.busy');
        return started;
      } catch (thrown) {
        request.verificationNumberB?.fill(0);
        request.attributesPin?.fill(0);
        throw thrown;
      }
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
      const visit = await visitByInsuredNumber(parts, caller, insured, patientNumber);
      core.publish();
      return visit;
    },
    async linkPatient(caller, cardId, patientNumber, insured) {
      require(caller);
      if (insured !== undefined) checkInsuredNumber(insured);
      await linking(() => linkPatient(parts, caller, cardId, patientNumber, insured));
      await reconciliation.runPatientNumber(cardId, caller.operatorId);
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
      await keeper.start(signal);
      await permits.look();
      const { samId } = samAccess.identity ?? {};
      const started = { kind: 'started', at: at(), version: parts.version } as const;
      await parts.ledger.append(samId === undefined ? started : { ...started, samId });
      await core.settled();
    },
    async networkChanged(to, because) {
      core.apply({ type: 'networkChanged', to, ...(because === undefined ? {} : { because }) });
      await core.settled();
    },
    readerChanged: (to) => core.apply({ type: to === 'ready' ? 'readerReady' : 'readerFaulted' }),
    refresh() {
      counted = undefined;
      void unlock.retryOnline();
      core.publish();
    },
    ordersWait: () => void orders.followByItself(),
    async reconcileNow() {
      await Promise.all([
        parts.vault.isOpen ? reconciliation.runAll() : undefined,
        patientData.reseal(),
        unlock.refreshRoster(),
        access.anchorWhenDue(),
        unlock.anchorTicks(),
        orders.followByItself(),
      ]);
      core.publish();
    },
    settled: () => core.settled(),
    async close() {
      stop.abort(new SekishoError('tap.cancelled'));
      await sessions.close();
      panel.close();
      await desk.abort('tap.cancelled').catch((thrown: unknown) => {
        parts.logger.error('tap.not-recorded', { error: thrown });
      });
      await core.settled();
      await unlock.settled();
      await access.anchor();
      await keeper.ended();
      stopHearing();
      await permits.close();
      await samAccess.close();
    },
  };
}

/** A secret lives until its work is over, whatever came of it. */
async function overwriting<T>(secret: Uint8Array | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    secret?.fill(0);
  }
}
