/** What is pinned, as it comes from configuration, turned into parsed certificates once at start. */
import { SekishoError } from '#contract/errors.ts';
import { type Certificate, parseCertificates } from './certificate.ts';
import { MalformedDer } from './der.ts';
import type { AnchorSet } from './path.ts';

/** Anchors of one purpose. Each entry is DER, or PEM text with one or more certificates. */
export interface PinnedAuthorities {
  readonly anchors: readonly (Uint8Array | string)[];
  readonly intermediates?: readonly (Uint8Array | string)[];
  /** Certificate policy OIDs, one of which the end entity must assert; empty or absent accepts any. */
  readonly acceptedPolicies?: readonly string[];
}

/** Parses what is pinned; throws `config.invalid`. */
export function loadAuthorities(pinned: PinnedAuthorities): AnchorSet {
  return {
    anchors: loadCertificates(pinned.anchors),
    intermediates: loadCertificates(pinned.intermediates ?? []),
    acceptedPolicies: pinned.acceptedPolicies ?? [],
  };
}

export function loadCertificates(inputs: readonly (Uint8Array | string)[]): Certificate[] {
  try {
    return inputs.flatMap(parseCertificates);
  } catch (cause) {
    if (!(cause instanceof MalformedDer)) throw cause;
    throw new SekishoError('config.invalid', { cause, context: { what: 'pinned certificate' } });
  }
}
