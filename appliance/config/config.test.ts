import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { type ErrorCode, SekishoError } from '#contract/errors.ts';
import {
  type ConfigProblem,
  ConfigProblemList,
  loadBrokerConfig,
  loadConfig,
  parseBrokerConfig,
  parseConfig,
} from './load.ts';
import { renderConfigManual } from './manual.ts';
import type { ConfigFile } from './schema.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

const production: ConfigFile = {
  profile: 'production',
  tls: { keyPath: 'tls.key', certificatePath: 'tls.crt' },
  centre: {
    serviceProviderUrl: 'https://sp.example',
    eligibilityUrl: 'https://eligibility.example',
    historyUrl: 'https://history.example',
    ocspUrl: 'http://ocsp.example',
    crlUrls: ['http://ca.example/ca.crl'],
    timeStampUrl: 'http://tsa.example',
    caPath: 'ca.crt',
    clientKeyPath: 'client.key',
    clientCertificatePath: 'client.crt',
    auditCertificatePath: 'audit.crt',
  },
  trust: {
    jpkiAnchorsPath: 'jpki.pem',
    hpkiAnchorsPath: 'hpki.pem',
    samDeviceAnchorsPath: 'sam.pem',
    cardFaceRootPath: 'face-root.pem',
    serviceProviderKeyPath: 'sp.pem',
    timeStampAnchorsPath: 'tsa.pem',
  },
  reader: { driver: 'pcsc', readerName: 'ACS ACR1252' },
  sam: { driver: 'broker', socketPath: 'broker.sock' },
  store: { folder: 'store' },
  network: { publicKeyPath: 'anchor.pem', anchors: [{ host: '192.168.10.2' }], interface: 'eth0' },
  texts: { clinicNameJa: '関所診療所', clinicNameEn: 'Sekisho Clinic' },
};

function problemsOf(run: () => unknown): readonly ConfigProblem[] {
  try {
    run();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(SekishoError);
    expect((thrown as SekishoError).code).toBe('config.invalid' satisfies ErrorCode);
    return ((thrown as SekishoError).cause as ConfigProblemList).problems;
  }
  throw new Error('nothing was refused');
}

describe('parseConfig', () => {
  test('fills defaults and freezes to the last field', () => {
    const config = parseConfig(production);
    expect(config.limits.operatorIdleMs).toBe(900_000);
    expect(config.listen).toEqual({ host: '127.0.0.1', port: 8443 });
    expect(Object.isFrozen(config) && Object.isFrozen(config.limits) && Object.isFrozen(config.reader)).toBe(
      true,
    );
  });

  test('lists every problem at once, with its path', () => {
    const broken = {
      ...production,
      profile: 'production',
      reader: { driver: 'simulated', cards: ['a.json'] },
      sam: { driver: 'simulated', stateFile: 'sam.json' },
      network: { publicKeyPath: 'anchor.pem', anchors: [], graceMs: 1 },
      limits: { operatorIdleMs: 5, operatorIdleSeconds: 9 },
      tls: { keyPath: 'k' },
      extra: true,
    };
    expect(
      problemsOf(() => parseConfig(broken))
        .map(({ path }) => path)
        .toSorted(),
    ).toEqual([
      'extra',
      'limits.operatorIdleMs',
      'limits.operatorIdleSeconds',
      'network.anchors',
      'network.graceMs',
      'network.interface',
      'reader.driver',
      'sam.driver',
      'tls.certificatePath',
    ]);
  });

  test.each(['reader', 'sam'] as const)(
    'production refuses a simulated %s; development takes it',
    (device) => {
      const simulated = {
        reader: { driver: 'simulated', cards: ['a.json'] },
        sam: { driver: 'simulated', stateFile: 's.json' },
      }[device];
      const file = { ...production, [device]: simulated };
      expect(problemsOf(() => parseConfig(file))).toEqual([
        { path: `${device}.driver`, reason: 'a production configuration cannot name a simulator' },
      ]);
      expect(parseConfig({ ...file, profile: 'development' })[device].driver).toBe('simulated');
    },
  );

  test('production leaves the SAM to the broker; development need not', () => {
    const file = { ...production, sam: { driver: 'pcsc' } };
    expect(problemsOf(() => parseConfig(file))).toEqual([
      { path: 'sam.driver', reason: 'a production configuration leaves the SAM to the broker' },
    ]);
    expect(parseConfig({ ...file, profile: 'development' }).sam).toEqual({ driver: 'pcsc' });
  });

  test('production names the network card to watch; development need not', () => {
    const { interface: _unnamed, ...network } = production.network;
    expect(problemsOf(() => parseConfig({ ...production, network })).map(({ path }) => path)).toEqual([
      'network.interface',
    ]);
    expect(parseConfig({ ...production, profile: 'development', network }).network).toMatchObject({
      graceMs: 3_000,
      askEveryMs: 1_000,
      anchors: [{ host: '192.168.10.2', port: 26_460 }],
    });
  });

  test('anchors are in the clinic, and of one family', () => {
    const pathsFor = (...hosts: string[]): string[] => {
      const network = { ...production.network, anchors: hosts.map((host) => ({ host })) };
      try {
        parseConfig({ ...production, network });
        return [];
      } catch (thrown) {
        return ((thrown as SekishoError).cause as ConfigProblemList).problems.map(({ path }) => path);
      }
    };
    for (const good of ['192.168.10.2', 'fd12:3456::1', 'fe80::5e:1%eth0', 'FD00::A', 'anchor.clinic'])
      expect(pathsFor(good), good).toEqual([]);
    for (const bad of ['fe80::1', '2001:db8::1', 'ff02::1', '::', '::ffff:192.168.10.2', 'fec0::1'])
      expect(pathsFor(bad), bad).toEqual(['network.anchors.0.host']);
    expect(pathsFor('fd00::1', 'fe80::1%eth0')).toEqual([]);
    expect(pathsFor('fd00::1', '192.168.10.2')).toEqual(['network.anchors']);
  });

  test('a PN532 has its nine rates and begins at the one of every fresh chip', () => {
    const pn532 = (more: object) => ({
      ...production,
      reader: { driver: 'pn532', device: '/dev/serial0', ...more },
    });
    expect(parseConfig(pn532({})).reader).toMatchObject({ baudRate: 115_200, exchangeTimeoutMs: 5_000 });
    const wrong = pn532({ baudRate: 100_000, exchangeTimeoutMs: 3_000 });
    expect(problemsOf(() => parseConfig(wrong)).map(({ path }) => path)).toEqual([
      'reader.baudRate',
      'reader.exchangeTimeoutMs',
    ]);
  });

  test.each([null, [], 'text', 7])('refuses %j as a whole', (value) => {
    expect(problemsOf(() => parseConfig(value))).toHaveLength(1);
  });

  test('a centre over plain http is refused; signed objects may come over http', () => {
    const file = {
      ...production,
      centre: { ...production.centre, eligibilityUrl: 'http://eligibility.example' },
    };
    expect(problemsOf(() => parseConfig(file)).map(({ path }) => path)).toEqual(['centre.eligibilityUrl']);
  });
});

describe('parseBrokerConfig', () => {
  const broker = {
    profile: 'production',
    slot: { driver: 'pcsc' },
    socketPath: 'broker.sock',
    stateFolder: 'state',
    serviceProviderKeyPath: 'sp.pem',
    anchorKeyPath: 'anchor.pem',
  };

  test('production refuses a simulated SAM; development takes it', () => {
    const file = { ...broker, slot: { driver: 'simulated', stateFile: 's.json' } };
    expect(problemsOf(() => parseBrokerConfig(file))).toEqual([
      { path: 'slot.driver', reason: 'a production configuration cannot name a simulator' },
    ]);
    expect(parseBrokerConfig({ ...file, profile: 'development' }).slot.driver).toBe('simulated');
    expect(parseBrokerConfig(broker).slot.driver).toBe('pcsc');
  });

  test('production switches the USB ports of this machine; a test may have others', () => {
    const file = { ...broker, slot: { driver: 'pcsc', sysfsFolder: '/tmp/sysfs' } };
    expect(problemsOf(() => parseBrokerConfig(file))).toEqual([
      { path: 'slot.sysfsFolder', reason: 'a production configuration takes the USB ports of /sys' },
    ]);
    expect(parseBrokerConfig({ ...file, profile: 'development' }).slot).toEqual(file.slot);
  });

  test('an unknown setting is a problem here, too', () => {
    expect(problemsOf(() => parseBrokerConfig({ ...broker, port: 1 }))).toEqual([
      { path: 'port', reason: 'unknown setting' },
    ]);
  });
});

describe('loadConfig', () => {
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };

  test('makes paths absolute beside the file', () => {
    const names = JSON.stringify(production).matchAll(/"\w+Path":"([^"]+)"/g);
    for (const [, name] of names) write(name!, '');
    const config = loadConfig(write('config.json', JSON.stringify(production)));
    expect(config.tls.keyPath).toBe(join(folder, 'tls.key'));
    expect(config.store.folder).toBe(join(folder, 'store'));
    expect(Object.isFrozen(config.centre)).toBe(true);
  });

  test('names every file that is not there', () => {
    const file = { ...production, tls: { keyPath: 'gone.key', certificatePath: 'gone.crt' } };
    const problems = problemsOf(() => loadConfig(write('gone.json', JSON.stringify(file))));
    expect(problems.map(({ path }) => path)).toEqual(['tls.keyPath', 'tls.certificatePath']);
  });

  test('a missing or broken file is told without quoting it', () => {
    expect(problemsOf(() => loadConfig(join(folder, 'none.json')))[0]).toMatchObject({ path: '' });
    expect(problemsOf(() => loadConfig(write('bad.json', '{"pin": 1234')))).toEqual([
      { path: '', reason: 'is not JSON' },
    ]);
  });

  const published = readFileSync(
    new URL('../../docs/lease-vectors/anchor-public.pem', import.meta.url),
    'utf8',
  );
  const refusal = (path: string): ConfigProblem => ({
    path,
    reason: expect.stringMatching(
      /^is a test key that everybody has \(docs\/lease-vectors.*\): name a key of your own/,
    ),
  });
  const pathsOf = (text: string): [string, string][] =>
    [...text.matchAll(/"(\w+(?<!socket)Path)":"([^"]+)"/g)].map(([, setting = '', name = '']) => [
      setting,
      name,
    ]);

  test('a production gateway refuses a published key in whatever file it is named; development takes it', () => {
    const text = JSON.stringify(production);
    for (const [, name] of pathsOf(text)) write(name, '');
    for (const [setting, name] of pathsOf(text)) {
      write(name, published);
      const problems = problemsOf(() => loadConfig(write('published.json', text)));
      expect(problems, setting).toEqual([refusal(expect.stringMatching(`${setting}$`))]);
      write(name, '');
    }
    write('anchor.pem', published);
    const development = JSON.stringify({ ...production, profile: 'development' });
    expect(loadConfig(write('published.json', development)).profile).toBe('development');
  });

  test('so does a production broker, for the anchor and for the SP', () => {
    const [anchor, sp] = [write('anchor.pem', published), write('sp.pem', published)];
    const file = {
      profile: 'production',
      slot: { driver: 'pcsc' },
      socketPath: 'broker.sock',
      stateFolder: 'state',
      serviceProviderKeyPath: sp,
      anchorKeyPath: anchor,
    };
    const load = (more: object) => () =>
      loadBrokerConfig(write('broker.json', JSON.stringify({ ...file, ...more })));
    expect(problemsOf(load({}))).toEqual([refusal('serviceProviderKeyPath'), refusal('anchorKeyPath')]);
    expect(load({ profile: 'development' })().anchorKeyPath).toBe(anchor);
  });

  test('the list reads as one line per problem', () => {
    const list = new ConfigProblemList([
      { path: 'a.b', reason: 'x' },
      { path: '', reason: 'y' },
    ]);
    expect(list.message).toBe('a.b: x\n(file): y');
  });
});

test('docs/config.md is the schema', () => {
  const file = new URL('../../docs/config.md', import.meta.url);
  const page = renderConfigManual();
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, page);
  expect(page).toBe(readFileSync(file, 'utf8'));
  expect(page).toContain('| `limits.operatorIdleMs` | integer 60000 to 3600000 | `900000` | ms |');
});
