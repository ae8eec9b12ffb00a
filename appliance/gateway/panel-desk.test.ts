/** The keys on the box, in a whole gateway: who presses them stands before it, and screens see how many digits. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { VirtualPanel } from '#drivers/panel/virtual-panel.ts';
import type { PanelKey } from '#ports/panel.ts';
import { digits, type GatewayBench, openGatewayBench } from './testdata/gateway-bench.ts';
import type { WatchedCard } from './testdata/watched-card.ts';

const DOCTOR = 'kakuu-ishi';
const PIN_ENTRY_MS = 60_000;
const VERIFY = 0x20;

let bench: GatewayBench;
let panel: VirtualPanel;
let card: WatchedCard;
beforeEach(async () => {
  panel = new VirtualPanel();
  bench = await openGatewayBench({
    change: (parts) => ({ ...parts, panel: { panel, pinEntryMs: PIN_ENTRY_MS } }),
  });
  card = bench.card(DOCTOR);
});
afterEach(() => bench.close());

const keysOf = (pin: string): PanelKey[] => [...digits(pin)];
const verifications = (): number => card.commands.filter(({ ins }) => ins === VERIFY).length;
const untilDigits = (count: number): Promise<unknown> =>
  bench.untilSnapshot(({ panel: shown }) => shown?.pinDigits === count);
const status = () => bench.gateway.snapshot().panel;

/** Begins a sign-in without a PIN; resolves when the keys are asked. */
async function beginSignIn() {
  bench.reader.insert(card);
  const request = { ...bench.request(DOCTOR), pin: undefined };
  const outcome = bench.gateway.signIn(request).then(
    () => 'signed in',
    (thrown: { code: string }) => thrown.code,
  );
  await untilDigits(0);
  return outcome;
}

describe('a PIN from the keys', () => {
  test('goes to the card when OK is pressed, and screens see how long it is', async () => {
    const seen: (number | undefined)[] = [];
    bench.gateway.subscribe(({ panel: shown }) => seen.push(shown?.pinDigits));
    const signedIn = beginSignIn();
    await untilDigits(0);
    const before = verifications();
    panel.press(...keysOf('147'), 'ok');
    expect(status()).toEqual({ state: 'ready', pinDigits: 3 });
    panel.press(...keysOf('9'), 'back', ...keysOf('0'));
    expect(verifications()).toBe(before);
    panel.press('ok');
    expect(await signedIn).toBe('signed in');
    expect(status()).toEqual({ state: 'ready' });
    expect(seen).toEqual(expect.arrayContaining([0, 1, 2, 3, 4, undefined]));
    bench.reader.remove();
  });

  test('is asked only of a card that may sign in', async () => {
    const stranger = bench.card('mihon-taro');
    bench.reader.insert(stranger);
    const request = { ...bench.request('mihon-taro'), pin: undefined };
    await expect(bench.gateway.signIn(request)).rejects.toMatchObject({ code: 'operator.unknown' });
    expect(status()).toEqual({ state: 'ready' });
    bench.reader.remove();
  });

  test.each<[string, () => void | Promise<void>, string]>([
    ['cancel is pressed', () => panel.press('cancel'), 'panel.pin-cancelled'],
    ['the keypad is unplugged', () => panel.unplug(), 'panel.unplugged'],
    ['nobody goes on', () => bench.clock.advance(PIN_ENTRY_MS), 'panel.pin-expired'],
    ['the card is taken away', () => bench.reader.remove(), 'card.removed'],
  ])('is forgotten when %s, and no try is spent', async (_, happen, code) => {
    const outcome = await beginAndType('14');
    const asked = verifications();
    await happen();
    expect(await outcome.code).toBe(code);
    expect(status()?.pinDigits).toBeUndefined();
    expect(verifications()).toBe(asked);
    bench.reader.remove();
    panel.plugIn();
    const again = await beginAndType('1470');
    panel.press('ok');
    expect(await again.code).toBe('signed in');
    bench.reader.remove();
  });

  test('cannot be entered on keys that are not there', async () => {
    panel.unplug();
    expect(status()).toEqual({ state: 'unplugged' });
    const request = { ...bench.request(DOCTOR), pin: undefined };
    await expect(bench.gateway.signIn(request)).rejects.toMatchObject({ code: 'panel.unplugged' });
    // A screen is as good.
    await bench.signIn(DOCTOR);
  });

  test('gives way to a tap that somebody else starts', async () => {
    const caller = await bench.signIn('kakuu-jimu');
    const outcome = await beginAndType('14');
    const { tapId } = await bench.startTap(caller);
    expect(await outcome.code).toBe('tap.busy');
    // The keys are the patient's now.
    bench.reader.remove();
    panel.press('cancel');
    const { error } = await bench.gateway.waitForTap(tapId, new AbortController().signal);
    expect(error).toBe('tap.consent-refused');
  });

  test('is not waited for when the appliance stops', async () => {
    const outcome = await beginAndType('14');
    await bench.gateway.close();
    expect(await outcome.code).not.toBe('signed in');
    bench.reader.remove();
  });
});

async function beginAndType(typed: string) {
  const outcome = beginSignIn();
  await untilDigits(0);
  panel.press(...keysOf(typed));
  expect(status()?.pinDigits).toBe(typed.length);
  return { code: outcome };
}

describe('consent from the keys', () => {
  test('is recorded as pressed on the box', async () => {
    const caller = await bench.signIn();
    bench.reader.insert(bench.card('mihon-taro'));
    const { tapId } = await bench.startTap(caller);
    panel.press(...keysOf('123'), 'back', 'ok');
    await bench.gateway.waitForTap(tapId, new AbortController().signal);
    const consent = bench.records.find((record) => record.kind === 'consent');
    expect(consent).toMatchObject({ consent: { decision: 'ok', input: 'button' } });
    await bench.gateway.cancelTap(caller, tapId);
    bench.reader.remove();
  });

  test('means nothing when nobody is asked, and counts once', async () => {
    panel.press('ok', 'cancel');
    const caller = await bench.signIn();
    const { tapId } = await bench.startTap(caller);
    panel.press('ok', 'cancel', 'ok');
    await bench.untilSnapshot(({ tap }) => tap?.state === 'waitingForCard');
    expect(bench.records.filter((record) => record.kind === 'consent')).toHaveLength(1);
    await bench.gateway.cancelTap(caller, tapId);
  });
});

test('without keys on the box a PIN comes from the screen', async () => {
  const plain = await openGatewayBench();
  const request = { ...plain.request(DOCTOR), pin: undefined };
  await expect(plain.gateway.signIn(request)).rejects.toMatchObject({ code: 'panel.absent' });
  expect(plain.gateway.snapshot().panel).toBeUndefined();
  await plain.close();
});
