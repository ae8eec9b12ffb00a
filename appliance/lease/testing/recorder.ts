/** Asks a real anchor a hundred questions and prints the answers. A process of its own; tests only. */
import { UdpAnchorLine } from '#drivers/network/anchor-line.ts';
import { systemClock } from '#ports/clock.ts';
import { pinnedLease } from './pinned-lease.ts';
import type { WatchProgramOptions } from './watch-program.ts';

const RECORDINGS = 100;
/** Within the anchor's rate for one address. */
const EVERY_MS = 60;

const options = JSON.parse(process.argv[2] ?? '') as WatchProgramOptions;
const verifier = pinnedLease(options);
const recordings: string[] = [];
const line = new UdpAnchorLine({ anchors: [options.anchor], hops: 1 });
await line.start((datagram) => void recordings.push(Buffer.from(datagram).toString('hex')));
while (recordings.length < RECORDINGS) {
  line.send(await verifier.question());
  await systemClock.sleep(EVERY_MS);
}
process.stdout.write(`${JSON.stringify({ event: 'recorded', recordings })}\n`);
await line.close();
