/** The centre of the development clinic, its people, and everybody's cards. */
import type { KeyObject } from 'node:crypto';
import { join } from 'node:path';
import { type Centre, startCentre } from '#centre/region.ts';
import { testRsaKey } from '#drivers/simulated/keys/test-keys.ts';
import { type Cast, castPeople } from './cast.ts';
import { CLINIC } from './identity.ts';
import { issueWallet, type WalletCard } from './wallet.ts';

export interface Region {
  readonly centre: Centre;
  readonly cast: Cast;
  readonly wallet: ReadonlyMap<string, WalletCard>;
}

/** Keys of the pool that authorities take, in the order in which they ask; people have the first twelve. */
const FIRST_AUTHORITY_KEY = 12;
const LAST_AUTHORITY_KEY = 18;

function authorityKeys(): (label: string) => KeyObject {
  let next = FIRST_AUTHORITY_KEY;
  return (label) => {
    if (next > LAST_AUTHORITY_KEY) throw new RangeError(`no test key left for ${label}`);
    return testRsaKey(next++);
  };
}

const OPERATOR_ROLE = { doctor: 'doctor', nurse: 'nurse', clerk: 'clerk' } as const;

function enrolOperators(centre: Centre, wallet: ReadonlyMap<string, WalletCard>): void {
  for (const { person, publicKey } of wallet.values()) {
    if (person.part === 'patient') continue;
    centre.administration.addOperator(CLINIC.institutionCode, {
      publicKey: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })),
      displayName: person.name,
      roles: person.part === 'clerk' ? ['clerk', 'administrator'] : [OPERATOR_ROLE[person.part]],
      cardKind: person.variant === 'hpki' ? 'hpki' : 'my-number',
    });
  }
}

/** Starts the centre in `folder` with the seed of today, and issues every card. */
export async function startRegion(folder: string, monitorPort = 0): Promise<Region> {
  const cast = castPeople(Date.now());
  const centre = await startCentre({
    folder: join(folder, 'centre'),
    people: cast.people,
    rsaKey: authorityKeys(),
    ports: { monitor: monitorPort },
  });
  const wallet = issueWallet(centre.pki, (person) => {
    const certificate = cast.seedOf.get(person.id)?.certificates.at(-1);
    if (certificate === undefined) throw new RangeError(`${person.id} is nobody's part`);
    return {
      serial: certificate.serial,
      notBeforeMs: Date.parse(certificate.notBefore),
      notAfterMs: Date.parse(certificate.notAfter),
    };
  });
  enrolOperators(centre, wallet);
  return { centre, cast, wallet };
}
