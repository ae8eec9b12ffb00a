/** Facts and the running tap, as the one document that screens see. No patient data. */
import type { LeaseStatus } from '#contract/network.ts';
import type { CarryOutStatus } from '#contract/permit.ts';
import type { GatewaySnapshot, Mode, PanelStatus, ReaderHealth, TapProgress } from '#contract/snapshot.ts';
import type { VisitQueries } from '#evidence/ledger.ts';
import type { CentreHealth } from '#upstream/ports.ts';
import { type Facts, firstMissing } from './state.ts';

/** What is still to be done, wherever it started. */
export interface OpenCounts {
  readonly outboxWaiting: number;
  readonly unresolvedVisits: number;
}

export interface SnapshotInputs extends OpenCounts {
  readonly facts: Facts;
  readonly health: CentreHealth;
  readonly readerHealth: ReaderHealth;
  readonly panel: PanelStatus | undefined;
  readonly tap: TapProgress | undefined;
  readonly lease: LeaseStatus | undefined;
  readonly carryOut: CarryOutStatus | undefined;
  readonly revision: number;
  readonly nowMs: number;
  /** The same moment by the monotonic clock, which sessions end by. */
  readonly monotonicMs: number;
}

/** Which of the three worlds we are in: everything answers, something answers, nothing does. */
export function modeOf(health: CentreHealth): Mode {
  const answers = [health.serviceProvider, health.revocation, health.eligibility, health.history];
  if (answers.every(Boolean)) return 'online';
  return answers.some(Boolean) ? 'degraded' : 'offline';
}

export function countOpen(queries: VisitQueries): OpenCounts {
  return { outboxWaiting: queries.outboxWaiting(), unresolvedVisits: queries.unresolvedCount() };
}

function instant(ms: number): string {
  return new Date(ms).toISOString();
}

export function makeSnapshot(inputs: SnapshotInputs): GatewaySnapshot {
  const { facts, health, tap } = inputs;
  const { sam, operator } = facts;
  const missing = firstMissing(facts);
  return {
    revision: inputs.revision,
    at: instant(inputs.nowMs),
    ready: missing === undefined,
    ...(missing === undefined ? {} : { missing }),
    mode: modeOf(health),
    facts: {
      sam: sam.kind,
      samUnlock: sam.kind === 'unlocked' ? sam.by : 'none',
      samUsesLeft: sam.kind === 'unlocked' ? sam.usesLeft : 0,
      network: facts.network,
      permit: facts.permit.kind,
      ...(operator.kind === 'signedIn'
        ? {
            operator: operator.operator,
            operatorUntil: instant(
              inputs.nowMs + Math.min(operator.untilMs, operator.idleUntilMs) - inputs.monotonicMs,
            ),
          }
        : {}),
      reader: facts.reader,
      centre: health,
    },
    readerHealth: inputs.readerHealth,
    ...(inputs.lease === undefined ? {} : { lease: inputs.lease }),
    ...(inputs.carryOut === undefined ? {} : { carryOut: inputs.carryOut }),
    ...(inputs.panel === undefined ? {} : { panel: inputs.panel }),
    ...(tap === undefined ? {} : { tap }),
    outboxWaiting: inputs.outboxWaiting,
    unresolvedVisits: inputs.unresolvedVisits,
  };
}
