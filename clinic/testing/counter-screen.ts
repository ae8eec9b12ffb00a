/** The counter page of a running clinic in a real browser, as a person at the counter has it. */
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { DESKTOP, faultsOf, inspectPage, launchBrowser, openPage } from '#ui/testing/page-inspection.ts';

/** Built by `tools/build.mjs`. */
export const BUILT_UI = fileURLToPath(new URL('../../build/ui', import.meta.url));

export interface CounterScreen {
  readonly page: Page;
  /** Script errors and policy violations that the browser reported. */
  readonly faults: readonly string[];
  click(name: string): Promise<void>;
  /** Waits for the view with this heading. */
  title(name: string): Promise<void>;
  /** What is wrong with what is shown now. */
  inspect(name: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

export async function openCounterScreen(url: string): Promise<CounterScreen> {
  const browser = await launchBrowser();
  const page = await browser.newPage({ ignoreHTTPSErrors: true, viewport: DESKTOP });
  page.setDefaultTimeout(15_000);
  const faults = faultsOf(page);
  await openPage(page, url);
  return {
    page,
    faults,
    click: (name) => page.getByRole('button', { name, exact: true }).click(),
    title: (name) => page.getByRole('heading', { level: 1, name }).waitFor(),
    inspect: (name) => inspectPage(page, name),
    close: () => browser.close(),
  };
}
