/** A way to a broker; in process here, over a socket in `socket-link.ts`. */
import type { ApduMeter } from '#card/exchange.ts';
import type { SamBroker } from './broker.ts';
import type { Answer, Ask, BrokerEvent, CommandName } from './commands.ts';

/** `gone`: the broker cannot be reached any more; whatever it held is off. */
export type LinkEvent = BrokerEvent | { readonly event: 'gone' };

export interface BrokerLink {
  call<Name extends CommandName>(name: Name, ask: Ask<Name>): Promise<Answer<Name>>;
  /** As of the last answer. */
  readonly meter: ApduMeter;
  onEvent(listener: (event: LinkEvent) => void): void;
  close(): Promise<void>;
}

/** The same rules without the socket: for tests, and for `npm start`. */
export function linkInProcess(broker: SamBroker): BrokerLink {
  return {
    call: <Name extends CommandName>(name: Name, ask: Ask<Name>) =>
      broker.handle(name, ask) as Promise<Answer<Name>>,
    get meter() {
      return broker.meter;
    },
    onEvent: (listener) => void broker.onEvent(listener),
    close: () => broker.close(),
  };
}
