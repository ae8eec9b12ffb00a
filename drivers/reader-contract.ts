/** What every CardReader keeps, as one test suite run against all of them. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CardChannel, CardReader } from '#card/channel.ts';
import type { ErrorCode } from '#contract/errors.ts';

export interface ReaderUnderTest {
  readonly reader: CardReader;
  /** Puts in a card that answers SELECT of `SELECT_JPKI` with 9000. */
  insertCard(): Promise<void>;
  removeCard(): Promise<void>;
  /** From now on the card says nothing, until it is taken out. */
  silenceCard(): void;
  dispose(): Promise<void>;
}

export interface ContractCodes {
  readonly removed: ErrorCode;
  readonly unanswered: ErrorCode;
  readonly commandTooLong: ErrorCode;
  readonly busy: ErrorCode;
}

/** SELECT of the JPKI application. @see docs/protocol-facts.md 1.1 */
export const SELECT_JPKI = new Uint8Array(Buffer.from('00A4040C0AD392F000260100000001', 'hex'));

/** No deadline of a test's own: a hang fails by vitest's time limit. */
const patience = (): AbortSignal => new AbortController().signal;

export function describeCardReader(
  name: string,
  make: () => Promise<ReaderUnderTest>,
  codes: ContractCodes,
): void {
  describe(`CardReader contract: ${name}`, () => {
    let fixture: ReaderUnderTest;
    let reader: CardReader;

    beforeEach(async () => {
      fixture = await make();
      reader = fixture.reader;
    });
    afterEach(() => fixture.dispose());

    const open = async (): Promise<CardChannel> => {
      await fixture.insertCard();
      return reader.waitForCard(patience());
    };
    const expectSelected = async (channel: CardChannel): Promise<void> => {
      const response = await channel.transmit(SELECT_JPKI);
      expect(response.length).toBeGreaterThanOrEqual(2);
      expect([...response.slice(-2)]).toEqual([0x90, 0x00]);
    };

    it('selects an application and tells the identity of the card', async () => {
      const channel = await open();
      await expectSelected(channel);
      expect(channel.identity.length).toBeGreaterThan(0);
      expect(channel.maxCommandBytes).toBeGreaterThanOrEqual(261);
    });

    it('finds a card that comes while it is waiting', async () => {
      const waiting = reader.waitForCard(patience());
      await fixture.insertCard();
      await expectSelected(await waiting);
    });

    it('reports a card that was taken away before a command', async () => {
      const channel = await open();
      await fixture.removeCard();
      await expect(channel.transmit(SELECT_JPKI)).rejects.toMatchObject({ code: codes.removed });
    });

    it('reports a card that was taken away during a command', async () => {
      const channel = await open();
      fixture.silenceCard();
      const outcome = expect(channel.transmit(SELECT_JPKI)).rejects.toMatchObject({ code: codes.removed });
      await fixture.removeCard();
      await outcome;
      await expect(channel.transmit(SELECT_JPKI)).rejects.toMatchObject({ code: codes.removed });
    });

    it('works with the next card after a removal', async () => {
      const first = await open();
      await fixture.removeCard();
      await expect(first.transmit(SELECT_JPKI)).rejects.toMatchObject({ code: codes.removed });
      await first.close();
      await expectSelected(await open());
    });

    it('notices the removal of a card whose channel was closed', async () => {
      const channel = await open();
      await channel.close();
      const removal = reader.waitForRemoval(channel, patience());
      await fixture.removeCard();
      await removal;
    });

    it('gives the same card again after a close', async () => {
      const first = await open();
      await expectSelected(first);
      await first.close();
      await expectSelected(await reader.waitForCard(patience()));
    });

    it('is free again after an aborted wait', async () => {
      const gaveUp = new AbortController();
      const waiting = reader.waitForCard(gaveUp.signal);
      const reason = new Error('the patient went home');
      gaveUp.abort(reason);
      await expect(waiting).rejects.toBe(reason);
      await expectSelected(await open());
    });

    it('refuses a wait that was aborted before it began', async () => {
      await fixture.insertCard();
      const reason = new Error('too late');
      await expect(reader.waitForCard(AbortSignal.abort(reason))).rejects.toBe(reason);
    });

    it('gives up waiting for a removal when told', async () => {
      const channel = await open();
      const gaveUp = new AbortController();
      const removal = reader.waitForRemoval(channel, gaveUp.signal);
      const reason = new Error('enough');
      gaveUp.abort(reason);
      await expect(removal).rejects.toBe(reason);
      await expectSelected(channel);
    });

    it('serves one card at a time', async () => {
      const channel = await open();
      await expect(reader.waitForCard(patience())).rejects.toMatchObject({ code: codes.busy });
      await expectSelected(channel);
    });

    it('closes twice without complaint, and refuses commands afterwards', async () => {
      const channel = await open();
      await Promise.all([channel.close(), channel.close()]);
      await channel.close();
      await expect(channel.transmit(SELECT_JPKI)).rejects.toMatchObject({
        code: expect.stringMatching(/failed$/),
      });
      await reader.close();
      await reader.close();
    });

    it('refuses a command that it cannot carry, and carries on', async () => {
      const channel = await open();
      const tooLong = new Uint8Array(channel.maxCommandBytes + 1);
      await expect(channel.transmit(tooLong)).rejects.toMatchObject({ code: codes.commandTooLong });
      await expectSelected(channel);
    });

    it('gives up on a silent card at the deadline, for good', async () => {
      const channel = await open();
      fixture.silenceCard();
      await expect(channel.transmit(SELECT_JPKI, { timeoutMs: 50 })).rejects.toMatchObject({
        code: codes.unanswered,
      });
      await expect(channel.transmit(SELECT_JPKI)).rejects.toMatchObject({ code: codes.unanswered });
      await channel.close();
      await fixture.removeCard();
      await expectSelected(await open());
    });
  });
}
