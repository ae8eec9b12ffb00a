/** What tells the appliance where it is, as ports; `drivers/network` has the real ones. */

/** One look at the network card. What is unknown is absent; all of it can be forged, so it may end a lease and never grant one. */
export interface NetworkSight {
  readonly carrier: boolean;
  /** With prefix length, in order; of the family in which the anchors are asked. */
  readonly addresses: readonly string[];
  readonly gateway?: string | undefined;
  readonly gatewayMac?: string | undefined;
  readonly wirelessName?: string | undefined;
  readonly dhcpServer?: string | undefined;
}

export type NetworkEvent =
  /** Events come in from now on, and this is how it looks. */
  | { readonly type: 'seeing'; readonly sight: NetworkSight }
  | { readonly type: 'changed'; readonly sight: NetworkSight }
  /** Known before there was time for a look. */
  | { readonly type: 'linkDown' }
  /** No events come any more. */
  | { readonly type: 'blind' };

export interface NetworkEye {
  start(onEvent: (event: NetworkEvent) => void): void;
  close(): Promise<void>;
}

/** The switch that opens with the enclosure; `open` also when nobody can tell. */
export interface TamperSwitch {
  start(onChange: (state: 'open' | 'closed') => void): void;
  close(): Promise<void>;
}

/** Datagrams to and from the anchors. */
export interface AnchorLine {
  start(onDatagram: (datagram: Uint8Array) => void): Promise<void>;
  /** To every anchor; what cannot be sent is lost, as on the way. */
  send(datagram: Uint8Array): void;
  close(): Promise<void>;
}

/** Milliseconds since the system started, suspended time included; undefined where nobody knows. */
export type BootClock = () => number | undefined;
