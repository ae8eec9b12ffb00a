/** The anchor on its UDP socket. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import type { Anchor } from './anchor.ts';

/** Below the ports that systems hand out by themselves. */
export const DEFAULT_PORT = 26_460;

export interface ServiceOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /**
   * How many routers an answer survives, plus one. 1 = this network segment only: an answer that leaves it dies, so that
   * asking from elsewhere needs a relay inside.
   */
  readonly hops: number;
  /** The socket failed: the service has ended. */
  readonly onFailure: (error: Error) => void;
}

export interface RunningService {
  readonly port: number;
  close(): Promise<void>;
}

export async function startAnchorService(anchor: Anchor, options: ServiceOptions): Promise<RunningService> {
  // Of both families at once, the limit of hops would hold for one of them only.
  const socket: Socket = isIPv6(options.host)
    ? createSocket({ type: 'udp6', ipv6Only: true })
    : createSocket('udp4');
  socket.on('message', (datagram: Buffer, from: RemoteInfo) => {
    const answer = anchor.answer(datagram, from.address);
    // An answer that cannot be sent is one that got lost on the way: the device asks again in a second.
    if (answer !== undefined) socket.send(answer, from.port, from.address, () => {});
  });
  socket.bind(options.port, options.host);
  await once(socket, 'listening');
  socket.setTTL(options.hops);
  socket.on('error', options.onFailure);
  const closed = once(socket, 'close');
  let isOpen = true;
  return {
    port: socket.address().port,
    async close() {
      if (isOpen) socket.close();
      isOpen = false;
      await closed;
    },
  };
}
