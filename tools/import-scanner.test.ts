import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { scanImports } from './import-scanner.mjs';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

describe('scanImports', () => {
  it.each([
    ['a default', "import fc from 'fast-check';", { specifier: 'fast-check' }],
    ['several lines', "import {\n  a,\n  type B,\n} from './a.ts';", { specifier: './a.ts', line: 4 }],
    ['a side effect', "\nimport './a.ts';", { specifier: './a.ts', line: 2 }],
    ['types', "import type { A } from './a.ts';", { specifier: './a.ts', isTypeOnly: true }],
    ['a re-export', "export * from './a.ts';", { specifier: './a.ts' }],
    ['a re-export of types', 'export type { A } from "./a.ts";', { specifier: './a.ts', isTypeOnly: true }],
    ['a dynamic import', "await import(\n  './a.ts'\n)", { specifier: './a.ts', line: 2, isDynamic: true }],
    ['a type query', "let a: import('./a.ts').A;", { specifier: './a.ts', isDynamic: true }],
    ['a computed import', 'import(name)', { specifier: undefined, isDynamic: true }],
    ['JSON', "import a from './a.json' with { type: 'json' };", { specifier: './a.json' }],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
    ['an import in a template', '`${await import("./a.ts")}`', { specifier: './a.ts', isDynamic: true }],
  ])('finds %s', (_, source, expected) => {
    expect(scanImports(source)).toEqual([{ line: 1, isDynamic: false, isTypeOnly: false, ...expected }]);
  });

  it.each([
    ['a line comment', "// import './a.ts'"],
    ['a block comment', "/**\n * import './a.ts'\n */"],
    ['a text', 'const a = "import \'./a.ts\'";'],
    ['a text with an escaped quote', "const a = 'it\\'s import \"./a.ts\"';"],
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source text
    ['a template', "const a = `\nimport './a.ts';\n${{ a: 1 }}\nimport './b.ts';`"],
    ['a regular expression', "const a = /import '.\\/[/]a.ts'/;"],
    ['a member of that name', "loader.import('./a.ts')"],
    ['an export', "export const from = 'a'; export { from };"],
  ])('finds nothing in %s', (_, source) => {
    expect(scanImports(source)).toEqual([]);
  });

  it('does not take a division for a regular expression, nor an apostrophe in one for a text', () => {
    const source = "const half = (a + b) / 2;\nconst quote = /'/;\nawait import('./a.ts'); // a / b\n";
    expect(scanImports(source)).toMatchObject([{ specifier: './a.ts', line: 3 }]);
  });

  it('finds in our own code what esbuild finds', async () => {
    const files = readdirSync(join(ROOT, 'appliance'), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => `appliance/${name}`);
    const { metafile } = await build({
      absWorkingDir: ROOT,
      entryPoints: files,
      outdir: 'build',
      write: false,
      metafile: true,
      bundle: true,
      packages: 'external',
      external: ['#*'],
      platform: 'node',
      format: 'esm',
      logLevel: 'silent',
      tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true } },
    });
    const found = Object.fromEntries(
      files.map((file) => {
        const imports = scanImports(readFileSync(join(ROOT, file), 'utf8'));
        return [file, imports.filter((each) => !each.isTypeOnly).map((each) => each.specifier)];
      }),
    );
    const expected = files.map((file) => {
      const imports = metafile.inputs[file]!.imports.filter((each) => !each.path.startsWith('<runtime>'));
      return [file, imports.map((each) => each.original ?? each.path)];
    });
    expect(sorted(found)).toEqual(sorted(Object.fromEntries(expected)));
  });
});

/** Each file's imports once and in order; what is no module but a type query in code, esbuild does not see either. */
function sorted(imports: Record<string, (string | undefined)[]>): Record<string, unknown[]> {
  return Object.fromEntries(
    Object.entries(imports).map(([file, names]) => [
      file,
      [...new Set(names.filter((name) => name !== undefined))].sort(),
    ]),
  );
}
