/** A reader that goes comes back, every time: pulled and plugged in, out of power, and with a pcscd that was killed. */
import { expect, it } from 'vitest';
import { isMeasurable, LOSSES, type Loss, measureRecovery } from './bench/reader-recovery.ts';

const ROUNDS = 50;

// Each has a pcscd or a chip of its own, and mostly waits.
it.concurrent.each((Object.keys(LOSSES) as Loss[]).filter(isMeasurable))(
  `is ready again ${ROUNDS} times out of ${ROUNDS}: %s`,
  async (loss) => {
    const { rounds, readyAfterMs } = await measureRecovery(loss, ROUNDS);
    const slowestMs = Math.round(Math.max(...readyAfterMs));
    process.stderr.write(
      `reader ${loss}: ${readyAfterMs.length} of ${rounds}, slowest ready after ${slowestMs} ms\n`,
    );
    expect(readyAfterMs).toHaveLength(ROUNDS);
  },
  180_000,
);
