/** With the real profile everything takes the time of its bytes, and the meter knows it. */
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../bytes.ts';
import { Meter, type MeterEntry, REAL_TIMING } from '../timing.ts';
import { EmulatedPn532 } from './emulator.ts';
import { EchoCard, echoCommand } from './testing/echo-card.ts';
import { frameOf, HOST_ACK, ScriptedHost } from './testing/scripted-host.ts';

const { byteMs, frameMs } = REAL_TIMING.card.link;
const ACK_BYTES = 6;
/** Preamble, start code, length and its checksum, TFI; checksum and postamble. */
const FRAME_BYTES = 8;

async function measured(baudCode: number): Promise<{ host: ScriptedHost; meter: Meter }> {
  const meter = new Meter();
  const chip = new EmulatedPn532({ timing: REAL_TIMING, meter });
  const host = new ScriptedHost();
  chip.attach(host);
  chip.insert(new EchoCard());
  await host.start();
  await host.ask(`10${toHex(Uint8Array.of(baudCode))}`);
  host.write(HOST_ACK);
  await host.ask('4A010300');
  return { host, meter };
}

function wireMs(baud: number, ...bytes: readonly number[]): number {
  return (bytes.reduce((sum, each) => sum + each, 0) * 10_000) / baud;
}

function airMs(...bytes: readonly number[]): number {
  return bytes.reduce((sum, each) => sum + each * byteMs + frameMs, 0);
}

describe.each([
  [0x04, 115_200],
  [0x08, 1_288_000],
])('an exchange at code %i, %i baud', (code, baud) => {
  it('costs the bytes on both hops, and the wall clock agrees', async () => {
    const { host, meter } = await measured(code);
    expect(meter.take()).toMatchObject([{ label: 'activation', commandBytes: 0 }]);
    const startMs = performance.now();
    expect(await host.ask('400100EE0010')).toMatch(/^4100/);
    const elapsedMs = performance.now() - startMs;
    const [entry] = meter.take() as [MeterEntry];
    // Blocks: PCB, CID, four or eighteen bytes, checksum.
    const expected = wireMs(baud, FRAME_BYTES + 6, ACK_BYTES, FRAME_BYTES + 2 + 18) + airMs(8, 22);
    expect(entry.ms).toBeCloseTo(expected, 6);
    expect(entry).toMatchObject({ device: 'card', ins: 0xee, commandBytes: 4, answerBytes: 18 });
    // A timer may be early by what it was late before, never by more.
    expect(elapsedMs).toBeGreaterThan(expected - 4);
  });

  it('counts an APDU once, over all its blocks and repetitions', async () => {
    const { host, meter } = await measured(code);
    meter.take();
    const command = echoCommand(300, 100);
    await host.ask(`421A01${toHex(command.slice(0, 200))}`);
    await host.ask(`420B01${toHex(command.slice(200))}`);
    await host.ask('42BB01');
    await host.ask('42AA01');
    await host.ask('42BA01');
    const entries = meter.take();
    expect(entries).toHaveLength(1);
    expect(entries[0]).toMatchObject({ ins: 0xee, commandBytes: 300, answerBytes: 102 });
    const there = wireMs(baud, FRAME_BYTES + 203, 6, FRAME_BYTES + 4) + airMs(204, 4);
    expect(entries[0]!.ms).toBeGreaterThan(there + airMs(104, 64, 4, 46));
  });
});

it('takes its time byte for byte when commands come too fast for the wire', async () => {
  const { host, meter } = await measured(0x00);
  meter.take();
  const startMs = performance.now();
  host.pieces = [];
  // 20 characters of nothing in front of the frame are 20 ms at 9,600 baud.
  host.write(fromHex('00'.repeat(20)));
  host.write(frameOf('02'));
  await host.take((hex) => hex.endsWith('E800'));
  expect(performance.now() - startMs).toBeGreaterThan(wireMs(9_600, 20, 9, ACK_BYTES, 13) - 4);
});
