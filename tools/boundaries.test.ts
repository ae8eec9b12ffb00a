import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findViolations } from './boundaries.mjs';

const alias = (folder: string): { default: string } => ({ default: `./${folder}/*.ts` });
const PACKAGE = {
  imports: {
    '#contract/*.ts': alias('appliance/contract'),
    '#card/*.ts': alias('appliance/card'),
    '#gateway/*.ts': alias('appliance/gateway'),
    '#upstream/*.ts': alias('appliance/upstream'),
    '#drivers/*.ts': alias('drivers'),
    '#centre/*.ts': alias('centre'),
    '#clinic/*.ts': alias('clinic'),
  },
  dependencies: { zod: '1', 'better-sqlite3': '1' },
  devDependencies: { 'fast-check': '1' },
};

/** A small house in order. */
const HOUSE = {
  'appliance/contract/errors.ts': "import { z } from 'zod';\n",
  'appliance/card/apdu.ts':
    "import type { E } from '#contract/errors.ts';\nimport { readFile } from 'node:fs';\n",
  'appliance/card/channel.ts': '\n',
  'appliance/card/apdu.test.ts':
    "import fc from 'fast-check';\nimport '#drivers/simulated/card.ts';\nimport './apdu.ts';\n",
  'appliance/card/testdata/scripted-reader.ts': "import '#drivers/pcsc/index.ts';\n",
  'appliance/upstream/ports.ts': '\n',
  'appliance/upstream/client.ts': '\n',
  'appliance/gateway/tap.ts': "import '#card/apdu.ts';\nimport '#upstream/ports.ts';\n",
  'appliance/store/database.ts': "import Database from 'better-sqlite3';\n",
  'appliance/main.ts': "import '#gateway/tap.ts';\nawait import('#drivers/pcsc/index.ts');\n",
  'appliance/house.flow.test.ts': "import '#clinic/start.ts';\n",
  'drivers/pcsc/index.ts': "import '#card/channel.ts';\n",
  'drivers/simulated/card.ts': '// a world of its own\n',
  'centre/database.ts': "import Database from 'better-sqlite3';\n",
  'clinic/start.ts': "import '#centre/database.ts';\nimport '#gateway/tap.ts';\n",
};

describe('the boundaries', () => {
  let root: string;
  const write = (files: Record<string, string>): void => {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
  };

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'sekisho-boundaries-'));
    write({ 'package.json': JSON.stringify(PACKAGE), ...HOUSE });
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('have nothing against a house in order', () => {
    expect(findViolations(root)).toEqual([]);
  });

  it.each<[string, string, string, string]>([
    [
      'a room that knows too much',
      'appliance/gateway/tap.ts',
      "import '#card/apdu.ts';\nimport '#upstream/client.ts';\n",
      '2: appliance/gateway may not import appliance/upstream/client.ts. The gateway decides and touches nothing',
    ],
    [
      'a type from a forbidden room',
      'appliance/card/pin.ts',
      "import type { Tap } from '#gateway/tap.ts';\n",
      '1: appliance/card may not import appliance/gateway/tap.ts. Card language knows no hardware',
    ],
    [
      'a re-export from a forbidden room',
      'centre/card.ts',
      "export { Apdu } from '#card/apdu.ts';\n",
      '1: centre may not import appliance/card/apdu.ts. The centre knows the appliance by its wire formats',
    ],
    [
      'a dynamic import of a forbidden room',
      'drivers/simulated/sam.ts',
      "\nconst { pad } = await import('#card/apdu.ts');\n",
      '2: drivers/simulated may not import appliance/card/apdu.ts. Simulators are written independently',
    ],
    [
      'a simulator in the product',
      'appliance/card/read.ts',
      "import '#drivers/simulated/card.ts';\n",
      '1: appliance/card may not import drivers/simulated/card.ts.',
    ],
    [
      'the whole house in a unit test',
      'appliance/card/read.test.ts',
      "import '#clinic/start.ts';\n",
      '1: appliance/card may not import clinic/start.ts.',
    ],
    [
      'a driver that is loaded before the configuration names it',
      'appliance/main.ts',
      "import '#drivers/pcsc/index.ts';\n",
      '1: drivers/pcsc/index.ts may only be loaded when it is needed.',
    ],
    [
      'test support in the product',
      'appliance/card/read.ts',
      "import './testdata/scripted-reader.ts';\n",
      '1: appliance/card/testdata/scripted-reader.ts is for tests only.',
    ],
    [
      'Node in what a browser runs',
      'appliance/contract/hash.ts',
      "import { createHash } from 'node:crypto';\n",
      '1: node:crypto does not exist in a browser.',
    ],
    [
      'a relative path to another room',
      'appliance/gateway/tap.ts',
      "import '../card/apdu.ts';\n",
      '1: ../card/apdu.ts leaves the room. Write an alias',
    ],
    [
      'an alias for a neighbour',
      'appliance/card/read.ts',
      "import '#card/apdu.ts';\n",
      '1: #card/apdu.ts is in the same room. Write a relative path.',
    ],
    [
      'an alias that nobody declared',
      'appliance/gateway/tap.ts',
      "import '#sam/sam.ts';\n",
      '1: #sam/sam.ts leads to no file.',
    ],
    [
      'a file that is not there',
      'appliance/gateway/tap.ts',
      "import './gone.ts';\n",
      '1: ./gone.ts leads to no file.',
    ],
    [
      'an import that nobody can check',
      'appliance/gateway/tap.ts',
      'await import(name);\n',
      '1: import() of something computed.',
    ],
    [
      'a library in a second place',
      'appliance/store/rows.ts',
      "import Database from 'better-sqlite3';\n",
      '1: better-sqlite3 is named in appliance/store/database.ts, centre/database.ts. Ask that file',
    ],
    [
      'a test library in the product',
      'appliance/card/read.ts',
      "import fc from 'fast-check';\n",
      '1: fast-check may be named by tests only.',
    ],
    [
      'a library that is not installed',
      'appliance/card/read.test.ts',
      "import '@scope/thing/part';\n",
      '1: @scope/thing is not in package.json.',
    ],
    [
      'a loop',
      'drivers/simulated/card.ts',
      "\nimport type { A } from './card.ts';\n",
      '2: a loop: drivers/simulated/card.ts → drivers/simulated/card.ts.',
    ],
    [
      'a long file',
      'appliance/card/long.ts',
      '\n'.repeat(301),
      '301: 301 lines. A file past 300 is two ideas',
    ],
    ['a long test', 'appliance/card/long.test.ts', '\n'.repeat(401), '401: 401 lines. A file past 400'],
    ['a name that says nothing', 'appliance/card/hex-utils.ts', '\n', '1: "utils" says nothing.'],
    ['a folder that says nothing', 'appliance/card/common/hex.ts', '\n', '1: "common" says nothing.'],
    ['a name in camel case', 'appliance/card/hexText.ts', '\n', '1: A file name is a noun in kebab-case.'],
  ])('catch %s', (_, path, text, verdict) => {
    write({ [path]: text });
    const violations = findViolations(root);
    expect(violations).toHaveLength(1);
    expect(violations[0]).toMatch(`${path}:${verdict}`);
  });

  it('let schema types travel, but not schemas', () => {
    write({ 'appliance/upstream/client.ts': "import type { z } from 'zod';\n" });
    expect(findViolations(root)).toEqual([]);
    write({ 'appliance/upstream/client.ts': "import { z } from 'zod';\n" });
    expect(findViolations(root)).toHaveLength(1);
  });

  it('list a loop of several files once, the shortest way round', () => {
    write({
      'centre/a.ts': "import './b.ts';\n",
      'centre/b.ts': "import './c.ts';\n",
      'centre/c.ts': "import './a.ts';\nimport './b.ts';\n",
    });
    expect(findViolations(root)).toEqual([
      'centre/a.ts:1: a loop: centre/a.ts → centre/b.ts → centre/c.ts → centre/a.ts. Move what both sides need into a third file.',
    ]);
  });
});
