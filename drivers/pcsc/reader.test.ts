import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { describeCardReader, SELECT_JPKI } from '#drivers/reader-contract.ts';
import { PcscHost } from './binding.ts';
import { PcscReader, type PcscReaderOptions } from './reader.ts';
import { ScriptedVpcdCard } from './testing/scripted-vpcd-card.ts';
import { VpcdFixture } from './testing/vpcd-fixture.ts';

let fixture: VpcdFixture;
beforeAll(async () => {
  fixture = await VpcdFixture.start();
});
afterAll(() => fixture.stop());

const PICC = 0;
const patience = (): AbortSignal => new AbortController().signal;
const makeReader = (options: Partial<PcscReaderOptions> = {}): PcscReader =>
  new PcscReader({ slot: 'PICC', socketPath: fixture.pcscd.socketPath, ...options });

describeCardReader('PC/SC', async () => fixture.makeReaderUnderTest(PICC, makeReader()), {
  removed: 'card.removed',
  unanswered: 'reader.timeout',
  commandTooLong: 'reader.command-too-long',
  busy: 'reader.busy',
});

describe('a PC/SC reader', () => {
  let reader: PcscReader;
  let card: ScriptedVpcdCard;

  beforeEach(() => {
    reader = makeReader();
    card = new ScriptedVpcdCard(() => Buffer.from('9000', 'hex'));
  });
  afterEach(async () => {
    await reader.close();
    await fixture.takeOut(PICC, () => card.remove());
  });

  it('takes the field off after each session', async () => {
    await card.insert(fixture.portOf(PICC));
    const channel = await reader.waitForCard(patience());
    const offs = card.powerEvents.filter((event) => event === 'power-off').length;
    await channel.close();
    await card.sawPowerEvent('power-off', offs);
    const again = await reader.waitForCard(patience());
    await again.transmit(SELECT_JPKI);
    expect(card.powerEvents.slice(-2)).toEqual(['power-off', 'power-on']);
  });

  it('carries an extended command and the longest response that vpcd can frame', async () => {
    const longest = Buffer.alloc(65_535, 0xa5);
    longest.writeUInt16BE(0x9000, longest.length - 2);
    card = new ScriptedVpcdCard(() => longest);
    await card.insert(fixture.portOf(PICC));
    const channel = await reader.waitForCard(patience());
    const command = Buffer.concat([
      Buffer.from('80A200C6000238', 'hex'),
      Buffer.alloc(568, 0x5a),
      Buffer.from('0000', 'hex'),
    ]);
    const response = await channel.transmit(command);
    expect(Buffer.from(response).equals(longest)).toBe(true);
    expect(card.commands.at(-1)?.equals(command)).toBe(true);
  });

  it('tells a card that answers nonsense from one that was taken away', async () => {
    card = new ScriptedVpcdCard(() => Buffer.from('90', 'hex'));
    await card.insert(fixture.portOf(PICC));
    const channel = await reader.waitForCard(patience());
    await expect(channel.transmit(SELECT_JPKI)).rejects.toMatchObject({ code: 'card.protocol' });
  });

  it('holds the card exclusively', async () => {
    await card.insert(fixture.portOf(PICC));
    await reader.waitForCard(patience());
    const rival = makeReader({ lockPatienceMs: 0 });
    await expect(rival.waitForCard(patience())).rejects.toMatchObject({ code: 'reader.held-elsewhere' });
    await rival.close();
  });

  it('waits for a program that only looks at a card', async () => {
    await card.insert(fixture.portOf(PICC));
    const rival = makeReader();
    const looking = await rival.waitForCard(patience());
    await reader.close();
    reader = makeReader({ lockPatienceMs: 30_000 });
    const waiting = reader.waitForCard(patience());
    await new Promise((resolve) => setTimeout(resolve, 250));
    await looking.close();
    const channel = await waiting;
    expect([...(await channel.transmit(SELECT_JPKI))]).toEqual([0x90, 0x00]);
    await rival.close();
  });

  it('answers a probe, sets up a front end that vpcd has not, and says which slot it took', async () => {
    await reader.close();
    reader = makeReader({ slot: undefined, frontEnd: { pollingIntervalMs: 250 } });
    await reader.probe();
    await reader.signal('done');
    expect(reader.report()).toEqual({ device: 'Sekisho Virtual PICC 00 00', chosenBy: 'name' });
    await card.insert(fixture.portOf(PICC));
    const channel = await reader.waitForCard(patience());
    expect([...(await channel.transmit(SELECT_JPKI))]).toEqual([0x90, 0x00]);
  });

  it('reaches a driver with an escape command, card or not, unless another program holds the reader', async () => {
    const host = new PcscHost(fixture.pcscd.socketPath);
    const ask = (name: string) => host.control(name, Buffer.from('E000001800', 'hex'));
    const name = 'Sekisho Virtual PICC 00 00';
    // vpcd knows none: SCARD_E_UNSUPPORTED_FEATURE, which the binding has no text for.
    await expect(ask(name)).rejects.toThrow('Unknown PC/SC error');
    await card.insert(fixture.portOf(PICC));
    const channel = await reader.waitForCard(patience());
    await expect(ask(name)).rejects.toThrow('Sharing violation');
    await channel.close();
    await expect(ask(name)).rejects.toThrow('Unknown PC/SC error');
    await expect(ask('No such reader')).rejects.toThrow('Unknown reader');
    await host.retire();
  });

  it('passes on how much may be read at once', async () => {
    await reader.close();
    reader = makeReader({ maxReadBlockBytes: 240 });
    await card.insert(fixture.portOf(PICC));
    expect((await reader.waitForCard(patience())).maxReadBlockBytes).toBe(240);
  });

  it('finds cards again after pcscd restarted while it waited', async () => {
    const waiting = reader.waitForCard(patience());
    await fixture.pcscd.restart();
    await card.insert(fixture.portOf(PICC));
    const channel = await waiting;
    expect([...(await channel.transmit(SELECT_JPKI))]).toEqual([0x90, 0x00]);
  });

  it('loses its card with a machine error when pcscd dies, and recovers with the next', async () => {
    await card.insert(fixture.portOf(PICC));
    const channel = await reader.waitForCard(patience());
    await fixture.pcscd.kill();
    await expect(channel.transmit(SELECT_JPKI)).rejects.toMatchObject({ code: 'reader.unreachable' });
    await channel.close();
    await fixture.pcscd.restart();
    card.remove();
    await card.insert(fixture.portOf(PICC));
    const again = await reader.waitForCard(patience());
    expect([...(await again.transmit(SELECT_JPKI))]).toEqual([0x90, 0x00]);
  });

  it('reports a reader that stays unplugged, and works once it is plugged in again', async () => {
    await reader.close();
    reader = makeReader({ recoveryTimeoutMs: 200 });
    await fixture.pcscd.restart(['SAM']);
    await expect(reader.waitForCard(patience())).rejects.toMatchObject({ code: 'reader.unreachable' });
    await fixture.pcscd.restart();
    await card.insert(fixture.portOf(PICC));
    await reader.waitForCard(patience());
  });

  it('reports a pcscd that is not there', async () => {
    await reader.close();
    reader = makeReader({ recoveryTimeoutMs: 0, socketPath: '/nonexistent/pcscd.comm' });
    await expect(reader.waitForCard(patience())).rejects.toMatchObject({
      code: 'reader.unreachable',
      context: { pcsc: 'SCARD_E_NO_SERVICE' },
    });
  });
});
