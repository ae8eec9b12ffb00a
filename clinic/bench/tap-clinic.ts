/** Clinics to tap in: around an appliance process behind a real pcscd, or all in this process. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isPrivatePcscdAvailable } from '#drivers/pcsc/private-pcscd.ts';
import { installAppliance } from '../appliance-config.ts';
import { clinicCa, type Surroundings, startClinic, startSurroundings } from '../clinic.ts';
import { CounterClient } from '../counter-client.ts';
import type { ReaderKind, TimingKind } from '../readers.ts';
import { makeVisit, signInWith, type TapReport } from '../tap-run.ts';
import { ApplianceProcess } from './appliance-process.ts';

const OPERATOR = 'kakuu-ishi';
const PATIENT = 'mihon-taro';
export const WARM_UP_TAPS = 3;
const MAX_WARM_UP_TAPS = 10;
/** The most that the configuration takes. */
const limits = { tapsPerCardPerDay: 1_000, usesPerMinute: 100_000, usesPerDay: 1_000_000 };

export function hasPcscd(): boolean {
  if (isPrivatePcscdAvailable()) return true;
  process.stderr.write('skipped, needs the Debian packages pcscd and vsmartcard-vpcd\n');
  return false;
}

export interface BenchClinic {
  readonly appliance: ApplianceProcess;
  openClient(): CounterClient;
  /** One visit with the card that lies there. */
  tap(): Promise<TapReport>;
}

/** A clinic around an appliance in its own process, with an operator signed in and a patient's card on the reader. */
export async function withApplianceProcess<Result>(
  timing: TimingKind,
  work: (clinic: BenchClinic) => Promise<Result>,
): Promise<Result> {
  return withFolder(async (stateFolder) => {
    const surroundings = await startSurroundings({ stateFolder, reader: 'pcsc', timing });
    try {
      const { configFile } = installAppliance({
        stateFolder,
        centre: surroundings.centre,
        anchor: surroundings.anchor,
        port: 0,
        ...surroundings.readers.config,
        limits,
      });
      const appliance = await ApplianceProcess.start(configFile);
      try {
        const openClient = (): CounterClient => new CounterClient(appliance.url, clinicCa(surroundings));
        return await withCounter(surroundings, openClient(), (tap) => work({ appliance, openClient, tap }));
      } finally {
        await appliance.stop();
      }
    } finally {
      await surroundings.close();
    }
  });
}

/** The same in one process, without pcscd: for the share of the wall clock that is ours alone. */
export async function withClinicInProcess<Result>(
  reader: Exclude<ReaderKind, 'pcsc'>,
  work: (tap: () => Promise<TapReport>) => Promise<Result>,
): Promise<Result> {
  return withFolder(async (stateFolder) => {
    const clinic = await startClinic({ stateFolder, reader, timing: 'real', limits });
    try {
      return await withCounter(clinic, new CounterClient(clinic.appliance.url, clinicCa(clinic)), work);
    } finally {
      await clinic.close();
    }
  });
}

async function withCounter<Result>(
  surroundings: Surroundings,
  client: CounterClient,
  work: (tap: () => Promise<TapReport>) => Promise<Result>,
): Promise<Result> {
  try {
    await signInWith(surroundings, client, OPERATOR);
    await surroundings.control.run(`insert ${PATIENT}`);
    await warmUp(() => makeVisit(surroundings, client));
    return await work(async () => {
      const report = await makeVisit(surroundings, client);
      if (report.outcome !== 'accepted') throw new Error(`a tap failed: ${report.error}`);
      return report;
    });
  } finally {
    client.close();
  }
}

/** Code and connections warm; and pcscd, which looks for cards every 0.4 s, has seen that the card was changed. */
async function warmUp(tap: () => Promise<TapReport>): Promise<void> {
  for (let [accepted, tried] = [0, 0]; accepted < WARM_UP_TAPS; tried += 1) {
    const { outcome, error } = await tap();
    if (outcome === 'accepted') accepted += 1;
    else if (tried >= MAX_WARM_UP_TAPS) throw new Error(`no tap succeeds: ${error}`);
  }
}

async function withFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
