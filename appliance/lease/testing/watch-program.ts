/** A watcher as a process of its own, for a network namespace: prints what it tells, one JSON object a line. Tests only. */
import { isIPv6 } from 'node:net';
import { UdpAnchorLine } from '#drivers/network/anchor-line.ts';
import { systemBootClock } from '#drivers/network/boot-clock.ts';
import { DeviceEye } from '#drivers/network/network-eye.ts';
import { fileTamperSwitch } from '#drivers/network/tamper-level.ts';
import { systemClock } from '#ports/clock.ts';
import { silentLogger } from '#ports/logger.ts';
import { LeaseWatcher } from '../watcher.ts';
import { pinnedLease } from './pinned-lease.ts';

export interface WatchProgramOptions {
  readonly device: string;
  readonly anchor: { readonly host: string; readonly port: number };
  readonly deviceId: string;
  readonly publicKeyPem: string;
  readonly graceMs: number;
  readonly askEveryMs: number;
  readonly tamperFile?: string;
}

const options = JSON.parse(process.argv[2] ?? '') as WatchProgramOptions;
// CLOCK_MONOTONIC, one for all processes of the machine.
const say = (event: string, fields: object = {}): void =>
  void process.stdout.write(
    `${JSON.stringify({ event, atNs: String(process.hrtime.bigint()), ...fields })}\n`,
  );

const counts: Record<string, number> = {};
const verifier = pinnedLease(options);
const watcher: LeaseWatcher = new LeaseWatcher({
  options,
  verifier: {
    question: () => verifier.question(),
    async answer(datagram) {
      const answer = await verifier.answer(datagram);
      counts[answer.verdict] = (counts[answer.verdict] ?? 0) + 1;
      return answer;
    },
  },
  anchors: new UdpAnchorLine({ anchors: [options.anchor], hops: 1 }),
  eye: new DeviceEye({
    device: options.device,
    family: isIPv6(options.anchor.host) ? 'inet6' : 'inet',
    clock: systemClock,
    logger: silentLogger,
  }),
  tamper:
    options.tamperFile === undefined ? undefined : fileTamperSwitch(options.tamperFile, '0', systemClock),
  boot: systemBootClock,
  clock: systemClock,
  logger: silentLogger,
  onLost: (reason) => say('lost', { reason }),
  onChange: () => say('fact', { fact: watcher.fact }),
});
await watcher.start();
say('started');
process.once('SIGTERM', () => {
  say('counts', counts);
  void watcher.close();
});
