/** The shape of the house as data: who may import whom, who names which library. `boundaries.mjs` enforces it. */

const CONTRACT = 'appliance/contract';
const PORTS = 'appliance/ports';
const CHANNEL = 'appliance/card/channel.ts';
const TRUST_PORTS = 'appliance/trust/ports.ts';
const SAM_ACCESS = 'appliance/broker/sam-access.ts';
const UPSTREAM_PORTS = 'appliance/upstream/ports.ts';
const FACE = 'appliance/gateway/face.ts';

const EVERY_APPLIANCE_ROOM = [
  'api',
  'broker',
  'card',
  'config',
  'contract',
  'evidence',
  'gateway',
  'liveness',
  'lease',
  'ports',
  'sam',
  'store',
  'sync',
  'trust',
  'upstream',
].map((name) => `appliance/${name}`);

/**
 * `may`: folders and files of ours that it may import besides its own.
 * `instead`: where code goes that seems to need more.
 * `tests`: what its tests may import besides.
 * `browser`: runs in a browser too, so nothing of Node.
 * A file belongs to the longest folder that contains it; an entry may be a single file.
 */
export const ROOMS = [
  {
    folder: CONTRACT,
    may: [],
    browser: true,
    instead:
      'The contract knows nobody: move what both need into it, or keep the code in the room that needs both.',
  },
  {
    folder: 'appliance/config',
    may: [CONTRACT],
    instead: 'Config reads and validates; wiring belongs to the composition root, appliance/appliance.ts.',
  },
  {
    folder: PORTS,
    may: [CONTRACT],
    instead: 'A port is an interface to the world; an implementation that needs a room goes into that room.',
  },
  {
    folder: 'appliance/card',
    may: [CONTRACT, PORTS],
    instead:
      'Card language knows no hardware and no clinic: hardware goes to drivers/, decisions to appliance/gateway.',
  },
  {
    folder: 'appliance/sam',
    may: [CONTRACT, PORTS, 'appliance/card'],
    instead:
      'SAM language knows no hardware and no clinic: hardware goes to drivers/, decisions to appliance/gateway.',
  },
  {
    folder: 'appliance/broker',
    may: [CONTRACT, PORTS, 'appliance/card', 'appliance/sam', 'appliance/evidence/canonical.ts'],
    instead:
      'The broker is read in an hour or not at all: what does not guard the SAM belongs to appliance/gateway.',
    tests: ['appliance/config', 'appliance/gateway/testdata', 'appliance/trust', 'clinic'],
  },
  {
    folder: 'appliance/trust',
    may: [CONTRACT, PORTS],
    instead:
      'Trust judges certificates; network calls go to appliance/upstream, decisions to appliance/gateway.',
  },
  {
    folder: 'appliance/upstream',
    may: [CONTRACT, PORTS, 'appliance/trust'],
    instead: 'Upstream speaks to the centre; what an answer means is decided in appliance/gateway.',
  },
  {
    folder: 'appliance/evidence',
    may: [CONTRACT, PORTS],
    instead: 'Evidence is pure: storing it belongs to appliance/store, making it to appliance/gateway.',
  },
  {
    folder: 'appliance/gateway',
    may: [
      CONTRACT,
      PORTS,
      'appliance/card',
      'appliance/sam',
      'appliance/evidence',
      SAM_ACCESS,
      TRUST_PORTS,
      UPSTREAM_PORTS,
    ],
    instead:
      'The gateway decides and touches nothing: take a port, and let appliance/appliance.ts pass the real thing in.',
    tests: ['drivers/panel', 'appliance/broker', 'appliance/store', 'appliance/trust', 'clinic'],
  },
  {
    folder: 'appliance/lease',
    may: [CONTRACT, PORTS],
    instead:
      'The lease decides where the appliance is: what touches the system goes to drivers/network, what follows to appliance/gateway.',
    tests: ['drivers/network', 'appliance/broker'],
  },
  {
    folder: 'appliance/store',
    may: [CONTRACT, PORTS, 'appliance/evidence'],
    instead: 'The store keeps rows; what they mean is decided in appliance/gateway.',
  },
  {
    folder: 'appliance/sync',
    may: [CONTRACT, PORTS, 'appliance/store', UPSTREAM_PORTS],
    instead:
      'Sync pulls from the outbox and pushes through a port; the client behind it belongs to appliance/upstream.',
  },
  {
    folder: 'appliance/liveness',
    may: [CONTRACT, PORTS],
    instead: 'Liveness asks what it is given: a check of a room is made there and passed in by the program.',
  },
  {
    folder: 'appliance/api',
    may: [CONTRACT, PORTS, FACE],
    instead: `The edge parses and answers; ask for what is missing on the face of the gateway (${FACE}).`,
    tests: ['appliance/log.ts'],
  },
  {
    folder: 'appliance',
    may: EVERY_APPLIANCE_ROOM,
    instead: 'Only appliance.ts and main.ts wire hardware in; the rest of this folder serves them.',
  },
  {
    folder: 'appliance/appliance.ts',
    may: ['appliance', 'drivers'],
    instead: 'The composition root knows the appliance and its drivers; centre and clinic stand outside.',
  },
  {
    folder: 'appliance/open-lease.ts',
    may: ['appliance', 'drivers/network'],
    instead: 'This file joins the lease and its drivers; rules belong to appliance/lease.',
  },
  {
    folder: 'appliance/broker/main.ts',
    may: ['appliance', 'drivers'],
    lazily: ['drivers'],
    instead:
      'The program knows the broker, its configuration, and the one driver that it names: await import(…).',
  },
  {
    folder: 'appliance/main.ts',
    may: ['appliance', 'drivers'],
    lazily: ['drivers'],
    instead:
      'The program knows the appliance, and loads only the drivers that its configuration names: await import(…).',
  },
  {
    folder: 'drivers',
    may: [CONTRACT, CHANNEL],
    instead: 'Only the contract suite of all readers lives here; a driver has a folder of its own.',
    tests: ['drivers'],
  },
  {
    folder: 'drivers/pcsc',
    may: [CONTRACT, PORTS, CHANNEL],
    instead: 'A driver carries APDUs and understands none: card language belongs to appliance/card.',
  },
  {
    folder: 'drivers/pn532',
    may: [CONTRACT, PORTS, CHANNEL],
    instead: 'A driver carries APDUs and understands none: card language belongs to appliance/card.',
  },
  {
    folder: 'drivers/sam-slot',
    may: [CONTRACT, PORTS, CHANNEL, 'drivers/pcsc'],
    instead: 'A driver carries APDUs and understands none: SAM language belongs to appliance/sam.',
  },
  {
    folder: 'drivers/panel',
    may: [CONTRACT, PORTS],
    instead: 'The panel tells which key was pressed; what that means is decided in appliance/gateway.',
  },
  {
    folder: 'drivers/supervision',
    may: [CONTRACT, PORTS, CHANNEL],
    instead: 'Supervision works on every CardReader alike: what one device needs goes into its driver.',
  },
  {
    folder: 'drivers/network',
    may: [CONTRACT, PORTS],
    instead: 'A driver tells what it sees: what it means is decided in appliance/lease.',
  },
  {
    folder: 'drivers/simulated',
    may: [CONTRACT, PORTS, CHANNEL],
    instead:
      'Simulators are written independently, so that a symmetric bug cannot cancel out: write it anew here.',
  },
  {
    folder: 'centre',
    may: [CONTRACT],
    instead: 'The centre knows the appliance by its wire formats alone (appliance/contract/centre).',
  },
  {
    folder: 'anchor',
    may: [],
    instead:
      'The anchor runs alone on a PC of the clinic and shares no code with who verifies it: docs/lease-protocol.md and its vectors are all that both know.',
    tests: ['centre'],
  },
  {
    folder: 'ui',
    may: [CONTRACT],
    browser: true,
    instead: 'The page knows the HTTP contract alone; ask for what is missing in appliance/contract/http.',
    tests: ['appliance/api'],
  },
  {
    folder: 'provisioning',
    may: [CONTRACT, 'appliance/config', PORTS, 'appliance/card', 'appliance/sam', 'drivers'],
    instead: 'Provisioning prepares a device; what runs on it afterwards belongs to appliance/.',
  },
  {
    folder: 'clinic',
    may: ['appliance', 'drivers', 'centre', 'anchor', 'provisioning', 'ui'],
    instead: 'The clinic puts finished parts together.',
  },
  {
    folder: 'tools',
    may: [],
    instead: 'Tools run on a bare Node; what needs the project belongs to clinic/ or provisioning/.',
  },
];

/** Tests, and what only they import. */
export const TEST_FILES =
  /\.test\.ts$|\/(testing|testdata)\/|\/scripted-[^/]*$|^drivers\/reader-contract\.ts$/;

/** What tests may import besides: their counterparts, and the whole house for those that test the house. */
export const TESTS_MAY = [
  { tests: TEST_FILES, may: ['drivers/simulated', 'drivers/reader-contract.ts', 'centre', 'anchor'] },
  {
    tests: /\.(flow|referee|browser)\.test\.ts$|^appliance\/[^/]*\.test\.ts$|\/(testing|testdata)\//,
    may: ['drivers/pcsc', 'clinic'],
  },
];

/**
 * Where each library is named: one file of a room, so that it can be replaced in an hour. zod is the language in which
 * rooms describe what comes from outside; a folder stands for all its files. Tests name what they like of package.json.
 */
export const LIBRARIES = {
  '@cornerstonejs/codec-openjpeg': ['appliance/card/face/photo.ts'],
  'better-sqlite3': ['appliance/store/database.ts', 'centre/database.ts'],
  esbuild: ['tools/build.mjs'],
  express: ['appliance/api/http/application.ts'],
  'node-hid': ['drivers/panel/hidraw.ts'],
  pino: ['appliance/log.ts'],
  pngjs: ['appliance/card/face/photo.ts'],
  serialport: ['drivers/pn532/serial-port.ts'],
  'sd-notify': ['appliance/liveness/systemd.ts'],
  smartcard: ['drivers/pcsc/pcsc-host.mjs'],
  vitest: ['vitest.config.ts'],
  zod: [
    CONTRACT,
    'appliance/broker/commands.ts',
    'appliance/broker/envelope.ts',
    'appliance/broker/permit-record.ts',
    'appliance/config',
    'appliance/api/http/openapi.ts',
    'appliance/evidence/audited-record.ts',
    'centre/command.ts',
    'centre/seed/person.ts',
    'drivers/simulated/people.ts',
  ],
};

/** Schema types travel through signatures, as the contract exports schemas. */
export const LIBRARIES_WITH_FREE_TYPES = ['zod'];

export const MAX_LINES = 300;
export const MAX_TEST_LINES = 400;
export const GENERATED_FILES = /\/testdata\/|\.generated\.ts$/;

/** Each says that somebody did not know what the code is. */
export const EMPTY_WORDS = /^(utils?|utilities|helpers?|common|managers?|misc|mocks?)$/;
export const FILE_NAME = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*\.(ts|mjs|mts)$/;
