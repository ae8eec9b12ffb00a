/** Brings the counter page up in a real browser, against the real server and a scripted gateway; for tests. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { type ScriptedApi, startScriptedApi } from '#api/testing/scripted-api.ts';

const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'];
const BACKGROUND = ['--disable-background-networking', '--disable-component-update'];

const here = fileURLToPath(new URL('..', import.meta.url));
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** A folder for pictures of every view; people look at them. */
const shots = process.env.SHOTS;

interface CounterBrowser {
  open(): Promise<CounterPage>;
  close(): Promise<void>;
}

export interface CounterPage {
  readonly rig: ScriptedApi;
  readonly context: BrowserContext;
  readonly page: Page;
  /** Script errors and policy violations that the browser reported. */
  readonly faults: string[];
  click(name: string): Promise<void>;
  title(name: string): Promise<void>;
  signIn(): Promise<void>;
  unlock(): Promise<void>;
  /** Accessibility violations of what is shown now; takes the picture too. */
  inspect(name: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

/**
 * One browser for a test file, a fresh page and appliance for each of its tests, handed to `use`. Answers what looks at a
 * view: zero accessibility violations on each.
 */
export function useCounterPages(use: (page: CounterPage) => void): (name: string) => Promise<void> {
  let browser: CounterBrowser;
  let counter: CounterPage;
  beforeAll(async () => {
    browser = await launchCounterBrowser();
  });
  afterAll(() => browser.close());
  beforeEach(async () => {
    counter = await browser.open();
    use(counter);
  });
  afterEach(async () => {
    await counter.close();
    expect(counter.faults).toEqual([]);
  });
  return async (name) => {
    expect(await counter.inspect(name), name).toEqual([]);
  };
}

async function launchCounterBrowser(): Promise<CounterBrowser> {
  const uiFolder = mkdtempSync(join(tmpdir(), 'sekisho-ui-'));
  await build({
    entryPoints: [join(here, 'app.ts')],
    outdir: uiFolder,
    bundle: true,
    format: 'esm',
    target: 'es2022',
  });
  for (const name of ['index.html', 'styles.css', 'icon.svg']) cpSync(join(here, name), join(uiFolder, name));
  if (shots !== undefined) mkdirSync(shots, { recursive: true });
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [...ARGUMENTS, ...BACKGROUND],
  });
  return {
    open: () => openCounterPage(browser, uiFolder),
    async close() {
      await browser.close();
      rmSync(uiFolder, { recursive: true });
    },
  };
}

async function openCounterPage(browser: Browser, uiFolder: string): Promise<CounterPage> {
  const rig = await startScriptedApi({ uiFolder });
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    viewport: { width: 1280, height: 860 },
  });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (line) => {
    // A refusal is part of the script; the browser reports its status as an error of its own.
    if (line.type() === 'error' && !line.text().includes('responded with a status of 4'))
      faults.push(line.text());
  });
  await page.goto(rig.api.url);
  const click = (name: string): Promise<void> => page.getByRole('button', { name, exact: true }).click();
  const title = (name: string): Promise<void> => page.getByRole('heading', { level: 1, name }).waitFor();
  return {
    rig,
    context,
    page,
    faults,
    click,
    title,
    async signIn() {
      await title('職員サインイン');
      await page.getByLabel('暗証番号').fill('1234');
      await click('サインイン');
    },
    async unlock() {
      await title('SAM を解除します');
      await click('オンラインで解除');
    },
    inspect: (name) => inspect(page, name),
    async close() {
      await context.close();
      await rig.close();
    },
  };
}

interface Axe {
  run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>;
}

async function inspect(page: Page, name: string): Promise<readonly string[]> {
  if (shots !== undefined) await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
  await page.evaluate(axeSource);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: Axe };
    const { violations } = await axe.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  });
}
