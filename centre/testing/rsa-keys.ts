/** RSA keys for test hierarchies: two that are different, made once per process. Tests only. */
import type { KeyObject } from 'node:crypto';
import { generatePrivateKey } from '../pki/algorithm.ts';

const keys = new Map<'even' | 'odd', KeyObject>();

/** `g1` and `g2` of the JPKI authority get different keys, as they must. */
export function sharedRsaKey(label: string): KeyObject {
  const which = label.endsWith('g1') || label === 'hpki-root' ? 'odd' : 'even';
  const known = keys.get(which) ?? generatePrivateKey('rsa-2048');
  keys.set(which, known);
  return known;
}
