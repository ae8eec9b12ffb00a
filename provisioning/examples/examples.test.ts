/** Every example is loaded as the programs load it, and the hardware page speaks of each, and of every reader error. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadBrokerConfig, loadConfig } from '#config/load.ts';
import { ERRORS } from '#contract/errors.ts';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const MANUAL = readFileSync(join(HERE, '../../docs/hardware.md'), 'utf8');
const UDEV_RULES = readFileSync(join(HERE, '../udev/60-sekisho-reader.rules'), 'utf8');
const EXAMPLES = readdirSync(HERE).filter((name) => name.endsWith('.json'));
const BROKERS = EXAMPLES.filter((name) => name.startsWith('broker-'));
const GATEWAYS = EXAMPLES.filter((name) => !name.startsWith('broker-'));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-example-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The example as a technician installs it, beside the keys and certificates that it names. */
function install(name: string): string {
  const text = readFileSync(join(HERE, name), 'utf8');
  const file = join(folder, basename(name));
  cpSync(join(HERE, name), file);
  for (const [, setting = '', path = ''] of text.matchAll(/"(\w+Path)": "([^"]+)"/g)) {
    if (setting === 'socketPath') continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), '');
  }
  return file;
}

it.each(GATEWAYS)('%s is a whole production configuration', (name) => {
  const config = loadConfig(install(name));
  expect(config.profile).toBe('production');
  expect(config.sam).toEqual({ driver: 'broker', socketPath: '/run/sekisho-broker/broker.sock' });
});

it.each(BROKERS)('%s is one for the broker, at the same socket', (name) => {
  const config = loadBrokerConfig(install(name));
  expect(config).toMatchObject({ profile: 'production', socketPath: '/run/sekisho-broker/broker.sock' });
  // udev lets the broker switch the port of no other kind of reader.
  const [vendor, product = ''] = ('usbId' in config.slot ? (config.slot.usbId ?? '') : '').split(':');
  const [, products] =
    new RegExp(`idVendor}=="${vendor}", ATTR{idProduct}=="([^"]+)", RUN\\+="/bin/chgrp sekisho-broker`).exec(
      UDEV_RULES,
    ) ?? [];
  expect(products?.split('|')).toContain(product);
});

it('covers each real wiring', () => {
  const readers = GATEWAYS.map((name) => loadConfig(install(name)).reader);
  const of = (driver: string): unknown[] => readers.filter((reader) => reader.driver === driver);
  expect(of('pcsc')).toMatchObject([{ readerName: 'ACR1252 Dual Reader PICC', usbId: '072f:223b' }]);
  expect(of('pn532')).toMatchObject([
    { device: '/dev/ttyAMA0', baudRate: 921_600 },
    { device: expect.stringMatching(/^\/dev\/serial\/by-id\//), baudRate: 460_800 },
  ]);
});

it.each(EXAMPLES)('%s is named in docs/hardware.md', (name) => {
  expect(MANUAL).toContain(`(../provisioning/examples/${name})`);
});

it.each(Object.entries(ERRORS).filter(([code]) => code.startsWith('reader.')))(
  'docs/hardware.md shows %s as the screen does',
  (code, { ja }) => {
    expect(MANUAL).toContain(`| ${ja.title} | \`${code}\` |`);
  },
);
