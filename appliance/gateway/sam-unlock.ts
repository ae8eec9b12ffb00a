/** Opens the SAM: online by the SP's grant, offline by an operator's card. The SAM verifies both itself. */
import type { OpenSam } from '#broker/sam-access.ts';
import { fromHex, toHex } from '#card/bytes.ts';
import type { RosterAnswer } from '#contract/centre/service-provider.ts';
import { type ErrorCode, isSekishoError, SekishoError, toSekishoError } from '#contract/errors.ts';
import type { GatewayCore } from './core.ts';
import { operatorIdOf } from './operator-login.ts';
import type { GatewayParts } from './parts.ts';
import type { PatientData } from './patient-data.ts';
import { PersonWait } from './person-wait.ts';
import type { SamKeeper } from './sam-keeper.ts';
import type { SamOrders } from './sam-orders.ts';
import { appendStamped } from './stamped-entry.ts';
import { placeError } from './state.ts';
import { TickAnchor } from './tick-anchor.ts';
import { isPassing, UnlockAgain } from './unlock-again.ts';

/** Signs `message` with the operator card's authentication key; the card answers ECDSA raw, RSA PKCS#1 v1.5. */
export type OperatorSigner = (message: Uint8Array) => Promise<{ keyId: Uint8Array; signature: Uint8Array }>;

type How = { readonly how: 'online' } | { readonly how: 'offline'; readonly operatorId: string };

/** The SP says nothing, as opposed to no. */
const SILENCE: readonly ErrorCode[] = [
  'centre.unreachable',
  'centre.timeout',
  'centre.garbled',
  'centre.untrusted',
];

export function isSilence(thrown: unknown): boolean {
  return isSekishoError(thrown, ...SILENCE);
}

export class SamUnlock {
  readonly #parts: GatewayParts;
  readonly #core: GatewayCore;
  readonly #keeper: SamKeeper;
  readonly #patientData: PatientData;
  readonly #orders: SamOrders;
  readonly #stop: AbortSignal;
  readonly #again: UnlockAgain;
  readonly #anchor: TickAnchor;
  readonly #wait: PersonWait;
  /** Two unlocks at once would spend each other's challenge: the SAM keeps the newest only. */
  #turn: Promise<unknown> = Promise.resolve();
  #online: Promise<void> | undefined;
  /** The rules asked for it, and the SP has not answered yet. */
  #isOnlineWanted = false;
  /** The SP's last word was no, whatever happened to this program since. */
  #isRefused: boolean;

  /** `stop` ends what still runs in the background. */
  constructor(
    parts: GatewayParts,
    core: GatewayCore,
    {
      keeper,
      patientData,
      orders,
    }: { readonly keeper: SamKeeper; readonly patientData: PatientData; readonly orders: SamOrders },
    stop: AbortSignal,
  ) {
    this.#parts = parts;
    this.#core = core;
    this.#keeper = keeper;
    this.#patientData = patientData;
    this.#orders = orders;
    this.#stop = stop;
    this.#again = new UnlockAgain(parts.clock, core, () => this.onlineByItself(), stop);
    this.#anchor = new TickAnchor(parts, stop);
    this.#wait = new PersonWait(parts.queries);
    this.#isRefused = parts.queries.unlockRefusedSinceMs() !== undefined;
  }

  /** Challenge, grant, EXTERNAL AUTHENTICATE; then the tick anchor in the background. Rejects `centre.*`, `sam.*`. */
  online(): Promise<void> {
    // By itself it comes here only where nobody is waited for.
    this.#wait.personAsked();
    this.#online ??= this.#inTurn(() => this.#unlockOnline()).finally(() => {
      this.#online = undefined;
    });
    return this.#online;
  }

  /** What the rules ask for: without an answer of the SP it is tried again as soon as that is there. Never rejects. */
  async onlineByItself(): Promise<void> {
    // One that is under way was for the lease before: its SAM has lost its power since, and its yes opens nothing now.
    await this.#online?.catch(() => undefined);
    if (this.#core.facts.sam.kind === 'unlocked') return;
    if (this.#wait.isOn) return;
    try {
      await this.online();
    } catch (thrown) {
      const { code } = toSekishoError(thrown);
      this.#isOnlineWanted = isSilence(thrown);
      this.#parts.logger.warn('sam.not-unlocked', { code });
      if (isPassing(thrown)) this.#again.later();
    }
  }

  /** To be called when the SP may be there again. Never rejects. */
  async retryOnline(): Promise<void> {
    const { facts } = this.#core;
    const isPossible = facts.sam.kind === 'locked' && facts.network === 'registered';
    if (this.#isOnlineWanted && isPossible && this.#parts.centre.health().serviceProvider)
      await this.onlineByItself();
  }

  /** Does nothing more when an online unlock that is under way succeeds first. Rejects `sam.*` and what `sign` rejects. */
  async offline(sign: OperatorSigner, operatorId: string): Promise<void> {
    const isOpened = await this.#online?.then(
      () => true,
      () => false,
    );
    if (isOpened === true) return;
    // Its silence afterwards takes nothing back: only its yes does.
    if (this.#isRefused) throw new SekishoError('centre.refused');
    await this.#inTurn(() => this.#unlockOffline(sign, operatorId));
  }

  /** Fetches the SP's roster and gives it to the SAM when it is newer. An old one goes on working. Never rejects. */
  async refreshRoster(): Promise<void> {
    try {
      await this.takeRoster(await this.#parts.centre.serviceProvider.roster(this.#stop));
    } catch (thrown) {
      this.#parts.logger.warn('roster.not-refreshed', { code: toSekishoError(thrown).code });
    }
  }

  /** A roster that the SP has just given: into the SAM, then into the store, then over whoever is signed in. Rejects `sam.*`. */
  async takeRoster(roster: RosterAnswer): Promise<void> {
    await giveRoster(await this.#parts.samAccess.ready(), roster);
    this.#parts.roster.rememberRoster(roster);
    this.#endSuspendedSession(roster);
  }

  /** Gives SAM and broker the roster that is remembered here, when they have an older one. Rejects `sam.*`. */
  async bringRoster(): Promise<void> {
    const roster = this.#parts.roster.roster();
    if (roster !== undefined) await giveRoster(await this.#parts.samAccess.ready(), roster);
  }

  /** Who may not work here any more stops now, and not when the session ends by itself. */
  #endSuspendedSession({ operators }: RosterAnswer): void {
    const { operator: fact } = this.#core.facts;
    if (fact.kind === 'none') return;
    const { operatorId, cardKind, roles } = fact.operator;
    const entry = operators.find(
      (each) => operatorIdOf(each) === operatorId && each.cardKind === cardKind && !each.suspended,
    );
    if (entry === undefined) this.#core.apply({ type: 'operatorSuspended' });
    // With other roles one signs in anew: a session is worth what it was opened with.
    else if (entry.roles.toSorted().join() !== roles.toSorted().join())
      this.#core.apply({ type: 'operatorTimedOut' });
  }

  /** Has the ticks of this power-up anchored in time, where that is still missing. Never rejects. */
  anchorTicks(): Promise<void> {
    return this.#anchor.makeIfMissing();
  }

  /** Resolves when nothing runs in the background any more. */
  async settled(): Promise<void> {
    await this.#turn;
    await this.#anchor.settled();
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.#turn.then(work);
    this.#turn = done.catch(() => undefined);
    return done;
  }

  async #unlockOnline(): Promise<void> {
    const { centre, networkId } = this.#parts;
    const sam = await this.#openSam();
    const challenge = await sam.challenge();
    const request = { samId: sam.samId, challenge: toHex(challenge), networkId };
    const { grant } = await centre.serviceProvider
      .unlockSam(request, this.#stop)
      .catch(async (thrown: unknown) => {
        if (isSekishoError(thrown, 'centre.refused')) {
          await this.#rememberRefusal(sam);
          // Perhaps it wants more than that nothing opens.
          void this.#orders.followByItself();
        }
        throw thrown;
      });
    await sam.unlockOnline(new Uint8Array(Buffer.from(grant, 'base64')));
    await this.#opened(sam, { how: 'online' });
    this.#isRefused = false;
    await this.refreshRoster();
  }

  /** Once for all noes until the next yes. What the disk can not take counts all the same, until the program ends. */
  async #rememberRefusal({ samId }: OpenSam): Promise<void> {
    if (this.#isRefused) return;
    this.#isRefused = true;
    const [at, atMs] = [this.#now(), this.#parts.clock.nowMs()];
    const { networkId } = this.#parts;
    await appendStamped(this.#parts, { kind: 'sam-unlock-refused', at, samId, networkId }, () => [
      { do: 'remember-unlock-refusal', atMs },
    ]).catch((thrown: unknown) =>
      this.#parts.logger.error('sam-unlock-refused.not-recorded', { error: thrown }),
    );
  }

  async #unlockOffline(sign: OperatorSigner, operatorId: string): Promise<void> {
    const sam = await this.#openSam();
    const networkId = fromHex(this.#parts.networkId);
    const challenge = await sam.challenge();
    const { keyId, signature } = await sign(sam.offlineUnlockMessage(challenge, networkId));
    await sam.unlockOffline({ keyId, networkId, signature });
    await this.#opened(sam, { how: 'offline', operatorId });
  }

  /** Waits for a SAM that is being powered anew, not for one that is not there; a dead line is opened anew first. */
  async #openSam(): Promise<OpenSam> {
    await this.#keeper.revive();
    if (this.#core.facts.sam.kind === 'absent') throw new SekishoError('sam.absent');
    return this.#parts.samAccess.ready();
  }

  async #opened(sam: OpenSam, by: How): Promise<void> {
    const usesLeft = await this.#enterUnlocked(sam, by);
    this.#isOnlineWanted = false;
    this.#again.reset();
    await this.#recordUnlocked(sam, by, usesLeft);
    void this.#anchor.makeAfterUnlock();
    void this.#parts.samAccess.readAhead();
  }

  /** The facts say unlocked once patient data is open, too, or nothing is open. */
  async #enterUnlocked(sam: OpenSam, { how }: How): Promise<number> {
    try {
      await this.#patientData.open(sam);
      const { usesLeft } = await sam.status();
      // Lost or powered anew while it was being unlocked: the SAM that is there now is locked.
      if (this.#parts.samAccess.current !== sam) throw new SekishoError('sam.locked');
      this.#core.apply({ type: 'samUnlocked', by: how, usesLeft });
      const { sam: fact, network } = this.#core.facts;
      if (fact.kind !== 'unlocked') throw new SekishoError(placeError(network));
      return usesLeft;
    } catch (thrown) {
      if (this.#core.facts.sam.kind !== 'unlocked') await this.#shut(sam);
      throw thrown;
    }
  }

  /** The SAM that was just unlocked must not stay so unnoticed. */
  async #shut(sam: OpenSam): Promise<void> {
    this.#patientData.close();
    if (this.#parts.samAccess.current === sam) await sam.lock().catch(() => this.#parts.samAccess.drop(sam));
  }

  /** An open SAM of which the evidence says nothing must not stay open. */
  async #recordUnlocked(sam: OpenSam, by: How, maxUses: number): Promise<void> {
    try {
      const { samId } = sam;
      const { networkId, samAccess } = this.#parts;
      const at = this.#now();
      const isHome = this.#core.facts.network === 'registered';
      const leave = isHome ? undefined : (await samAccess.permit.status()).held;
      await appendStamped(
        this.#parts,
        {
          kind: 'sam-unlocked',
          at,
          samId,
          networkId,
          maxUses,
          ...by,
          ...(leave === undefined ? {} : { permitId: leave.permitId }),
        },
        // The yes that the SAM took lifts every no before it.
        () => [
          { do: 'lift-sam-lock' },
          ...(by.how === 'online' ? ([{ do: 'forget-unlock-refusal' }] as const) : []),
        ],
      );
    } catch (thrown) {
      this.#core.apply({ type: 'samLocked', reason: toSekishoError(thrown).code });
      throw thrown;
    }
  }

  #now(): string {
    return new Date(this.#parts.clock.nowMs()).toISOString();
  }
}

/** One of the two may have it already. */
async function giveRoster(sam: OpenSam, { version, update }: RosterAnswer): Promise<void> {
  const { rosterVersion, brokerRosterVersion } = await sam.status();
  if (version > Math.min(rosterVersion, brokerRosterVersion))
    await sam.updateRoster(new Uint8Array(Buffer.from(update, 'base64')));
}
