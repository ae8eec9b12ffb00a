/** What the gateway is made of: everything it decides about comes in through here. */
import type { KeyObject } from 'node:crypto';
import type { SamAccess } from '#broker/sam-access.ts';
import type { CardReader } from '#card/channel.ts';
import type { RosterAnswer } from '#contract/centre/service-provider.ts';
import type { LeaseStatus } from '#contract/network.ts';
import type { ReaderHealth } from '#contract/snapshot.ts';
import type { AccessLog } from '#evidence/access-log.ts';
import type { EvidenceLedger, VisitQueries } from '#evidence/ledger.ts';
import type { Clock } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';
import type { Random } from '#ports/random.ts';
import type { Trust } from '#trust/ports.ts';
import type { Centre } from '#upstream/ports.ts';
import type { PanelParts } from './panel-desk.ts';
import type { PatientVault } from './patient-vault.ts';
import type { PersonUseMemory } from './person-limit.ts';
import type { SignInFailureMemory } from './sign-in-lockout.ts';

/** The last roster that the SP signed, with the names that the SAM does not hold. */
export interface RosterMemory {
  roster(): RosterAnswer | undefined;
  rememberRoster(roster: RosterAnswer): void;
}

/** All from the configuration (`limits`), where defaults and ranges stand. */
export interface GatewayLimits {
  readonly operatorIdleMs: number;
  readonly operatorAbsoluteMs: number;
  /** Wrong PINs or unknown cards in a row before sign-in pauses. */
  readonly operatorFailures: number;
  readonly operatorLockOutMs: number;
  /** How long the patient may think before OK. */
  readonly consentTimeoutMs: number;
  readonly cardWaitMs: number;
  /** One command to the patient's card; Type B cards may answer late (>= 3 s must be allowed). */
  readonly cardAnswerMs: number;
  /** From the card on the reader to the card read. */
  readonly tapTimeoutMs: number;
  readonly faceCheckTimeoutMs: number;
  /** Uses of the organisation key for one card in 24 hours of running time (source document 003). */
  readonly tapsPerCardPerDay: number;
}

/** Whether this process may still meet people, who stay in its memory until it ends. @see `appliance/liveness/renewal.ts` */
export interface Life {
  note(now: { readonly patients: boolean; readonly operator: boolean }): void;
  /** It is about to end, and opens nothing any more. */
  readonly isDue: boolean;
}

export interface GatewayParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Where patients and operators put their cards. */
  readonly reader: CardReader;
  /** For the snapshot; whether it is ready comes in through `readerChanged`. */
  readonly readerHealth: () => ReaderHealth;
  /** The keys on the box, where there are any. */
  readonly panel?: PanelParts | undefined;
  /** Keeps the SAM open, and proves the device with it. */
  readonly samAccess: SamAccess;
  readonly centre: Centre;
  readonly trust: Trust;
  /** Root over the signers of card faces (photo, name, address); never read from a card. */
  readonly cardFaceRoot: KeyObject;
  /** Root over the signers of name and address; undefined: the attributes are not read. */
  readonly cardTextRoot: KeyObject | undefined;
  /** False: the face is compared with the printed photo only, and the photo on the card is not read. */
  readonly showsCardPhoto: boolean;
  readonly ledger: EvidenceLedger;
  readonly accessLog: AccessLog;
  readonly queries: VisitQueries;
  readonly vault: PatientVault;
  readonly roster: RosterMemory;
  readonly personUses: PersonUseMemory;
  readonly signInFailures: SignInFailureMemory;
  readonly limits: GatewayLimits;
  /** Who asks, in the consent text. */
  readonly clinicName: { readonly ja: string; readonly en: string };
  /** 16 bytes that name the registered network, hex; the SP binds each unlock to it. */
  readonly networkId: string;
  /** SHA-256 of the key of its anchor, hex; `networkId` is the first half. */
  readonly anchorKeySha256: string;
  /** For the snapshot; undefined before anybody keeps a lease. */
  readonly leaseStatus?: () => LeaseStatus | undefined;
  readonly version: string;
  /** Absent: it stays, and opens again as often as it may. */
  readonly life?: Life | undefined;
}
