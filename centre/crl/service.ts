/** CRLs over HTTP, one per authority key: `/crl/<key id in hex>.crl`. */
import { CentreRefusal } from '../http/problem.ts';
import type { Route } from '../http/route.ts';
import type { Authority } from '../pki/authority.ts';
import type { RevocationRegister } from '../pki/revocation-register.ts';
import { signRevocationList } from './list.ts';

export interface CrlIssuer {
  readonly authorities: readonly Authority[];
  readonly revocations: RevocationRegister;
  readonly nowMs: () => number;
}

export function crlRoutes({ authorities, revocations, nowMs }: CrlIssuer): Route[] {
  return [
    {
      method: 'GET',
      path: '/crl/:file',
      handle({ parameters }) {
        const authority = authorities.find(
          ({ certificate }) => `${certificate.keyId}.crl` === parameters.file,
        );
        if (authority === undefined) throw new CentreRefusal('not-found', 'No such list.');
        const body = signRevocationList(authority, revocations, nowMs());
        return { status: 200, mediaType: 'application/pkix-crl', body };
      },
    },
  ];
}
