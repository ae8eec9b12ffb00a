/** The one status document that every screen and phone is shown (SSE, BLE notify). No patient data in it. */
import { z } from 'zod';
import { Instant } from './centre/wire.ts';
import { ERROR_CODES } from './errors.ts';
import { LeaseStatus } from './network.ts';
import { Operator } from './operator.ts';
import { CarryOutStatus } from './permit.ts';

export const TapStepName = z.enum([
  'find-card',
  'select-application',
  'sam-sign',
  'read-certificate',
  'organisation-authentication',
  'card-signature-id',
  'card-signature-tap',
  'verify-certificate',
  'revocation',
  'card-id',
  'photo',
  'attributes',
  'face-check',
  'eligibility',
  'evidence',
]);
export type TapStepName = z.infer<typeof TapStepName>;

export const TapState = z.enum([
  'waitingForConsent',
  'waitingForCard',
  'reading',
  'faceCheck',
  'recording',
  'done',
  'failed',
]);
export type TapState = z.infer<typeof TapState>;

export const TapProgress = z.strictObject({
  tapId: z.uuid(),
  state: TapState,
  startedAt: Instant,
  steps: z.array(
    z.strictObject({
      name: TapStepName,
      state: z.enum(['running', 'done', 'failed', 'skipped']),
      ms: z.number().optional(),
    }),
  ),
  error: z.enum(ERROR_CODES).optional(),
});
export type TapProgress = z.infer<typeof TapProgress>;

/** How the card reader has been since the start: what a technician asks first. */
export const ReaderHealth = z.strictObject({
  /** When it became what `facts.reader` says. */
  since: Instant,
  /** What is wrong, or was last. */
  lastFault: z.enum(ERROR_CODES).optional(),
  /** As the system names the device. */
  device: z.string().max(200).optional(),
  /** How it was told from other devices and slots: by the configuration, by its name, by its card, or as the only one. */
  chosenBy: z.enum(['config', 'name', 'probe', 'only']).optional(),
  faults: z.array(z.strictObject({ code: z.enum(ERROR_CODES), count: z.number().int().min(1) })),
  recoveries: z.number().int().min(0),
  /** Times that the device was restarted on its bus because it did not come back by itself. */
  restarts: z.number().int().min(0),
  cardsSeen: z.number().int().min(0),
  discardedBytes: z.number().int().min(0),
});
export type ReaderHealth = z.infer<typeof ReaderHealth>;

/** The keys on the box; of a PIN only how long it is so far. */
export const PanelStatus = z.strictObject({
  state: z.enum(['ready', 'unplugged']),
  /** While a PIN is asked for. */
  pinDigits: z.number().int().min(0).max(16).optional(),
});
export type PanelStatus = z.infer<typeof PanelStatus>;

/** Which of the three worlds we are in; the same button works in all. */
export const Mode = z.enum(['online', 'degraded', 'offline']);
export type Mode = z.infer<typeof Mode>;

export const GatewaySnapshot = z.strictObject({
  revision: z.number().int().min(0),
  at: Instant,
  ready: z.boolean(),
  /** The first missing thing, when not ready. */
  missing: z.enum(ERROR_CODES).optional(),
  mode: Mode,
  facts: z.strictObject({
    sam: z.enum(['absent', 'locked', 'unlocked', 'disabled']),
    samUnlock: z.enum(['none', 'online', 'offline']),
    samUsesLeft: z.number().int().min(0),
    network: z.enum(['registered', 'foreign', 'absent']),
    permit: z.enum(['none', 'carryOut']),
    operator: Operator.optional(),
    operatorUntil: Instant.optional(),
    reader: z.enum(['ready', 'faulted']),
    centre: z.strictObject({
      serviceProvider: z.boolean(),
      revocation: z.boolean(),
      /** False while a list of revoked certificates cannot be renewed; the last good one goes on answering. */
      revocationLists: z.boolean(),
      eligibility: z.boolean(),
      history: z.boolean(),
    }),
  }),
  readerHealth: ReaderHealth,
  lease: LeaseStatus.optional(),
  /** The permit, granted or away. */
  carryOut: CarryOutStatus.optional(),
  /** Absent where the box has no keys. */
  panel: PanelStatus.optional(),
  tap: TapProgress.optional(),
  outboxWaiting: z.number().int().min(0),
  unresolvedVisits: z.number().int().min(0),
});
export type GatewaySnapshot = z.infer<typeof GatewaySnapshot>;
