/** What each upstream test does again and again: serve, connect, fail, tidy up. One test file, one bench. */
import { inspect } from 'node:util';
import { isSekishoError, type SekishoError } from '#contract/errors.ts';
import { openCentre } from '../centre.ts';
import type { Centre } from '../ports.ts';
import { answerJson, openScriptedService, type Script, type ScriptedService } from './scripted-service.ts';
import { openRegion } from './test-region.ts';

export const ROSTER = { version: 3, operators: [], update: 'AAAA' };
export const answerRoster: Script = (_, response) => answerJson(response, 200, ROSTER);

export const region = openRegion();
const open: { close(): Promise<void> }[] = [];

/** Closes everything that was kept. */
export async function tidy(): Promise<void> {
  for (const one of open.splice(0)) await one.close();
  region.signer.signatures = 0;
}

export function keep<T extends { close(): Promise<void> }>(one: T): T {
  open.push(one);
  return one;
}

export async function serve(script: Script = answerRoster, tls: object = {}): Promise<ScriptedService> {
  return keep(await openScriptedService({ ...region.serverTls, ...tls }, script));
}

export function clientOf(url: string, more: Partial<Parameters<typeof openCentre>[0]> = {}): Centre {
  const urls = { serviceProvider: url, eligibility: url, history: url };
  return keep(openCentre({ ...region.options(urls), ...more }));
}

export async function failure(work: Promise<unknown>): Promise<SekishoError> {
  const thrown = await work.then(
    () => 'resolved',
    (reason: unknown) => reason,
  );
  if (!isSekishoError(thrown)) throw new Error(`not a SekishoError: ${inspect(thrown)}`);
  return thrown;
}
