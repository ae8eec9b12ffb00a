/** The simulated SAM of a clinic: personalised once, kept as a file, saved before each answer leaves. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Centre } from '#centre/region.ts';
import { SimulatedSam } from '#drivers/simulated/sam/simulated-sam.ts';
import type { SamState } from '#drivers/simulated/sam/state.ts';
import { CLINIC } from './identity.ts';
import { issueSam } from './sam-issue.ts';

const MAX_USES = 10_000;
/** Twelve hours of ticks of ten milliseconds. */
const MAX_TICKS = (12 * 3_600_000) / 10;

function save(file: string, state: SamState): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.partial`, JSON.stringify(state), { mode: 0o600 });
  renameSync(`${file}.partial`, file);
}

/** Opens the SAM of `stateFolder`, or makes it, and has the SP know it. */
export async function openClinicSam(
  stateFolder: string,
  centre: Centre,
  networkId: string,
): Promise<SimulatedSam> {
  const file = join(stateFolder, 'sam.json');
  const state: SamState = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as SamState)
    : await issueSam(centre);
  save(file, state);
  const { personalisation } = state;
  if (personalisation === undefined) throw new Error('the SAM is not personalised');
  centre.administration.registerDevice({
    deviceCertificate: Buffer.from(personalisation.deviceCertificate, 'base64'),
    institutionCode: CLINIC.institutionCode,
    networkIds: [networkId],
    maxUses: MAX_USES,
    maxTicks: MAX_TICKS,
  });
  return new SimulatedSam({ state, save: (next) => save(file, next) });
}
