/** Follows the carry-out permit that the broker holds: into the facts, onto the screens, and on record when it has ended. */
import { toSekishoError } from '#contract/errors.ts';
import type { CarryOutStatus } from '#contract/permit.ts';
import type { GatewayCore } from './core.ts';
import { operatorIdOf } from './operator-login.ts';
import type { GatewayParts } from './parts.ts';
import { appendStamped } from './stamped-entry.ts';

export class PermitKeeper {
  readonly #parts: GatewayParts;
  readonly #core: GatewayCore;
  readonly #stopHearing: () => void;
  #status: CarryOutStatus | undefined;
  /** One look at a time: an end is recorded once. */
  #turn: Promise<void> = Promise.resolve();

  constructor(parts: GatewayParts, core: GatewayCore) {
    this.#parts = parts;
    this.#core = core;
    this.#stopHearing = parts.samAccess.permit.onChanged(() => void this.look());
  }

  /** For the snapshot; undefined without one. */
  get status(): CarryOutStatus | undefined {
    return this.#status;
  }

  /** Asks the broker how it is. Resolves when the facts say so. Never rejects. */
  look(): Promise<void> {
    this.#turn = this.#turn
      .then(() => this.#look())
      .catch((thrown: unknown) => {
        this.#parts.logger.warn('permit.not-known', { code: toSekishoError(thrown).code });
      });
    return this.#turn;
  }

  async close(): Promise<void> {
    this.#stopHearing();
    await this.#turn;
  }

  async #look(): Promise<void> {
    const { samAccess, roster, ledger } = this.#parts;
    const { held, ended } = await samAccess.permit.status();
    if (held === undefined) {
      this.#status = undefined;
      if (this.#core.facts.permit.kind !== 'none') this.#core.apply({ type: 'permitEnded' });
    } else {
      const { untilS, usesLeft, isUsed } = held;
      const known = roster.roster()?.operators ?? [];
      this.#status = {
        until: new Date(untilS * 1_000).toISOString(),
        usesLeft,
        isUsed,
        operators: held.operators.map((keyId) => ({
          operatorId: operatorIdOf({ keyId }),
          displayName: known.find((each) => each.keyId === keyId)?.displayName ?? '',
        })),
      };
      this.#core.apply({ type: 'permitInForce', untilMs: untilS * 1_000, uses: usesLeft });
    }
    if (ended === undefined) return;
    const at = new Date(this.#parts.clock.nowMs()).toISOString();
    const record = { kind: 'permit-ended', at, ...ended } as const;
    // Not when the SAM is powered off just for that: the stamp would wait for it.
    if (samAccess.current === undefined) await ledger.append(record);
    else await appendStamped(this.#parts, record);
    await samAccess.permit.endNoted(ended.permitId);
  }
}
