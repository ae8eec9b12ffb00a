/** One personalised SAM under test, with a clock that the test moves. */
import type { KeyObject } from 'node:crypto';
import { toHex, uint } from '../bytes.ts';
import { SimulatedSam } from '../sam/simulated-sam.ts';
import type { SamState } from '../sam/state.ts';
import { parseTlv, parseTlvs, tlv } from '../tlv.ts';
import { SP_KEY } from './personalised-sam.ts';
import {
  SamTerminal,
  SELECT_SAM,
  signedOrder,
  type UnlockOrder,
  unlockOrder,
  withData,
} from './sam-personaliser.ts';

export const GET_CHALLENGE = '0084000020';

export class SamFixture {
  readonly saves: SamState[] = [];
  readonly terminal: SamTerminal;
  nowMs = 5_000;

  constructor(state: SamState) {
    const clock = { nowMs: () => 0, monotonicMs: () => this.nowMs, sleep: () => Promise.resolve() };
    const save = (changed: SamState): void => {
      this.saves.push(changed);
    };
    this.terminal = new SamTerminal(new SimulatedSam({ state, clock, save }));
    this.terminal.data(SELECT_SAM);
  }

  /** Unlocks as the service provider does; the status word. */
  unlock(changes: Partial<UnlockOrder> = {}, key: KeyObject = SP_KEY): string {
    const order = unlockOrder({ challenge: this.terminal.data(GET_CHALLENGE), ...changes });
    return this.terminal.send(withData('00820001', signedOrder(key, order)));
  }

  /** One object of the status, as hex. */
  status(wanted: number): string {
    const objects = parseTlvs(parseTlv(this.terminal.data('00CADF2000'), 0xdf20).value);
    return toHex(objects.find(({ tag }) => tag === wanted)?.value ?? new Uint8Array());
  }
}

/** PSO: COMPUTE DIGITAL SIGNATURE for a tap. */
export function tapCommand(suite = 1, cardChallenge = new Uint8Array(16).fill(3)): Uint8Array {
  const object = tlv(
    0xe5,
    tlv(0x8e, uint(suite, 1)),
    tlv(0x81, cardChallenge),
    tlv(0x91, new Uint8Array(16).fill(4)),
    tlv(0x88, new Uint8Array(32).fill(5)),
  );
  return withData('002A9E9A', object, '00');
}
