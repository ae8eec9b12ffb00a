/** The access log: what the edges note, what administrators read, and its head in the evidence, where time stamps reach it. */
import { toSekishoError } from '#contract/errors.ts';
import type { AccessListEntry } from '#contract/http/access-log-routes.ts';
import type { AccessAdministration, AccessNote, Caller } from './face.ts';
import { operatorIdOf } from './operator-login.ts';
import type { OperatorSessions } from './operator-sessions.ts';
import type { GatewayParts } from './parts.ts';
import { appendStamped } from './stamped-entry.ts';

/** What was noted since the last anchor could be cut off unseen; so not for longer than this. */
const ANCHOR_EVERY_MS = 3_600_000;

export class AccessDesk implements AccessAdministration {
  readonly #parts: GatewayParts;
  readonly #sessions: Pick<OperatorSessions, 'requireAdministrator'>;
  #anchoredSeq = 0;
  #anchoredAtMs: number | undefined;

  constructor(parts: GatewayParts, sessions: Pick<OperatorSessions, 'requireAdministrator'>) {
    this.#parts = parts;
    this.#sessions = sessions;
  }

  note(note: AccessNote): void {
    const { clock, accessLog } = this.#parts;
    accessLog.append({ kind: 'access', at: new Date(clock.nowMs()).toISOString(), ...note });
  }

  async ofDay(caller: Caller, day: string): Promise<readonly AccessListEntry[]> {
    this.#sessions.requireAdministrator(caller);
    // A clinic's day is Japan's day, whatever the box is set to.
    const fromMs = Date.parse(`${day}T00:00:00+09:00`);
    const entries = this.#parts.accessLog.between(fromMs, fromMs + 86_400_000);
    const names = new Map(
      this.#parts.roster.roster()?.operators.map((each) => [operatorIdOf(each), each.displayName] as const),
    );
    return entries.map(({ kind: _access, ...entry }) => {
      const displayName = names.get(entry.operatorId ?? '');
      return displayName === undefined ? entry : { ...entry, displayName };
    });
  }

  /** Whenever that is due. Never rejects: it is tried again. */
  async anchorWhenDue(): Promise<void> {
    const nowMs = this.#parts.clock.monotonicMs();
    if (this.#anchoredAtMs === undefined || nowMs - this.#anchoredAtMs >= ANCHOR_EVERY_MS)
      await this.anchor();
  }

  /** The head goes into the evidence, unless it stands there. Never rejects. */
  async anchor(): Promise<void> {
    const { accessLog, clock, logger } = this.#parts;
    const head = accessLog.head();
    if (head === undefined || head.seq === this.#anchoredSeq) return;
    try {
      const at = new Date(clock.nowMs()).toISOString();
      await appendStamped(this.#parts, { kind: 'access-log', at, lastSeq: head.seq, lastHash: head.hash });
      this.#anchoredSeq = head.seq;
      this.#anchoredAtMs = clock.monotonicMs();
    } catch (thrown) {
      logger.error('access-log.not-anchored', { code: toSekishoError(thrown).code });
    }
  }
}
