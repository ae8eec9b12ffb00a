/** Readers under test behind a private pcscd, with simulated cards in virtual slots. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CardReader } from '#card/channel.ts';
import { type ReaderUnderTest, SELECT_JPKI } from '#drivers/reader-contract.ts';
import { mute, VpcdSlot } from '#drivers/simulated/index.ts';
import type { VirtualCard } from '#drivers/simulated/virtual-card.ts';
import { PcscHost, type ReaderState } from '../binding.ts';
import { type PrivatePcscd, startPrivatePcscd } from '../private-pcscd.ts';
import { hasCard } from '../slot.ts';

/** As little card as the contract needs. */
export function makeContractCard(device: VirtualCard['device'] = 'card'): VirtualCard {
  return {
    device,
    atr: new Uint8Array(Buffer.from('3B888001000041E0B381A1003B', 'hex')),
    work: { note: () => {}, take: () => [] } as unknown as VirtualCard['work'],
    powerOn: () => {},
    powerOff: () => {},
    warmReset: () => {},
    process: (command) =>
      Uint8Array.from(Buffer.from(command).equals(SELECT_JPKI) ? [0x90, 0x00] : [0x6d, 0x00]),
  };
}

export class VpcdFixture {
  readonly pcscd: PrivatePcscd;
  readonly #folder: string;
  readonly #observer: PcscHost;

  private constructor(pcscd: PrivatePcscd, folder: string) {
    this.pcscd = pcscd;
    this.#folder = folder;
    this.#observer = new PcscHost(pcscd.socketPath);
  }

  static async start(): Promise<VpcdFixture> {
    const folder = await mkdtemp(join(tmpdir(), 'sekisho-vpcd-'));
    return new VpcdFixture(await startPrivatePcscd({ folder }), folder);
  }

  async stop(): Promise<void> {
    await this.#observer.retire();
    await this.pcscd.stop();
    await rm(this.#folder, { recursive: true });
  }

  portOf(slotIndex: number): number {
    return this.pcscd.vpcdPorts[slotIndex] ?? 0;
  }

  makeReaderUnderTest(slotIndex: number, reader: CardReader): ReaderUnderTest {
    const slot = new VpcdSlot({ port: this.portOf(slotIndex) });
    const removeCard = (): Promise<void> => this.takeOut(slotIndex, () => slot.remove());
    return {
      reader,
      insertCard: () => {
        slot.faults.length = 0;
        return slot.insert(makeContractCard());
      },
      removeCard,
      silenceCard: () => slot.faults.push(mute()),
      dispose: async () => {
        await reader.close();
        await removeCard();
      },
    };
  }

  /**
   * Removes a card and resolves when pcscd has noticed. It looks for cards every 400 ms and counts what it sees; a
   * card put in between two looks is, to it, the one that was there before.
   */
  async takeOut(slotIndex: number, remove: () => void | Promise<void>): Promise<void> {
    const before = await this.#stateOf(slotIndex);
    await remove();
    for (;;) {
      const now = await this.#stateOf(slotIndex);
      const isCounted = !hasCard(before) || now.state >>> 16 !== before.state >>> 16;
      if (isCounted && !hasCard(now)) return;
      await this.#observer.wait(now, 50);
    }
  }

  async #stateOf(slotIndex: number): Promise<ReaderState> {
    const name = this.pcscd.readerNames[slotIndex];
    const readers = await this.#observer.list().catch(async () => {
      await this.#observer.renew(); // a test restarted pcscd
      return this.#observer.list();
    });
    const reader = readers.find((candidate) => candidate.name === name);
    if (!reader) throw new Error(`pcscd does not list ${name}`);
    return reader;
  }
}
