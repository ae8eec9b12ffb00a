/** What every view of the counter page must pass, for the tests that walk through it in a real browser. */
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';

const ARGUMENTS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'];
const BACKGROUND = ['--disable-background-networking', '--disable-component-update'];
const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** A folder for pictures of every view; people look at them. */
const shots = process.env.SHOTS;

/** The size that a test works at. */
export const DESKTOP = { width: 1280, height: 860 };
/** A small phone, a tablet held upright, a cheap notebook. */
const SCREENS = [
  { width: 360, height: 740 },
  { width: 768, height: 1024 },
  { width: 1366, height: 768 },
];

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: '/usr/bin/chromium', args: [...ARGUMENTS, ...BACKGROUND] });
}

/** Chromium drops what it is loading whenever the host's network cards change, as they do beside tests of the network. */
const HOST_CHANGED = 'net::ERR_NETWORK_CHANGED';

/** Goes there, again when the host got in the way. */
export async function openPage(page: Page, url: string): Promise<void> {
  let wasDropped = true;
  page.on('requestfailed', (request) => {
    wasDropped ||= request.failure()?.errorText === HOST_CHANGED;
  });
  while (wasDropped) {
    wasDropped = false;
    await page.goto(url).catch((thrown: unknown) => {
      if (!String(thrown).includes(HOST_CHANGED)) throw thrown;
      wasDropped = true;
    });
  }
}

/** Script errors and policy violations of a page, as they come. */
export function faultsOf(page: Page): string[] {
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (line) => {
    // A refusal is part of the visit; the browser reports its status as an error of its own.
    const isRefusal = line.text().includes('responded with a status of 4');
    const isOfHost = line.text().includes(HOST_CHANGED);
    if (line.type() === 'error' && !isRefusal && !isOfHost) faults.push(line.text());
  });
  return faults;
}

/** Answers what is wrong with the view that is shown now, at any size of screen; takes a picture at each. */
export async function inspectPage(page: Page, name: string): Promise<readonly string[]> {
  const wrong = await accessibilityViolations(page);
  for (const size of SCREENS) {
    await page.setViewportSize(size);
    wrong.push(...(await clippedElements(page)).map((element) => `clipped at ${size.width}: ${element}`));
    if (shots !== undefined) await takePicture(page, shots, `${name}-${size.width}`);
  }
  await page.setViewportSize(DESKTOP);
  return wrong;
}

async function takePicture(page: Page, folder: string, name: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
}

interface Axe {
  run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>;
}

async function accessibilityViolations(page: Page): Promise<string[]> {
  await page.evaluate(axeSource);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: Axe };
    const { violations } = await axe.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  });
}

/** What reaches over the right edge, of the screen or of a list that would have to be moved sideways. */
function clippedElements(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll('body *')]
      .filter((element) => {
        const edge = element.closest('.scroller')?.getBoundingClientRect().right ?? window.innerWidth;
        return element.getBoundingClientRect().right > Math.min(edge, window.innerWidth) + 1;
      })
      .map((element) => element.outerHTML.slice(0, 80)),
  );
}
