/** The broker: rules in front of a SAM. One command in, one answer or a typed refusal out; it shuts the SAM by itself. */
import { fromHex, toHex } from '#card/bytes.ts';
import type { ApduMeter } from '#card/exchange.ts';
import { isSekishoError, SekishoError } from '#contract/errors.ts';
import type { Clock } from '#ports/clock.ts';
import type { LeaseVerdict } from '#ports/lease-verifier.ts';
import type { Logger } from '#ports/logger.ts';
import { type Answer, type Ask, type BrokerEvent, COMMANDS, type CommandName } from './commands.ts';
import { LeaseWatch } from './lease-watch.ts';
import { MARK_EVERY_MS } from './permit.ts';
import type { Policy } from './policy.ts';
import { makeSamCommands, type SamCommandName, type SamCommands } from './sam-commands.ts';
import { type PoweredSam, SamPower, type SamSlot } from './sam-power.ts';

export interface BrokerParts {
  readonly slot: SamSlot;
  readonly policy: Policy;
  readonly clock: Clock;
  readonly logger: Logger;
}

type OwnCommands = {
  readonly [Name in Exclude<CommandName, SamCommandName>]: (ask: Ask<Name>) => Promise<Answer<Name>>;
};

const NOTHING: Record<string, never> = {};
const NO_METER: ApduMeter = { count: 0, bytesOut: 0, bytesIn: 0 };
/** For a SAM that a process before this one left in the middle of a command: long enough to learn that it is there and held. */
const CLEAR_PATIENCE_MS = 5_000;

/** Signed by the anchor, or by somebody in its place: over at once. The words are those of `contract/network.ts`. */
const LEASE_ENDS: Readonly<Partial<Record<LeaseVerdict, string>>> = {
  'not-registered': 'device-not-registered',
  revoked: 'device-revoked',
  'wrong-key': 'anchor-replaced',
};

export class SamBroker {
  readonly #parts: BrokerParts;
  readonly #policy: Policy;
  readonly #power: SamPower;
  readonly #samCommands: SamCommands;
  readonly #ownCommands: OwnCommands;
  readonly #leaseWatch: LeaseWatch;
  readonly #listeners = new Set<(event: BrokerEvent) => void>();
  /** One command at the SAM at a time: what the rules admit is sent in the same moment. */
  #turn: Promise<unknown> = Promise.resolve();
  #watchingPermit: AbortController | undefined;
  #samId: string | undefined;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
    this.#policy = parts.policy;
    this.#power = new SamPower(parts.slot, (powerUp) => this.#tell({ event: 'samLost', powerUp }));
    this.#samCommands = makeSamCommands({
      policy: parts.policy,
      wipe: (reason) => this.wipe(reason),
    });
    this.#leaseWatch = new LeaseWatch(parts.clock, parts.logger, (reason) => this.wipe(reason));
    this.#ownCommands = this.#makeOwnCommands();
    parts.policy.permit.onChanged((what) => this.#permitChanged(what));
  }

  /** Before anything else: a SAM that was left open is shut. Never rejects. */
  async clear(): Promise<void> {
    const patience = new AbortController();
    const absent = this.#parts.clock.sleep(CLEAR_PATIENCE_MS, patience.signal).then(
      () => patience.abort(new SekishoError('sam.absent')),
      () => undefined,
    );
    await this.#power.clear(patience.signal);
    patience.abort();
    await absent;
  }

  /** `ask` is whatever came in. Rejects `request.invalid` for what is no command, and all that rules and SAM refuse. */
  async handle(name: string, ask: unknown): Promise<unknown> {
    if (!Object.hasOwn(COMMANDS, name)) throw new SekishoError('request.invalid', { field: 'do' });
    const known = name as CommandName;
    const parsed = COMMANDS[known].ask.safeParse(ask, { reportInput: false });
    if (!parsed.success) throw new SekishoError('request.invalid', { field: known });
    // Nothing is done in between: also not by whoever is quicker than the timer. Without a lapse nothing is waited for,
    // either: an order to shut the SAM overtakes what was asked in the same moment.
    const lapse = this.#leaseWatch.noteLapse();
    if (lapse !== undefined) await lapse;
    if (Object.hasOwn(this.#ownCommands, known)) {
      const run = this.#ownCommands[known as keyof OwnCommands] as (ask: unknown) => Promise<unknown>;
      return run(parsed.data);
    }
    const run = this.#samCommands[known as SamCommandName] as (
      powered: PoweredSam,
      ask: unknown,
    ) => Promise<unknown>;
    const { powerUp } = parsed.data as { readonly powerUp: number };
    return this.#inTurn(powerUp, (powered) => run(powered, parsed.data));
  }

  /** Of the SAM that is powered. */
  get meter(): ApduMeter {
    return this.#power.powered?.sam.meter ?? NO_METER;
  }

  /** Answers how to stop listening. */
  onEvent(listener: (event: BrokerEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Off, and everything that was proven is forgotten; from whatever state, also in the middle of a command. */
  async wipe(reason: string): Promise<void> {
    this.#forget();
    const off = this.#power.off();
    this.#parts.logger.warn('broker.wiped', { reason });
    this.#tell({ event: 'wiped', reason });
    await off;
  }

  /** Throws when the SAM is open where it must not be: the watchdog then ends this process, and pcscd the unlock. */
  checkConsistency(): void {
    if (this.#power.powered?.isUnlocked === true && !this.#policy.isPlaceAllowed)
      throw new SekishoError('internal.bug', { context: { what: 'open without place' } });
  }

  /** Power off, and the memory is closed. */
  async close(): Promise<void> {
    this.#watchingPermit?.abort();
    this.#forget();
    await this.#power.close();
    this.#policy.close();
  }

  #makeOwnCommands(): OwnCommands {
    const { session } = this.#policy;
    return {
      open: ({ isFresh }) => this.#open(isFresh),
      cancelOpen: done(() => this.#power.cancelOpen()),
      powerOff: done(() => this.#power.off()),
      leaseQuestion: async () => ({ question: toHex(this.#lease.question(fromHex(this.#requireSamId()))) }),
      leaseAnswer: ({ answer }) => this.#takeLeaseAnswer(fromHex(answer)),
      endLease: done(({ reason }) => this.#endLease(reason)),
      signInChallenge: async () => ({ challenge: toHex(session.challenge()) }),
      signIn: done(({ keyId, signature }) => this.#policy.signIn(keyId, fromHex(signature))),
      operatorActive: done(() => session.touch()),
      signOut: done(() => session.end()),
      wipe: done(({ reason }) => this.wipe(reason)),
      permitNonce: async () => ({ nonce: this.#policy.permit.nonce() }),
      grantPermit: done((ask) => this.#grantPermit(ask)),
      permit: async () => describePermit(this.#policy.permit),
      endPermit: done(({ reason }) => this.#policy.permit.end(reason)),
      permitEndNoted: done(({ permitId }) => this.#policy.permit.endNoted(permitId)),
    };
  }

  async #open(isFresh: boolean): Promise<Answer<'open'>> {
    if (isFresh) await this.#power.off();
    const { powerUp, sam, institutionCode } = await this.#power.open();
    this.#samId = sam.samId;
    const { rosterVersion } = await this.#inTurn(powerUp, () => sam.status());
    this.#policy.recallRoster(sam.samId, rosterVersion);
    this.#watchPermit();
    this.#tell({ event: 'permitChanged' });
    return { powerUp, samId: sam.samId, institutionCode, tickNonce: toHex(sam.tickNonce) };
  }

  async #takeLeaseAnswer(answer: Uint8Array): Promise<Answer<'leaseAnswer'>> {
    const lease = this.#lease;
    const judged = lease.answer(answer);
    if (judged.verdict === 'granted') {
      if (this.#policy.permit.held?.isUsed === true) return this.#comeHome(judged.ageMs);
      this.#leaseWatch.begin(lease);
    }
    const end = LEASE_ENDS[judged.verdict];
    if (judged.verdict === 'revoked') this.#policy.permit.end('revoked');
    if (end !== undefined) await this.wipe(end);
    return judged;
  }

  async #endLease(reason: string): Promise<void> {
    const { lease } = this.#policy;
    const wasHome = this.#policy.isHome;
    lease?.end();
    // Whoever leaves with a permit opens the SAM with a card of it: what was open at home does not stay open.
    if (wasHome || !this.#policy.isPlaceAllowed) await this.wipe(reason);
  }

  #grantPermit({ message, keyId, signature }: Ask<'grantPermit'>): void {
    const signed = { message: fromHex(message), keyId, signature: fromHex(signature) };
    this.#policy.grantPermit(signed, this.#requireSamId());
    this.#watchPermit();
    this.#tell({ event: 'permitChanged' });
  }

  /**
   * Back from where the permit was for: it has done its work, and whoever was let in by it is not let in by coming home.
   * This answer is spent on that; the next one begins the lease.
   */
  async #comeHome(ageMs: number): Promise<Answer<'leaseAnswer'>> {
    this.#policy.permit.end('returned');
    await this.wipe('permit-returned');
    return { verdict: 'ignored', ageMs };
  }

  #permitChanged(what: 'progress' | 'ended'): void {
    this.#tell({ event: 'permitChanged' });
    if (what === 'progress') {
      // The last use has moved the end.
      this.#watchPermit();
      return;
    }
    this.#watchingPermit?.abort();
    if (this.#policy.isHome) return;
    this.wipe('permit-ended').catch((error: unknown) =>
      this.#parts.logger.error('broker.wipe-failed', { error }),
    );
  }

  /** Ends the permit in its very moment, and writes down now and then how far it has run. */
  #watchPermit(): void {
    this.#watchingPermit?.abort();
    const watching = new AbortController();
    this.#watchingPermit = watching;
    const { permit } = this.#policy;
    const watch = async (): Promise<void> => {
      for (let restMs = permit.restMs; restMs !== undefined; restMs = permit.restMs) {
        await this.#parts.clock.sleep(Math.max(1, Math.min(restMs, MARK_EVERY_MS)), watching.signal);
        this.#markPermit();
      }
    };
    watch().catch((error: unknown) => {
      if (!watching.signal.aborted) this.#parts.logger.error('broker.permit-not-watched', { error });
    });
  }

  /** A disk that is full must not keep the permit from ending at its time. */
  #markPermit(): void {
    try {
      this.#policy.permit.mark();
    } catch (error) {
      this.#parts.logger.error('broker.permit-not-marked', { error });
    }
  }

  #forget(): void {
    this.#leaseWatch.end();
    this.#policy.end();
  }

  #inTurn<T>(powerUp: number, work: (powered: PoweredSam) => Promise<T>): Promise<T> {
    const result = this.#turn.then(() => this.#power.run(powerUp, work));
    this.#turn = result.catch((thrown: unknown) => {
      // The line is dead: whoever wants the SAM opens it anew.
      if (isSekishoError(thrown, 'sam.absent', 'sam.timeout')) this.#power.drop(powerUp);
    });
    return result;
  }

  get #lease(): NonNullable<Policy['lease']> {
    const { lease } = this.#policy;
    if (lease === undefined) throw new SekishoError('network.absent', { context: { reason: 'no anchor' } });
    return lease;
  }

  #requireSamId(): string {
    if (this.#samId === undefined) throw new SekishoError('sam.absent');
    return this.#samId;
  }

  #tell(event: BrokerEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}

function describePermit({ held, ended }: Policy['permit']): Answer<'permit'> {
  const known = held && {
    permitId: held.terms.nonce,
    untilS: held.terms.untilS,
    usesLeft: held.usesLeft,
    operators: [...held.terms.operators],
    grantedBy: held.grantedBy,
    isUsed: held.isUsed,
  };
  return { ...(known && { held: known }), ...(ended && { ended }) };
}

/** A command whose answer is that it was done. */
function done<T>(work: (ask: T) => unknown): (ask: T) => Promise<Record<string, never>> {
  return async (ask) => {
    await work(ask);
    return NOTHING;
  };
}
