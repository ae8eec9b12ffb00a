/** What Node's network layer throws, in the words of the error table. Bodies never get in here. */
import { type ErrorCode, SekishoError } from '#contract/errors.ts';

/** Alerts by which the server says that it does not accept *us*. @see RFC 8446 §6.2 */
const REFUSED_ALERT =
  /ALERT_(CERTIFICATE|BAD_CERTIFICATE|NO_CERTIFICATE|UNKNOWN_CA|ACCESS_DENIED|UNSUPPORTED_CERT)/;
/** TLS failures and X.509 verification results of OpenSSL, by their names. */
const UNTRUSTED =
  /^(EPROTO|ERR_SSL|ERR_TLS|ERR_OSSL|CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO|SELF_SIGNED|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|HOSTNAME_MISMATCH)/;
const GARBLED = /^HPE_/;

function codeOf(thrown: unknown): string {
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  return typeof code === 'string' ? code : '';
}

function classify(code: string): ErrorCode {
  if (REFUSED_ALERT.test(code)) return 'centre.refused';
  if (UNTRUSTED.test(code)) return 'centre.untrusted';
  if (GARBLED.test(code)) return 'centre.garbled';
  return 'centre.unreachable';
}

/** A failure of the connection as SekishoError; one that already is passes through. */
export function transportError(thrown: unknown): SekishoError {
  if (thrown instanceof SekishoError) return thrown;
  const cause = codeOf(thrown);
  return new SekishoError(classify(cause), { cause: thrown, context: { network: cause || 'unknown' } });
}
