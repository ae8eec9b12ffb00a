/** In production nothing in a SAM may be a key that is published with this software. */
import { type ConfigProblem, configInvalid } from '#config/load.ts';
import { publishedKey, publishedReason, publishedSecret } from '#config/published-keys.ts';
import type { SamPersonalisation, StaticKeys } from '#sam/personalise.ts';

type IssuedKeys = Pick<
  SamPersonalisation,
  'serviceProviderKey' | 'idDerivationKey' | 'storageKey' | 'organisation'
>;
type Named = readonly [path: string, place: string | undefined];

/** Throws `config.invalid` for what the maker's SAMs come with: whoever knows it can personalise this one anew. */
export function requireOwnStaticKeys(keys: StaticKeys): void {
  requireUnpublished(Object.entries(keys).map(([name, key]) => [`staticKeys.${name}`, publishedSecret(key)]));
}

/** Throws `config.invalid`: who has the SP's key opens the SAM, who has the others needs no SAM. */
export function requireOwnKeys(issued: IssuedKeys): void {
  requireUnpublished([
    ['serviceProviderKey', publishedKey(issued.serviceProviderKey, 'spki')],
    ['idDerivationKey', publishedSecret(issued.idDerivationKey)],
    ['storageKey', publishedSecret(issued.storageKey)],
    ...Object.entries(issued.organisation).map(([suite, credential]): Named => {
      const place = credential && publishedKey(credential.privateKey, 'pkcs8');
      return [`organisation.${suite}`, place];
    }),
  ]);
}

function requireUnpublished(named: readonly Named[]): void {
  const problems = named.flatMap(([path, place]): ConfigProblem[] =>
    place === undefined ? [] : [{ path, reason: publishedReason(place) }],
  );
  if (problems.length > 0) throw configInvalid(problems);
}
