/**
 * Tells a client that is slow from one whose bytes lie unread because this process was busy with others: when the time
 * of a connection is over, what has come by then is read first. Nobody is waited for any longer by that.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

export interface Lateness {
  /** The TLS handshake of this connection is done. */
  noteHandshake(socket: Duplex): void;
  noteRequest(request: IncomingMessage): void;
  /** The connection's time is over: runs `refuse`, unless the handshake or request is found complete after all. */
  judge(socket: Duplex, refuse: () => void): void;
}

export function createLateness(): Lateness {
  const secured = new WeakSet<Duplex>();
  const newest = new WeakMap<Duplex, IncomingMessage>();
  /** The last thing that is complete about a connection. */
  const reached = (socket: Duplex): IncomingMessage | 'handshake' | undefined => {
    const request = newest.get(socket);
    if (request?.complete) return request;
    return secured.has(socket) ? 'handshake' : undefined;
  };
  return {
    noteHandshake(socket) {
      secured.add(socket);
    },
    noteRequest(request) {
      newest.set(request.socket, request);
    },
    judge(socket, refuse) {
      const before = reached(socket);
      // Timers run before the sockets are read, and this after them.
      setImmediate(() => {
        if (reached(socket) === before) refuse();
      });
    },
  };
}
