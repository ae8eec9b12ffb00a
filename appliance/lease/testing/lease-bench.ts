/** A watcher among scripted surroundings, on a clock that stands still. Tests only. */
import type { LeaseEnd } from '#contract/network.ts';
import type { LeaseAnswer, LeaseVerdict } from '#ports/lease-verifier.ts';
import { silentLogger } from '#ports/logger.ts';
import type { NetworkEvent, NetworkSight } from '#ports/surroundings.ts';
import { VirtualClock } from '#ports/testing/virtual-clock.ts';
import { LeaseWatcher } from '../watcher.ts';

export const HOME: NetworkSight = {
  carrier: true,
  addresses: ['192.168.10.5/24'],
  gateway: '192.168.10.1',
  gatewayMac: '02:00:00:00:00:01',
  dhcpServer: '192.168.10.1',
};

export class LeaseBench {
  readonly clock: VirtualClock;
  readonly lost: LeaseEnd[] = [];
  /** Facts as the gateway is told them. */
  readonly told: string[] = [];
  readonly watcher: LeaseWatcher;
  questions = 0;
  /** What the anchor says; undefined = nothing. */
  verdict: LeaseVerdict | undefined = 'granted';
  /** How old an answer is when it comes. */
  ageMs = 1;
  /** The verifier answers nothing any more. */
  isVerifierDead = false;
  suspendedMs = 0;
  wallJumpMs = 0;
  see: (event: NetworkEvent) => void = () => {};
  enclosure: ((state: 'open' | 'closed') => void) | undefined;
  hear: (datagram: Uint8Array) => void = () => {};

  constructor(options: { readonly graceMs?: number; readonly tamper?: boolean } = {}) {
    const clock = new VirtualClock(Date.UTC(2026, 5, 1));
    this.clock = clock;
    const askedAtMs: number[] = [];
    this.watcher = new LeaseWatcher({
      options: { graceMs: options.graceMs ?? 3_000, askEveryMs: 1_000 },
      clock: {
        nowMs: () => clock.nowMs() + this.wallJumpMs,
        monotonicMs: () => clock.monotonicMs(),
        sleep: (ms, signal) => clock.sleep(ms, signal),
      },
      boot: () => clock.monotonicMs() + this.suspendedMs,
      logger: silentLogger,
      verifier: {
        question: async () => {
          if (this.isVerifierDead) throw new Error('gone');
          this.questions += 1;
          askedAtMs.push(clock.monotonicMs());
          return new Uint8Array([1]);
        },
        answer: async (): Promise<LeaseAnswer> => {
          const verdict = this.verdict ?? 'ignored';
          return { verdict, ageMs: clock.monotonicMs() - (askedAtMs.shift() ?? 0) };
        },
      },
      anchors: {
        start: async (onDatagram) => {
          this.hear = onDatagram;
        },
        send: () => {
          if (this.verdict === undefined) askedAtMs.shift();
          else void clock.sleep(this.ageMs).then(() => this.hear(new Uint8Array([2])));
        },
        close: async () => {},
      },
      eye: {
        start: (onEvent) => {
          this.see = onEvent;
        },
        close: async () => {},
      },
      ...(options.tamper === true
        ? {
            tamper: {
              start: (onChange: (state: 'open' | 'closed') => void) => {
                this.enclosure = onChange;
              },
              close: async () => {},
            },
          }
        : {}),
      onTampered: () => this.told.push('tampered'),
      onLost: (reason) => this.lost.push(reason),
      onChange: () => this.told.push(this.watcher.fact),
    });
  }

  /** Started, at home, with a lease. */
  async settle(): Promise<this> {
    await this.watcher.start();
    this.see({ type: 'seeing', sight: HOME });
    await this.clock.advance(100);
    return this;
  }
}
