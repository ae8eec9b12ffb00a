/**
 * What can go wrong between a card and its reader, as a list of behaviours. The first that handles an
 * exchange wins; one that answers undefined passes it on. They work in process and behind vpcd.
 */
import { concat, uint } from './bytes.ts';

/** One exchange as a behaviour sees it. */
export interface FaultExchange {
  /** 1 for the first APDU since the card came. */
  readonly count: number;
  readonly command: Uint8Array;
  /** Lets the card process the command, with its usual time. */
  run(): Promise<Uint8Array>;
  sleep(ms: number): Promise<void>;
}

export type FaultOutcome =
  | { readonly kind: 'answer'; readonly bytes: Uint8Array }
  /** The card left; nothing comes back. */
  | { readonly kind: 'removed' }
  /** The card stays and says nothing. */
  | { readonly kind: 'mute' };

export interface Behaviour {
  readonly name: string;
  /** Two cards at once: the reader cannot start with either. In-process readers only. */
  readonly isCollision?: boolean;
  handle(exchange: FaultExchange): Promise<FaultOutcome> | undefined;
}

function answered(bytes: Uint8Array): FaultOutcome {
  return { kind: 'answer', bytes };
}

/** The card answers `count` APDUs and is gone before the next. */
export function removeAfterApdus(count: number): Behaviour {
  return {
    name: `remove-after ${count}`,
    handle: (exchange) => (exchange.count > count ? Promise.resolve({ kind: 'removed' }) : undefined),
  };
}

/** The card does the work of APDU `number`, and is gone before its answer arrives. */
export function removeMidApdu(number: number): Behaviour {
  return {
    name: `remove-mid ${number}`,
    handle: (exchange) =>
      exchange.count === number ? exchange.run().then(() => ({ kind: 'removed' }) as const) : undefined,
  };
}

function alterAnswer(name: string, number: number, alter: (answer: Uint8Array) => Uint8Array): Behaviour {
  return {
    name: `${name} ${number}`,
    handle: (exchange) =>
      exchange.count === number ? exchange.run().then((answer) => answered(alter(answer))) : undefined,
  };
}

/** Only the first `keptBytes` of answer `number` arrive. */
export function truncateAnswer(number: number, keptBytes = 1): Behaviour {
  return alterAnswer('truncate', number, (answer) => answer.slice(0, keptBytes));
}

/** Answer `number` is longer than anybody asked for. */
export function oversizeAnswer(number: number, extraBytes = 300): Behaviour {
  return alterAnswer('oversize', number, (answer) =>
    concat(answer.slice(0, -2), new Uint8Array(extraBytes).fill(0xa5), answer.slice(-2)),
  );
}

/** Every third byte of answer `number` is wrong; its status word stays. */
export function garbleAnswer(number: number): Behaviour {
  return alterAnswer('garble', number, (answer) =>
    answer.map((byte, at) => (at % 3 === 0 && at < answer.length - 2 ? byte ^ 0x5a : byte)),
  );
}

/** APDU `number` is answered with `sw` and never reaches the card. */
export function answerOnce(sw: number, number = 1): Behaviour {
  return {
    name: `answer ${sw.toString(16)} ${number}`,
    handle: (exchange) => (exchange.count === number ? Promise.resolve(answered(uint(sw, 2))) : undefined),
  };
}

/** Every answer takes `ms` longer. */
export function slow(ms: number): Behaviour {
  return {
    name: `slow ${ms}`,
    handle: async (exchange) => {
      await exchange.sleep(ms);
      return answered(await exchange.run());
    },
  };
}

/** From APDU `number` on the card says nothing. */
export function mute(number = 1): Behaviour {
  return {
    name: `mute ${number}`,
    handle: (exchange) => (exchange.count >= number ? Promise.resolve({ kind: 'mute' }) : undefined),
  };
}

/** A second card lies in the field. */
export function twoCards(): Behaviour {
  return { name: 'two-cards', isCollision: true, handle: () => undefined };
}
