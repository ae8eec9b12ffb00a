/** UDP to the anchors of the clinic. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import type { AnchorLine } from '#ports/surroundings.ts';

export interface AnchorAddress {
  readonly host: string;
  readonly port: number;
}

export interface UdpAnchorLineOptions {
  readonly anchors: readonly AnchorAddress[];
  /** Routers that a question may pass, plus one. */
  readonly hops: number;
}

/** An answer, by `docs/lease-protocol.md`; anything else is dropped before anybody looks into it. */
const ANSWER_BYTES = 176;

export class UdpAnchorLine implements AnchorLine {
  readonly #options: UdpAnchorLineOptions;
  readonly #sockets = new Map<'udp4' | 'udp6', Socket>();

  constructor(options: UdpAnchorLineOptions) {
    this.#options = options;
  }

  async start(onDatagram: (datagram: Uint8Array) => void): Promise<void> {
    for (const family of new Set(this.#options.anchors.map(familyOf))) {
      const socket = createSocket(family);
      this.#sockets.set(family, socket);
      socket.on('message', (datagram) => {
        if (datagram.length === ANSWER_BYTES) onDatagram(datagram);
      });
      // "Port unreachable" and the like: the same as no answer.
      socket.on('error', () => {});
      socket.bind(0);
      await once(socket, 'listening');
      socket.setTTL(this.#options.hops);
    }
  }

  send(datagram: Uint8Array): void {
    for (const anchor of this.#options.anchors) {
      this.#sockets.get(familyOf(anchor))?.send(datagram, anchor.port, anchor.host, () => {});
    }
  }

  async close(): Promise<void> {
    const sockets = [...this.#sockets.values()];
    this.#sockets.clear();
    await Promise.all(sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))));
  }
}

function familyOf({ host }: AnchorAddress): 'udp4' | 'udp6' {
  return isIPv6(host) ? 'udp6' : 'udp4';
}
