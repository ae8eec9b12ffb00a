/** The authorities, cards and SAM of a test region: made once for each test file, from the pool of published keys. */
import { createHash, createPublicKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CentrePki, openCentrePki } from '#centre/pki/authority.ts';
import { fifthBirthdayMs } from '#centre/pki/jpki.ts';
import { openPlatformDatabase } from '#centre/platform-database.ts';
import type { OperatorRecord } from '#centre/service-provider/registry.ts';
import { createSamKeyRegister, type SamKeyRegister } from '#centre/service-provider/sam-keys.ts';
import { issueSam } from '#clinic/sam-issue.ts';
import { type CertificateWish, issueWallet, type WalletCard } from '#clinic/wallet.ts';
import type { OperatorRole } from '#contract/centre/service-provider.ts';
import { testRsaKey } from '#drivers/simulated/keys/test-keys.ts';
import type { Person } from '#drivers/simulated/people.ts';
import type { SamState } from '#drivers/simulated/sam/state.ts';
import type { Trust } from '#trust/ports.ts';
import { makeTrust } from '#trust/x509.ts';

/** A Friday morning in Japan. */
export const START_MS = Date.UTC(2026, 10, 20, 0, 0, 0);

/** People have the pool's first keys (`clinic/wallet.ts`), authorities the next. */
const FIRST_AUTHORITY_KEY = 12;

export interface TestRegion {
  /** PEM of what an auditor trusts. */
  readonly deviceCaPem: string;
  readonly timeStampCaPem: string;
  readonly pki: CentrePki;
  readonly trust: Trust;
  readonly wallet: ReadonlyMap<string, WalletCard>;
  readonly samKeys: SamKeyRegister;
  readonly samState: SamState;
  readonly operators: readonly OperatorRecord[];
  /** Other certificates for the same people: expired ones, say. */
  reissue(wishOf: (person: Person) => CertificateWish): ReadonlyMap<string, WalletCard>;
}

const ROLES: Record<Person['part'], readonly OperatorRole[]> = {
  doctor: ['doctor'],
  nurse: ['nurse'],
  clerk: ['clerk', 'administrator'],
  patient: [],
};

export function serialOf(index: number): string {
  return (0x5e00 + index).toString(16).padStart(16, '0').replace(/^0/, '1');
}

/** A card half a year old, with the validity that JPKI gives: to the fifth birthday. */
function usualWish({ birth }: Person, serial: string): CertificateWish {
  const notBeforeMs = START_MS - 180 * 86_400_000;
  return { serial, notBeforeMs, notAfterMs: fifthBirthdayMs(birth.replaceAll('-', ''), notBeforeMs) };
}

function operatorOf({ person, publicKey }: WalletCard): OperatorRecord {
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return {
    keyId: createHash('sha256').update(spki).digest('hex'),
    displayName: person.name,
    roles: [...ROLES[person.part]],
    suspended: false,
    cardKind: person.variant === 'hpki' ? 'hpki' : 'my-number',
    publicKey: spki,
  };
}

function trustWith(pem: (label: string) => string): Trust {
  return makeTrust({
    authorities: {
      'jpki-authentication': {
        anchors: ['g1', 'g2', 'p384'].map((generation) => pem(`jpki-authentication-${generation}`)),
        acceptedPolicies: ['1.2.392.200149.8.5.1.0.30'],
      },
      'hpki-authentication': { anchors: [pem('hpki-root')], intermediates: [pem('hpki-authentication')] },
      'sam-device': { anchors: [pem('sam-device')] },
      'time-stamping': { anchors: [pem('time-stamp-root')] },
    },
    auditCertificate: pem('audit'),
  });
}

async function makeRegion(): Promise<TestRegion> {
  const folder = mkdtempSync(join(tmpdir(), 'sekisho-region-'));
  let nextKey = FIRST_AUTHORITY_KEY;
  const pki = openCentrePki(folder, { rsaKey: () => testRsaKey(nextKey++) });
  const wallet = issueWallet(pki, (person, index) => usualWish(person, serialOf(index)));
  const staff = [...wallet.values()].filter(({ person }) => person.part !== 'patient');
  const pem = (label: string): string => readFileSync(pki.certificateFile(label), 'utf8');
  const samKeys = createSamKeyRegister(openPlatformDatabase(':memory:'));
  const made = {
    deviceCaPem: pem('sam-device'),
    timeStampCaPem: pem('time-stamp-root'),
    pki,
    trust: trustWith(pem),
    wallet,
    samKeys,
    samState: await issueSam({ pki, samKeys }),
    operators: staff.map(operatorOf),
    reissue: (wishOf: (person: Person) => CertificateWish) => issueWallet(pki, wishOf),
  };
  // Everything is in memory by now.
  rmSync(folder, { recursive: true });
  return made;
}

let region: Promise<TestRegion> | undefined;

export function testRegion(): Promise<TestRegion> {
  region ??= makeRegion();
  return region;
}

/** Another organisation key than the region's. */
export function spareKey(): ReturnType<typeof testRsaKey> {
  return testRsaKey(22);
}

export function publicKeyOf(key: ReturnType<typeof testRsaKey>): ReturnType<typeof createPublicKey> {
  return createPublicKey(key);
}
