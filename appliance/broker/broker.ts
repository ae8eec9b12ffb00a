/** The broker: rules in front of a SAM. One command in, one answer or a typed refusal out; it shuts the SAM by itself. */
import type { ApduMeter } from '#card/exchange.ts';
import { isSekishoError, SekishoError } from '#contract/errors.ts';
import type { Clock } from '#ports/clock.ts';
import type { LeaseVerdict } from '#ports/lease-verifier.ts';
import type { Logger } from '#ports/logger.ts';
import { type Answer, type Ask, type BrokerEvent, COMMANDS, type CommandName } from './commands.ts';
import { fromHex, toHex } from './hex.ts';
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
const CLEAR_PATIENCE_MS = 1_500;
/** The lease ends by the clock, and by a jump of the clock, which only looking shows. */
const LEASE_LOOK_MS = 250;

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
  readonly #listeners = new Set<(event: BrokerEvent) => void>();
  /** One command at the SAM at a time: what the rules admit is sent in the same moment. */
  #turn: Promise<unknown> = Promise.resolve();
  #watching: AbortController | undefined;
  #samId: string | undefined;

  constructor(parts: BrokerParts) {
    this.#parts = parts;
    this.#policy = parts.policy;
    this.#power = new SamPower(parts.slot, (powerUp) => this.#tell({ event: 'samLost', powerUp }));
    this.#samCommands = makeSamCommands({
      policy: parts.policy,
      wipe: (reason) => this.wipe(reason),
    });
    this.#ownCommands = this.#makeOwnCommands();
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

  async close(): Promise<void> {
    this.#forget();
    await this.#power.close();
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
    };
  }

  async #open(isFresh: boolean): Promise<Answer<'open'>> {
    if (isFresh) await this.#power.off();
    const { powerUp, sam, institutionCode } = await this.#power.open();
    this.#samId = sam.samId;
    const { rosterVersion } = await this.#inTurn(powerUp, () => sam.status());
    this.#policy.recallRoster(sam.samId, rosterVersion);
    return { powerUp, samId: sam.samId, institutionCode, tickNonce: toHex(sam.tickNonce) };
  }

  async #takeLeaseAnswer(answer: Uint8Array): Promise<Answer<'leaseAnswer'>> {
    const lease = this.#lease;
    const judged = lease.answer(answer);
    if (judged.verdict === 'granted') this.#watchLease(lease);
    const end = LEASE_ENDS[judged.verdict];
    if (end !== undefined) await this.wipe(end);
    return judged;
  }

  async #endLease(reason: string): Promise<void> {
    const { lease } = this.#policy;
    lease?.end();
    if (lease === undefined || !this.#policy.isPlaceAllowed) await this.wipe(reason);
  }

  /** The broker's own timer: a gateway that hangs, lies or was killed brings no answers. */
  #watchLease(lease: NonNullable<Policy['lease']>): void {
    if (this.#watching !== undefined) return;
    const watching = new AbortController();
    this.#watching = watching;
    const watch = async (): Promise<void> => {
      while (lease.isValid) {
        const leftMs = lease.validUntilMs - this.#parts.clock.monotonicMs();
        await this.#parts.clock.sleep(Math.min(leftMs, LEASE_LOOK_MS), watching.signal);
      }
      this.#watching = undefined;
      if (!this.#policy.isPlaceAllowed)
        await this.wipe(lease.hasClockJumped ? 'clock-jumped' : 'anchor-silent');
    };
    watch().catch(() => undefined);
  }

  #forget(): void {
    this.#watching?.abort();
    this.#watching = undefined;
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

/** A command whose answer is that it was done. */
function done<T>(work: (ask: T) => unknown): (ask: T) => Promise<Record<string, never>> {
  return async (ask) => {
    await work(ask);
    return NOTHING;
  };
}
