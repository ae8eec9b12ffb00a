/** The public face of the gateway: all that the API (and later BLE) may ask for. */
import type { InsuredNumber } from '#contract/centre/eligibility.ts';
import type { ErrorCode } from '#contract/errors.ts';
import type { AccessListEntry } from '#contract/http/access-log-routes.ts';
import type { RegisteredNetwork } from '#contract/http/network-routes.ts';
import type { Roster, RosterChange, StaffCard } from '#contract/http/operator-routes.ts';
import type { Operator } from '#contract/operator.ts';
import type { CarryOutStatus } from '#contract/permit.ts';
import type { GatewaySnapshot, TapProgress } from '#contract/snapshot.ts';
import type { FaceCheck, TapResult, UnresolvedVisit, Visit } from '#contract/visit.ts';

/** Who asks: the operator's session and the screen it came from (for evidence and the access log). */
export interface Caller {
  readonly operatorId: string;
  readonly screen: string;
}

export interface SignInRequest {
  readonly cardKind: 'hpki' | 'my-number';
  /** ASCII bytes, overwritten with zeros before the promise settles; absent: entered on the keys of the box. */
  readonly pin: Uint8Array | undefined;
  readonly screen: string;
  /** Which client asks: nobody can guess another one's. */
  readonly client: string;
  /** Honoured after this client got `operator.pin-last-try` for this card, as long as the card stays there. */
  readonly acceptLastTry: boolean;
  /** Any other card is `operator.wrong-card`, before its PIN is asked. */
  readonly onlyOperatorId?: string;
}

/** One request that reads or changes patient data or anything of security. No names, numbers, PINs. */
export interface AccessNote {
  readonly operatorId?: string;
  readonly screen: string;
  readonly route: string;
  readonly subject?: string;
  readonly requestId: string;
  readonly error?: ErrorCode;
}

export interface AccessAdministration {
  /** Durable when it returns. Throws `store.*`. */
  note(note: AccessNote): void;
  /** Oldest first, with the names that the roster has now. For administrators. */
  ofDay(caller: Caller, day: string): Promise<readonly AccessListEntry[]>;
}

export interface RosterWish {
  /** The roster version that the administrator saw. */
  readonly baseVersion: number;
  readonly change: RosterChange;
}

/** For administrators: who may work here. All reject `operator.*`. */
export interface OperatorAdministration {
  list(caller: Caller): Promise<Roster>;
  /** Waits for the card of somebody who shall be added, reads its certificate and judges it. No PIN. Rejects `card.*`, `reader.*`. */
  readCard(
    caller: Caller,
    request: Pick<SignInRequest, 'cardKind' | 'client'>,
    signal?: AbortSignal,
  ): Promise<StaffCard>;
  /** The caller's own card signs the change; resolves when the SP's next roster is in force here. Rejects `roster.*`, `centre.*`, `card.*`. */
  change(
    caller: Caller,
    wish: RosterWish,
    confirmation: SignInRequest,
    signal?: AbortSignal,
  ): Promise<Roster>;
}

export interface PermitWish {
  /** ISO 8601. */
  readonly until: string;
  readonly maxUses: number;
  /** Operator ids. */
  readonly operators: readonly string[];
}

/** Leave for a home visit (`docs/permit.md`). All reject `operator.*`, `store.*`. */
export interface PermitAdministration {
  /** For administrators: the caller's own card signs it. Rejects `permit.*`, `network.*`, `card.*`, `sam.*`. */
  grant(
    caller: Caller,
    wish: PermitWish,
    confirmation: SignInRequest,
    signal?: AbortSignal,
  ): Promise<CarryOutStatus>;
  /** For everybody who is signed in. Rejects `permit.none`. */
  end(caller: Caller): Promise<void>;
}

export interface OperatorSession {
  readonly operator: Operator;
  readonly untilMs: number;
}

export interface StartTapRequest {
  readonly purpose: 'insurance-eligibility';
  /** Ask for limit-application information too (the patient agrees to it separately). */
  readonly includeLimitInfo: boolean;
  /** 照合番号B, 14 digits, for photo and attributes; absent = compare with the printed photo. Overwritten after use. */
  readonly verificationNumberB: Uint8Array | undefined;
  /** 券面事項入力補助用暗証番号, 4 digits, for the attributes of a new card. Overwritten after use. */
  readonly attributesPin: Uint8Array | undefined;
}

export interface BrowserImage {
  readonly mediaType: 'image/png';
  readonly bytes: Uint8Array;
}

export interface Gateway {
  snapshot(): GatewaySnapshot;
  /**
   * Called with each new snapshot; returns how to stop. Whoever does not show `steps` is spared those that differ in the steps of the
   * running tap only: two of three.
   */
  subscribe(listener: (snapshot: GatewaySnapshot) => void, which?: { readonly steps?: boolean }): () => void;

  /** Waits for the operator's card on the reader, verifies PIN and signature, opens the session. `signal` ends the wait: its client went away. Rejects `operator.*`, `card.*`, `reader.*`. */
  signIn(request: SignInRequest, signal?: AbortSignal): Promise<OperatorSession>;
  signOut(caller: Caller): Promise<void>;

  readonly operators: OperatorAdministration;
  readonly permits: PermitAdministration;
  readonly access: AccessAdministration;

  unlockOnline(caller: Caller): Promise<void>;
  /** Asks the SP; when that is silent, unlocks with the operator's card (on the reader) and PIN. */
  unlockOffline(caller: Caller, request: SignInRequest, signal?: AbortSignal): Promise<void>;
  lockSam(caller: Caller, reason: string): Promise<void>;
  /** Seals patient data with a new key from now on; resolves when that is so. For administrators. Rejects `sam.*`, `store.*`. */
  rotateDataKey(caller: Caller): Promise<void>;
  network(caller: Caller): Promise<RegisteredNetwork>;
  /** By an administrator. Rejects `operator.role-insufficient`, `network.key-differs`. */
  registerNetwork(caller: Caller, anchorKeySha256: string): Promise<void>;

  startTap(
    caller: Caller,
    request: StartTapRequest,
  ): Promise<{ tapId: string; consentText: { version: string; ja: string; en: string } }>;
  decideConsent(
    caller: Caller,
    tapId: string,
    decision: 'ok' | 'refused',
    input: 'screen' | 'button',
  ): Promise<void>;
  /** Progress of the current or of a recently finished tap; `tap.unknown` otherwise. */
  tapProgress(tapId: string): TapProgress;
  /** Resolves when the tap reaches `faceCheck`, `done` or `failed`. */
  waitForTap(tapId: string, signal: AbortSignal): Promise<TapProgress>;
  /** The card photo while the tap is in `faceCheck`; undefined when 照合番号B was not given. */
  tapPhoto(
    caller: Caller,
    tapId: string,
  ): { photo: BrowserImage; name: BrowserImage; address: BrowserImage } | undefined;
  /** Records the comparison, finishes the tap, answers the visit after its evidence is durable. Card attributes come this once. */
  recordFaceCheck(caller: Caller, tapId: string, check: FaceCheck): Promise<TapResult>;
  cancelTap(caller: Caller, tapId: string): Promise<void>;
  /** The visit of a finished tap. */
  tapVisit(tapId: string): Visit | undefined;

  /** Eligibility without a card (資格確認書): check digits are verified first. */
  visitByInsuredNumber(
    caller: Caller,
    insured: InsuredNumber,
    patientNumber: string | undefined,
  ): Promise<Visit>;
  linkPatient(
    caller: Caller,
    cardId: string,
    patientNumber: string,
    insured: InsuredNumber | undefined,
  ): Promise<void>;
  visitsOfDay(caller: Caller, day: string): Promise<readonly Visit[]>;
  visit(caller: Caller, visitId: string): Promise<Visit>;
  unresolvedVisits(caller: Caller): Promise<readonly UnresolvedVisit[]>;
  /** Tries to close what is open now; answers the visit as it then is. */
  reconcile(caller: Caller, visitId: string, insured: InsuredNumber | undefined): Promise<Visit>;
}
