/** What the gateway is made of: everything it decides about comes in through here. */
import type { CardReader } from '#card/channel.ts';
import type { RosterAnswer } from '#contract/centre/service-provider.ts';
import type { EvidenceLedger, VisitQueries } from '#evidence/ledger.ts';
import type { Clock } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';
import type { Random } from '#ports/random.ts';
import type { Trust } from '#trust/ports.ts';
import type { Centre } from '#upstream/ports.ts';

/** Which services of the centre answered last time; a dead one must cost a tap nothing. */
export interface CentreHealth {
  readonly serviceProvider: boolean;
  readonly revocation: boolean;
  readonly eligibility: boolean;
  readonly history: boolean;
}

/** The last roster that the SP signed, with the names that the SAM does not hold. */
export interface RosterMemory {
  roster(): RosterAnswer | undefined;
  rememberRoster(roster: RosterAnswer): void;
}

export interface GatewayLimits {
  readonly operatorIdleMs: number;
  readonly operatorAbsoluteMs: number;
  /** How long the patient may think before OK. */
  readonly consentWaitMs: number;
  readonly cardWaitMs: number;
  /** One command to the patient's card; Type B cards may answer late (>= 3 s must be allowed). */
  readonly cardExchangeMs: number;
  readonly faceCheckWaitMs: number;
  /** Warn when the certificate ends within this many days. */
  readonly expiryWarningDays: number;
  /** Wrong PINs or unknown cards in a row before sign-in pauses. */
  readonly signInFailures: number;
  readonly signInPauseMs: number;
}

export const DEFAULT_LIMITS: GatewayLimits = {
  operatorIdleMs: 30 * 60_000,
  operatorAbsoluteMs: 12 * 3_600_000,
  consentWaitMs: 120_000,
  cardWaitMs: 60_000,
  cardExchangeMs: 5_000,
  faceCheckWaitMs: 180_000,
  expiryWarningDays: 90,
  signInFailures: 5,
  signInPauseMs: 60_000,
};

export interface GatewayParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Where patients and operators put their cards. */
  readonly reader: CardReader;
  /** Where the SAM stays. */
  readonly samSlot: CardReader;
  readonly centre: Centre & { health(): CentreHealth };
  readonly trust: Trust;
  readonly ledger: EvidenceLedger;
  readonly queries: VisitQueries;
  readonly roster: RosterMemory;
  readonly limits: GatewayLimits;
  /** 16 bytes that name the registered network, hex; the SP binds each unlock to it. */
  readonly networkId: string;
  readonly version: string;
}
