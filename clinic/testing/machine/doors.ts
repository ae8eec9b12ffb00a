/**
 * Ways between a machine and the test, which share no network: sockets in a folder that both see. Inside,
 * systemd-socket-proxyd stands at each.
 */
import { once } from 'node:events';
import {
  type AddressInfo,
  connect,
  createServer,
  type NetConnectOpts,
  type Server,
  type Socket,
} from 'node:net';
import { join } from 'node:path';
import type { Machine } from './machine.ts';

const HERE = '127.0.0.1';
const PROXY = '/lib/systemd/systemd-socket-proxyd';
/** `out@PORT` leads from a port of the machine's loopback to that of the test's, `in@PORT` the other way. */
const UNITS: Readonly<Record<string, string>> = {
  'out@.socket': `[Socket]\nListenStream=${HERE}:%i\n`,
  'out@.service': `[Service]\nExecStart=${PROXY} /outside/out-%i.sock\n`,
  'in@.socket': `[Socket]\nListenStream=/outside/in-%i.sock\n`,
  'in@.service': `[Service]\nExecStart=${PROXY} ${HERE}:%i\n`,
};

export class Doors {
  readonly #machine: Machine;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(machine: Machine) {
    this.#machine = machine;
  }

  static async make(machine: Machine): Promise<Doors> {
    for (const [name, text] of Object.entries(UNITS)) await machine.put(`/run/systemd/system/${name}`, text);
    await machine.must('systemctl', 'daemon-reload');
    return new Doors(machine);
  }

  /** Whoever connects to `port` inside reaches the same port outside. */
  async out(port: number): Promise<void> {
    const server = this.#relayTo({ host: HERE, port }).listen(join(this.#machine.folder, `out-${port}.sock`));
    await once(server, 'listening');
    await this.#machine.must('systemctl', 'start', `out@${port}.socket`);
  }

  /** Answers the port outside that leads to `port` inside. */
  async in(port: number): Promise<number> {
    await this.#machine.must('systemctl', 'start', `in@${port}.socket`);
    const server = this.#relayTo({ path: join(this.#machine.folder, `in-${port}.sock`) }).listen(0, HERE);
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await Promise.all(this.#servers.map((server) => new Promise((resolve) => server.close(resolve))));
  }

  #relayTo(target: NetConnectOpts): Server {
    const server = createServer((near) => {
      const far = connect(target);
      for (const [socket, other] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(socket);
        socket.pipe(other);
        socket.on('error', () => other.destroy());
        socket.on('close', () => {
          this.#sockets.delete(socket);
          other.destroy();
        });
      }
    });
    this.#servers.push(server);
    return server;
  }
}
