/** The counter page of a running clinic in a real browser, as a person at the counter has it. */
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium, type Page } from 'playwright-core';

/** Built by `tools/build.mjs`. */
export const BUILT_UI = fileURLToPath(new URL('../../build/ui', import.meta.url));

const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'];
const BACKGROUND = ['--disable-background-networking', '--disable-component-update'];
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** A folder for pictures of every view; people look at them. */
const shots = process.env.SHOTS;

export interface CounterScreen {
  readonly page: Page;
  /** Script errors and policy violations that the browser reported. */
  readonly faults: readonly string[];
  click(name: string): Promise<void>;
  /** Waits for the view with this heading. */
  title(name: string): Promise<void>;
  /** Accessibility violations of what is shown now; takes the picture too. */
  inspect(name: string): Promise<readonly string[]>;
  close(): Promise<void>;
}

export async function openCounterScreen(url: string): Promise<CounterScreen> {
  const browser = await chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [...ARGUMENTS, ...BACKGROUND],
  });
  const page = await browser.newPage({
    ignoreHTTPSErrors: true,
    viewport: { width: 1280, height: 860 },
  });
  page.setDefaultTimeout(15_000);
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (line) => {
    // A refusal is part of the visit; the browser reports its status as an error of its own.
    const isRefusal = line.text().includes('responded with a status of 4');
    if (line.type() === 'error' && !isRefusal) faults.push(line.text());
  });
  await page.goto(url);
  return {
    page,
    faults,
    click: (name) => page.getByRole('button', { name, exact: true }).click(),
    title: (name) => page.getByRole('heading', { level: 1, name }).waitFor(),
    inspect: (name) => inspect(page, name),
    close: () => browser.close(),
  };
}

interface Axe {
  run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>;
}

async function inspect(page: Page, name: string): Promise<readonly string[]> {
  if (shots !== undefined) {
    mkdirSync(shots, { recursive: true });
    await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });
  }
  await page.evaluate(axeSource);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: Axe };
    const { violations } = await axe.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  });
}
