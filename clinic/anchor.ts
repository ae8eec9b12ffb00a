/** The anchor of the development clinic: a real one, on this machine's loopback. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { type RunningAnchor, startAnchor } from '#anchor/start.ts';
import type { ConfigFile } from '#config/schema.ts';
import { CLINIC } from './identity.ts';

export const LOOPBACK = '127.0.0.1';

/** Starts it with its key and device list in `stateFolder`; the clinic's SAM is registered. */
export async function openClinicAnchor(stateFolder: string): Promise<RunningAnchor> {
  const anchor = await startAnchor({ folder: join(stateFolder, 'anchor'), host: LOOPBACK, port: 0 });
  if (anchor.devices.verdictOn(CLINIC.samId) === 'not-registered')
    anchor.devices.set(CLINIC.samId, 'registered');
  return anchor;
}

export const anchorNetworkId = ({ identity }: RunningAnchor): string => identity.networkId.toString('hex');

/** What watches a network card is in every Debian; where it is not, the clinic is watched by its anchor alone. */
function isNetworkWatchable(): boolean {
  return ['ip', 'setpriv'].every((command) => spawnSync(command, ['-V'], { stdio: 'ignore' }).status === 0);
}

/** What an appliance is told of its anchor. */
export interface KnownAnchor {
  readonly port: number;
  readonly identity: { readonly publicKeyPem: string };
}

/** The `network` section for an appliance beside this anchor. */
export function networkConfig(
  { port }: KnownAnchor,
  publicKeyPath: string,
  graceMs: number | undefined,
): ConfigFile['network'] {
  return {
    publicKeyPath,
    anchors: [{ host: LOOPBACK, port }],
    ...(graceMs === undefined ? {} : { graceMs }),
    ...(isNetworkWatchable() ? { interface: 'lo' } : {}),
  };
}
