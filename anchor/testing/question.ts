/** The device's half, written anew from `docs/lease-protocol.md`. Tests only. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';

export interface QuestionFields {
  readonly deviceId: string;
  readonly networkId: string;
  readonly nonce: Uint8Array;
}

export function makeQuestion({ deviceId, networkId, nonce }: QuestionFields): Buffer {
  const padding = Buffer.alloc(192);
  return Buffer.concat([
    Buffer.from('SEKISHO-LEASE-Q1'),
    Buffer.from(deviceId, 'hex'),
    Buffer.from(networkId, 'hex'),
    nonce,
    padding,
  ]).subarray(0, 192);
}

export interface Asker {
  /** The next datagram that comes back, or undefined after `waitMs`. */
  ask(datagram: Uint8Array, waitMs?: number): Promise<Buffer | undefined>;
  close(): void;
}

export async function openAsker(port: number): Promise<Asker> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return {
    ask(datagram, waitMs = 30_000) {
      return new Promise((resolve) => {
        const onMessage = (answer: Buffer): void => {
          clearTimeout(timer);
          resolve(answer);
        };
        const timer = setTimeout(() => {
          socket.off('message', onMessage);
          resolve(undefined);
        }, waitMs);
        socket.once('message', onMessage);
        socket.send(datagram, port, '127.0.0.1');
      });
    },
    close: () => socket.close(),
  };
}
