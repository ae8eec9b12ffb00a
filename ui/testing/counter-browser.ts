/** Brings the counter page up in a real browser, against the real server and a scripted gateway; for tests. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { type ScriptedApi, startScriptedApi } from '#api/testing/scripted-api.ts';
import { DESKTOP, faultsOf, inspectPage, launchBrowser, openPage } from './page-inspection.ts';

const here = fileURLToPath(new URL('..', import.meta.url));

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
  /** What is wrong with what is shown now. */
  inspect(name: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

/**
 * One browser for a test file, a fresh page and appliance for each of its tests, handed to `use`. Answers what looks at a
 * view: nothing wrong with any.
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
  const browser = await launchBrowser();
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
    viewport: DESKTOP,
  });
  const page = await context.newPage();
  const faults = faultsOf(page);
  await openPage(page, rig.api.url);
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
    inspect: (name) => inspectPage(page, name),
    async close() {
      await context.close();
      await rig.close();
    },
  };
}
