/**
 * One mutually authenticated TLS connection that carries HTTP requests, one at a time.
 * It is opened by hand, not by an agent's own accord, because what is proven about it holds for this one only:
 * no session is ever resumed and a lost connection is never replaced in silence.
 */
import { Agent } from 'node:http';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { SekishoError } from '#contract/errors.ts';
import { abortError } from './deadline.ts';
import { ConnectionWentStale, exchange, type HttpAnswer, type HttpQuestion } from './http-exchange.ts';
import { transportError } from './transport-error.ts';

/** PEM. */
export interface TlsCredentials {
  /** The pinned authority of the centre; the machine's own store is not asked. */
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
}

/** TLS 1.3 preferred, 1.2 the least; the server's name or address must be in its certificate. */
export function tlsOptions(credentials: TlsCredentials, hostname: string): ConnectionOptions {
  return {
    ca: credentials.authority,
    cert: credentials.certificate,
    key: credentials.key,
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
    servername: isIP(hostname) === 0 ? hostname : '',
  };
}

/** Hands out the one socket it was given, and nothing after that. */
class OneSocketAgent extends Agent {
  readonly #socket: Duplex;
  #given = false;

  constructor(socket: Duplex) {
    super({ keepAlive: true, maxSockets: 1 });
    this.#socket = socket;
  }

  override createConnection(
    _options: unknown,
    done?: (error: Error | null, socket: Duplex) => void,
  ): Duplex | null {
    if (!this.#given) {
      this.#given = true;
      return this.#socket;
    }
    done?.(new ConnectionWentStale(), this.#socket);
    return null;
  }
}

export interface TlsConnection {
  /** False once the connection is lost or was cut off in the middle of an answer. */
  readonly usable: boolean;
  /** Keying material of this connection, no context. @see RFC 8446 §7.5, RFC 5705 §4 */
  exportKeyingMaterial(label: string, lengthBytes: number): Uint8Array;
  exchange(question: HttpQuestion, signal: AbortSignal): Promise<HttpAnswer>;
  onClose(listener: () => void): void;
  close(): void;
}

function openSocket(origin: URL, credentials: TlsCredentials, signal: AbortSignal): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const host = origin.hostname.replace(/^\[|\]$/g, '');
    const socket = connect({ ...tlsOptions(credentials, host), host, port: Number(origin.port || 443) });
    const onAbort = (): void => {
      reject(abortError(signal));
      socket.destroy();
    };
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    socket.setNoDelay(true);
    socket.once('secureConnect', () => {
      signal.removeEventListener('abort', onAbort);
      resolve(socket);
    });
    // Stays for the life of the socket: a late error must not go unheard, and a second reject does nothing.
    socket.on('error', (thrown) => reject(transportError(thrown)));
    socket.once('close', () =>
      reject(new SekishoError('centre.unreachable', { context: { why: 'closed' } })),
    );
  });
}

/** Opens a connection; rejects with `centre.*` or the reason of `signal`. */
export async function openTlsConnection(
  origin: URL,
  credentials: TlsCredentials,
  signal: AbortSignal,
): Promise<TlsConnection> {
  const socket = await openSocket(origin, credentials, signal);
  const agent = new OneSocketAgent(socket);
  const exportMaterial = socket.exportKeyingMaterial.bind(socket) as (
    length: number,
    label: string,
  ) => Buffer;
  return {
    get usable() {
      return !socket.destroyed && socket.readable && socket.writable;
    },
    exportKeyingMaterial: (label, lengthBytes) => exportMaterial(lengthBytes, label),
    exchange: (question, during) => exchange(agent, asHttp(origin), question, during),
    onClose: (listener) => socket.once('close', listener),
    close: () => {
      agent.destroy();
      socket.destroy();
    },
  };
}

/** The agent's socket is already TLS; node:http must not think that it should make one. */
function asHttp(origin: URL): URL {
  return new URL(`http://${origin.host}`);
}
