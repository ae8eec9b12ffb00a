/** The line to one SAM: one command at a time, `sam.*` errors only, bytes counted. */
import type { CommandApdu } from '#card/apdu.ts';
import type { CardChannel } from '#card/channel.ts';
import { type CardExchange, openExchange } from '#card/exchange.ts';
import { requireOk, type StatusTable } from '#card/status-word.ts';
import { type ErrorCode, SekishoError } from '#contract/errors.ts';
import { STATUS } from './status.ts';

export interface SamLine {
  readonly exchange: CardExchange;
  /** Resolves with the answer's data when the SAM said 9000, rejects with the code of `table` otherwise. */
  request(command: CommandApdu, options?: RequestOptions): Promise<Uint8Array>;
  close(): Promise<void>;
}

export interface RequestOptions {
  readonly table?: StatusTable;
}

export function openLine(channel: CardChannel): SamLine {
  const exchange = openExchange(withSamErrors(channel), { peer: 'sam' });
  return {
    exchange,
    async request(command, { table = STATUS.general } = {}) {
      const answer = await exchange.send(command);
      requireOk(answer, table);
      return answer.data;
    },
    close: () => channel.close(),
  };
}

/** A SAM slot may be driven by any card driver, which speaks of cards and readers; a screen must not say "tap again". */
function withSamErrors(channel: CardChannel): CardChannel {
  return {
    name: channel.name,
    identity: channel.identity,
    maxCommandBytes: channel.maxCommandBytes,
    async transmit(command, options) {
      try {
        return await channel.transmit(command, options);
      } catch (thrown) {
        throw toSamError(thrown);
      }
    },
    close: () => channel.close(),
  };
}

const LINE_ERRORS: Partial<Record<ErrorCode, ErrorCode>> = {
  'card.removed': 'sam.absent',
  'card.not-found': 'sam.absent',
  'reader.unreachable': 'sam.absent',
  'card.mute': 'sam.timeout',
  'reader.timeout': 'sam.timeout',
};

function toSamError(thrown: unknown): SekishoError {
  if (!(thrown instanceof SekishoError)) {
    return new SekishoError('sam.failed', { cause: thrown });
  }
  if (thrown.code.startsWith('sam.')) {
    return thrown;
  }
  return new SekishoError(LINE_ERRORS[thrown.code] ?? 'sam.failed', {
    context: thrown.context,
    cause: thrown,
  });
}
