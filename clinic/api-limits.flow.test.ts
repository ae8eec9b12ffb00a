/**
 * Patients are received while others on the network misbehave: a visit ends before they do, so that it did not wait for
 * them. What the server does by itself is in `appliance/api/http`.
 */
import { get } from 'node:https';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeVisit } from './tap-run.ts';
import { TrialClinic } from './testing/trial-clinic.ts';

const CONNECTIONS = 1_000;
const SCREENS = 20;
const NONSENSE_AT_ONCE = 10;

let trial: TrialClinic;
const sockets: TLSSocket[] = [];
/** Those of `sockets` that the server has cut or answered. */
const finished = new Set<TLSSocket>();
beforeAll(async () => {
  // Nobody is cut for being slow before the visits are over, on however busy a machine.
  trial = await TrialClinic.open({ http: { requestTimeoutMs: 120_000 } });
  await trial.place('mihon-taro');
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await trial.close();
});

function openSocket(): Promise<TLSSocket> {
  const { hostname, port } = new URL(trial.clinic.appliance.url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), ca: trial.clinic.installed.caPem }, () =>
      resolve(socket),
    );
    socket.on('error', reject);
    for (const event of ['data', 'close']) socket.on(event, () => finished.add(socket));
    sockets.push(socket);
  });
}

async function makeVisits(count: number): Promise<void> {
  for (let made = 0; made < count; made += 1) {
    const { outcome, error } = await makeVisit(trial.clinic, trial.client);
    expect({ outcome, error }).toEqual({ outcome: 'accepted', error: undefined });
  }
}

describe('a visit goes on', () => {
  it(`while ${CONNECTIONS} connections ask for nothing, byte by byte`, async () => {
    for (let opened = 0; opened < CONNECTIONS; opened += 50) {
      await Promise.all(Array.from({ length: 50 }, openSocket));
    }
    for (const socket of sockets) socket.write('GET /v1/snapshot HTTP/1.1\r\nHo');
    await makeVisits(3);
    for (const socket of sockets) socket.write('st: localhost\r\n');
    await makeVisits(3);
    expect(finished.size).toBe(0);
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  it(`while ${SCREENS} screens watch it, each of which sees it end`, async () => {
    const seen = Array.from({ length: SCREENS }, () => watch());
    await Promise.all(seen.map(({ opened }) => opened));
    await makeVisits(3);
    const { tapId } = await trial.client.startTap();
    await trial.client.cancelTap(tapId);
    await Promise.all(seen.map(({ until }) => until(tapId)));
    for (const { close } of seen) close();
  });

  it('while somebody signs in from elsewhere with nonsense, again and again', async () => {
    let areVisitsMade = false;
    const flood = Array.from({ length: NONSENSE_AT_ONCE }, async () => {
      const nonsense = { nonsense: 'x'.repeat(4_000) };
      const answers: unknown[] = [];
      while (!areVisitsMade) {
        answers.push(await trial.client.call('POST', '/v1/session', nonsense).catch((thrown) => thrown));
      }
      return answers;
    });
    await makeVisits(3);
    areVisitsMade = true;
    for (const answers of await Promise.all(flood)) {
      expect(answers.length).toBeGreaterThan(0);
      for (const answer of answers) expect(answer).toMatchObject({ status: 422, code: 'request.invalid' });
    }
  });
});

interface Watch {
  readonly opened: Promise<void>;
  /** Resolves when the stream has shown the end of that tap. */
  readonly until: (tapId: string) => Promise<void>;
  readonly close: () => void;
}

/** A screen: reads the stream of snapshots. */
function watch(): Watch {
  let text = '';
  const waiting = new Set<() => void>();
  let isOpen: () => void;
  const opened = new Promise<void>((resolve) => {
    isOpen = resolve;
  });
  const stream = get(
    new URL('/v1/events', trial.clinic.appliance.url),
    { ca: trial.clinic.installed.caPem, agent: false },
    (response) => {
      isOpen();
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        for (const look of waiting) look();
      });
      response.on('error', () => {});
    },
  );
  stream.on('error', () => {});
  return {
    opened,
    until: (tapId) =>
      new Promise((resolve) => {
        const look = (): void => {
          const isOver = text
            .split('\n')
            .some((line) => line.includes(tapId) && line.includes('tap.cancelled'));
          if (isOver) resolve();
        };
        waiting.add(look);
        look();
      }),
    close: () => stream.destroy(),
  };
}
