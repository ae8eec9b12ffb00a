import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '#ports/clock.ts';
import { type LogFields, silentLogger } from '#ports/logger.ts';
import type { PanelKey } from '#ports/panel.ts';
import { HidPanel, type HidPanelOptions } from './hid-panel.ts';
import type { HidLineListener } from './hidraw.ts';
import keypads from './testdata/keypads.json' with { type: 'json' };

const USB_ID = '04d9:a02a';
const PATIENCE = { timeout: 20_000, interval: 5 };
const DESCRIPTOR = Buffer.from(keypads[0]?.descriptor ?? '', 'hex');
const press = (usage: number): Uint8Array => Uint8Array.of(0, 0, usage, 0, 0, 0, 0, 0);

/** A sysfs and a /dev of our own. */
let folder: string;
let panel: HidPanel | undefined;
let warnings: string[];
let keys: PanelKey[];
const lines = new Map<string, HidLineListener>();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-panel-'));
  mkdirSync(join(folder, 'dev'));
  mkdirSync(join(folder, 'class/hidraw'), { recursive: true });
  warnings = [];
  keys = [];
  lines.clear();
});
afterEach(async () => {
  await panel?.close();
  panel = undefined;
  rmSync(folder, { recursive: true });
});

const at = (...path: string[]): string => join(folder, 'class/hidraw', ...path);

function plugIn(node: string, { usbId = USB_ID, descriptor = DESCRIPTOR, input = 'input7' } = {}): void {
  const [vendor, product] = usbId.toUpperCase().split(':');
  mkdirSync(at(node, 'device/input', input), { recursive: true });
  writeFileSync(at(node, 'device/uevent'), `DRIVER=hid-generic\nHID_ID=0003:0000${vendor}:0000${product}\n`);
  writeFileSync(at(node, 'device/report_descriptor'), descriptor);
  writeFileSync(at(node, 'device/input', input, 'inhibited'), '0\n');
  writeFileSync(join(folder, 'dev', node), '');
}

function unplug(node: string): void {
  rmSync(at(node), { recursive: true });
  rmSync(join(folder, 'dev', node));
  lines.get(node)?.onLost();
}

function open(options: Partial<HidPanelOptions> = {}): HidPanel {
  const logger = {
    ...silentLogger,
    warn: (_: string, fields?: LogFields) => void warnings.push(String(fields?.code)),
  };
  const opened = new HidPanel({
    usbId: USB_ID,
    clock: { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 50, signal) },
    logger,
    sysfsFolder: folder,
    deviceFolder: join(folder, 'dev'),
    openLine: async (path, listener) => {
      lines.set(path.slice(path.lastIndexOf('/') + 1), listener);
      return { close: async () => {} };
    },
    ...options,
  });
  opened.listen({ onKey: (key) => keys.push(key), onChange: () => {} });
  panel = opened;
  return opened;
}

const until = (isReady: boolean): Promise<void> =>
  vi.waitFor(() => expect(panel?.isReady).toBe(isReady), PATIENCE);

describe('a keypad on the box', () => {
  it('is taken from everybody else before it is opened, and tells its keys', async () => {
    plugIn('hidraw0', { usbId: '046d:c31c' });
    plugIn('hidraw3');
    open();
    await until(true);
    expect(readFileSync(at('hidraw3/device/input/input7/inhibited'), 'utf8')).toMatch(/^1/);
    expect(readFileSync(at('hidraw0/device/input/input7/inhibited'), 'utf8')).toBe('0\n');
    expect([...lines.keys()]).toEqual(['hidraw3']);
    const report = press(0x59);
    lines.get('hidraw3')?.onReport(report);
    lines.get('hidraw3')?.onReport(press(0));
    lines.get('hidraw3')?.onReport(press(0x58));
    expect(keys).toEqual([0x31, 'ok']);
    // What was pressed does not stay in memory.
    expect([...report]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  });

  it('leaves the mouse half of the same device alone', async () => {
    plugIn('hidraw0', { descriptor: Buffer.from('05010902a1010901a100c0c0', 'hex') });
    plugIn('hidraw1');
    open();
    await until(true);
    expect([...lines.keys()]).toEqual(['hidraw1']);
  });

  it('goes and comes back, and is told once', async () => {
    plugIn('hidraw0');
    const changes: boolean[] = [];
    open().listen({ onKey: () => {}, onChange: (isReady) => changes.push(isReady) });
    await until(true);
    unplug('hidraw0');
    await until(false);
    plugIn('hidraw1');
    await until(true);
    lines.get('hidraw1')?.onReport(press(0x29));
    expect(keys).toEqual(['cancel']);
    expect(changes).toEqual([true, false, true]);
  });

  it('is not used while its keys reach others', async () => {
    plugIn('hidraw0');
    // A kernel without the file, or a user without the right: it cannot be set.
    rmSync(at('hidraw0/device/input/input7/inhibited'));
    open();
    await vi.waitFor(() => expect(warnings).toEqual(['panel.not-exclusive']), PATIENCE);
    expect(lines.size).toBe(0);
    writeFileSync(at('hidraw0/device/input/input7/inhibited'), '1\n');
    await until(true);
  });

  it('says what is wrong, once for each kind of trouble', async () => {
    open();
    await vi.waitFor(() => expect(warnings).toEqual(['panel.unplugged']), PATIENCE);
    plugIn('hidraw0');
    rmSync(join(folder, 'dev/hidraw0'));
    await vi.waitFor(() => expect(warnings).toEqual(['panel.unplugged', 'panel.forbidden']), PATIENCE);
  });

  it('is refused by the real library without a word more than that', async () => {
    plugIn('hidraw0');
    const { openHidraw } = await import('./hidraw.ts');
    open({ openLine: openHidraw });
    // A plain file is no HID device.
    await vi.waitFor(() => expect(warnings).toEqual(['panel.unplugged']), PATIENCE);
  });
});
