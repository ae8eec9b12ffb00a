/** A watcher beside a real broker, as the gateway has them: a lease that ends is ended at the broker too. Tests only. */
import { SamClient } from '#broker/sam-client.ts';
import { SocketLink } from '#broker/socket-link.ts';
import { UdpAnchorLine } from '#drivers/network/anchor-line.ts';
import { systemBootClock } from '#drivers/network/boot-clock.ts';
import { DeviceEye } from '#drivers/network/network-eye.ts';
import { systemClock } from '#ports/clock.ts';
import { silentLogger } from '#ports/logger.ts';
import { LeaseWatcher } from '../watcher.ts';

export interface CarriedProgramOptions {
  readonly device: string;
  readonly anchor: { readonly host: string; readonly port: number };
  readonly brokerSocket: string;
  readonly graceMs: number;
  readonly askEveryMs: number;
}

const options = JSON.parse(process.argv[2] ?? '') as CarriedProgramOptions;
const say = (event: string, fields: object = {}): void =>
  void process.stdout.write(
    `${JSON.stringify({ event, atNs: String(process.hrtime.bigint()), ...fields })}\n`,
  );

const broker = new SamClient(new SocketLink(options.brokerSocket));
const open = () => broker.open(AbortSignal.timeout(10_000));
let ending: Promise<unknown> = Promise.resolve();
const watcher: LeaseWatcher = new LeaseWatcher({
  options,
  verifier: broker.lease,
  anchors: new UdpAnchorLine({ anchors: [options.anchor], hops: 1 }),
  eye: new DeviceEye({ device: options.device, clock: systemClock, logger: silentLogger }),
  boot: systemBootClock,
  clock: systemClock,
  logger: silentLogger,
  onLost: (reason) => {
    ending = broker.lease.end(reason).catch((error: unknown) => say('not-ended', { error: String(error) }));
    say('lost', { reason });
  },
  onChange: () => {
    if (watcher.fact !== 'registered') return;
    ending
      .then(open)
      .then((sam) => sam.status())
      .then(
        () => say('powered'),
        (error: unknown) => say('not-powered', { error: String(error) }),
      );
  },
});
const { samId } = await open();
say('started', { samId });
await watcher.start();
process.once('SIGTERM', () => {
  void watcher.close().then(() => broker.close());
});
