/** The registered network. */
import { z } from 'zod';
import { HexOf } from '../centre/wire.ts';
import { type HttpRoute, json, none, STORE_ERRORS } from './route.ts';

/** What the administrator read at the anchor itself (`anchor show`). */
export const NetworkRegistration = z.strictObject({ anchorKeySha256: HexOf(32) });

/** The anchor that the appliance is set up for. */
export const RegisteredNetwork = z.strictObject({ networkId: HexOf(16), anchorKeySha256: HexOf(32) });
export type RegisteredNetwork = z.infer<typeof RegisteredNetwork>;

export const NETWORK_ROUTES = {
  readNetwork: {
    method: 'GET',
    path: '/v1/network',
    auth: 'operator',
    logs: 'nothing',
    ja: '設定されているアンカーの指紋',
    en: 'The fingerprint of the anchor that is set up',
    answer: json(RegisteredNetwork),
    errors: [],
  },
  registerNetwork: {
    method: 'POST',
    path: '/v1/network/registration',
    auth: 'administrator',
    logs: 'security',
    ja: 'ネットワークを登録する（管理者がアンカーの指紋を見比べた記録）',
    en: 'Register the network (administrators, who compared the fingerprint of its anchor)',
    body: NetworkRegistration,
    answer: none,
    errors: ['network.key-differs', ...STORE_ERRORS],
  },
} as const satisfies Readonly<Record<string, HttpRoute>>;
