/**
 * Connections to one service of the centre on which the SAM has proven the device.
 * The proof signs the TLS exporter, so it belongs to one connection: each new one is proven before it is used.
 *
 * @see docs/sam-profile.md 4.5
 */
import { DeviceProof } from '#contract/centre/service-provider.ts';
import { DEVICE_PROOF_EXPORTER_BYTES, DEVICE_PROOF_EXPORTER_LABEL } from '#contract/centre/wire.ts';
import { SekishoError } from '#contract/errors.ts';
import { abortError } from './deadline.ts';
import { ConnectionWentStale, type HttpAnswer, type HttpQuestion } from './http-exchange.ts';
import { requireSuccess } from './json-request.ts';
import type { Line } from './line.ts';
import type { DeviceSigner } from './ports.ts';
import { openTlsConnection, type TlsConnection, type TlsCredentials } from './tls-connection.ts';
import { transportError } from './transport-error.ts';

/** One for the tap and one for whatever runs in the background; a third request waits. */
const MAX_CONNECTIONS = 2;

type Opener = (signal: AbortSignal) => Promise<TlsConnection>;

async function signProof(connection: TlsConnection, signer: DeviceSigner): Promise<DeviceProof> {
  const exported = connection.exportKeyingMaterial(DEVICE_PROOF_EXPORTER_LABEL, DEVICE_PROOF_EXPORTER_BYTES);
  try {
    const certificate = await signer.deviceCertificate();
    const signature = await signer.signDeviceProof(exported);
    return DeviceProof.parse({
      deviceCertificate: Buffer.from(certificate).toString('base64'),
      signature: Buffer.from(signature).toString('base64'),
    });
  } catch (cause) {
    throw new SekishoError('centre.unreachable', { cause, context: { why: 'no device proof' } });
  }
}

async function proveDevice(
  connection: TlsConnection,
  signer: DeviceSigner,
  signal: AbortSignal,
): Promise<void> {
  const bytes = Buffer.from(JSON.stringify(await signProof(connection, signer)));
  const answer = await connection.exchange(
    {
      method: 'POST',
      path: '/v1/device/proof',
      accept: 'application/problem+json',
      body: { mediaType: 'application/json', bytes },
      maxAnswerBytes: 4096,
    },
    signal,
  );
  requireSuccess(answer, [204]);
}

/** Opens and proves one connection. `onOrders` is told of each answer that says that an order waits. */
export function makeOpener(
  origin: URL,
  credentials: TlsCredentials,
  signer: DeviceSigner,
  onOrders: () => void,
): Opener {
  return async (signal) => {
    const connection = listening(await openTlsConnection(origin, credentials, signal), onOrders);
    try {
      await proveDevice(connection, signer, signal);
      return connection;
    } catch (thrown) {
      connection.close();
      if (thrown instanceof ConnectionWentStale)
        throw new SekishoError('centre.unreachable', { cause: thrown });
      throw thrown;
    }
  };
}

function listening(connection: TlsConnection, onOrders: () => void): TlsConnection {
  return {
    get usable() {
      return connection.usable;
    },
    exportKeyingMaterial: (label, lengthBytes) => connection.exportKeyingMaterial(label, lengthBytes),
    async exchange(question, signal) {
      const answer = await connection.exchange(question, signal);
      if (answer.hasOrders) onOrders();
      return answer;
    },
    onClose: (listener) => connection.onClose(listener),
    close: () => connection.close(),
  };
}

/** A small pool over `open`: idle connections first, then a new one, then a place in the queue. */
export class ProvenLine implements Line {
  readonly #open: Opener;
  readonly #idle: TlsConnection[] = [];
  readonly #all = new Set<TlsConnection>();
  readonly #waiting: (() => void)[] = [];
  readonly #lostListeners: (() => void)[] = [];
  /** Connections that are open or being opened. */
  #count = 0;
  #closed = false;
  #warming: Promise<void> | undefined;

  constructor(open: Opener) {
    this.#open = open;
  }

  async exchange(question: HttpQuestion, signal: AbortSignal): Promise<HttpAnswer> {
    try {
      return await this.#exchangeOnce(question, signal);
    } catch (thrown) {
      if (!(thrown instanceof ConnectionWentStale)) throw thrown;
    }
    // Every question of the contract may be asked twice; more often would make the SAM prove for nothing.
    try {
      return await this.#exchangeOnce(question, signal);
    } catch (thrown) {
      throw transportError(thrown);
    }
  }

  async warm(signal: AbortSignal): Promise<void> {
    const underWay = this.#warming ?? this.#startWarming(signal);
    await underWay;
  }

  onLost(listener: () => void): void {
    this.#lostListeners.push(listener);
  }

  close(): void {
    this.#closed = true;
    for (const connection of this.#all) connection.close();
    for (const go of this.#waiting.splice(0)) go();
  }

  async #exchangeOnce(question: HttpQuestion, signal: AbortSignal): Promise<HttpAnswer> {
    const connection = await this.#acquire(signal);
    try {
      return await connection.exchange(question, signal);
    } catch (thrown) {
      connection.close();
      throw thrown;
    } finally {
      this.#release(connection);
    }
  }

  #startWarming(signal: AbortSignal): Promise<void> | undefined {
    const usable = [...this.#all].some((connection) => connection.usable);
    if (usable || this.#count >= MAX_CONNECTIONS) return undefined;
    this.#warming = this.#add(signal)
      .then((connection) => this.#release(connection))
      .finally(() => {
        this.#warming = undefined;
        // Whoever was woken by a warming that failed saw it still under way and queued again.
        this.#waiting.shift()?.();
      });
    return this.#warming;
  }

  async #acquire(signal: AbortSignal): Promise<TlsConnection> {
    for (;;) {
      if (signal.aborted) throw abortError(signal);
      if (this.#closed) throw new SekishoError('centre.unreachable', { context: { why: 'closed' } });
      const idle = this.#idle.pop();
      if (idle?.usable) return idle;
      if (idle !== undefined) continue;
      // A connection that is being warmed is for the first who asks: the SAM need not prove another.
      const spoken = this.#warming === undefined || this.#waiting.length > 0;
      if (spoken && this.#count < MAX_CONNECTIONS) return this.#add(signal);
      await this.#turn(signal);
    }
  }

  /** Resolves when a connection came back or was lost; the queue is first come, first served. */
  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const go = (): void => {
        signal.removeEventListener('abort', leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(go), 1);
        resolve();
      };
      this.#waiting.push(go);
      signal.addEventListener('abort', leave, { once: true });
    });
  }

  async #add(signal: AbortSignal): Promise<TlsConnection> {
    this.#count += 1;
    try {
      const connection = await this.#open(signal);
      if (this.#closed) connection.close();
      this.#all.add(connection);
      connection.onClose(() => this.#forget(connection));
      if (!connection.usable) this.#forget(connection);
      return connection;
    } catch (thrown) {
      this.#count -= 1;
      this.#waiting.shift()?.();
      throw thrown;
    }
  }

  #release(connection: TlsConnection): void {
    if (!connection.usable) return;
    this.#idle.push(connection);
    this.#waiting.shift()?.();
  }

  #forget(connection: TlsConnection): void {
    if (!this.#all.delete(connection)) return;
    this.#count -= 1;
    const index = this.#idle.indexOf(connection);
    const wasIdle = index >= 0;
    if (wasIdle) this.#idle.splice(index, 1);
    this.#waiting.shift()?.();
    if (wasIdle && !this.#closed) for (const listener of this.#lostListeners) listener();
  }
}
