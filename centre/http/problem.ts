/** Refusals of the centre as RFC 9457 problem documents with the codes of the contract. */
import type { CentreProblem } from '#contract/centre/wire.ts';

export type ProblemCode = CentreProblem['code'];

const STATUS: Readonly<Record<ProblemCode, number>> = {
  'device-proof-missing': 401,
  'device-proof-wrong': 403,
  'device-unknown': 403,
  'device-revoked': 403,
  'message-invalid': 422,
  'limits-exceeded': 403,
  'not-found': 404,
  conflict: 409,
  'roster-outdated': 409,
  'roster-not-administrator': 409,
  'roster-signature-wrong': 422,
  'roster-last-administrator': 409,
  'roster-operator-known': 409,
  'roster-operator-unknown': 409,
  'roster-certificate-wrong': 422,
  'roster-full': 409,
  internal: 500,
};

/** Thrown by handlers. The title is fixed text: nothing of the message comes back in it. */
export class CentreRefusal extends Error {
  override readonly name = 'CentreRefusal';
  readonly code: ProblemCode;
  readonly status: number;

  constructor(code: ProblemCode, title: string, status: number = STATUS[code]) {
    super(title);
    this.code = code;
    this.status = status;
  }
}

export interface Reply {
  readonly status: number;
  readonly mediaType?: string;
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

export const jsonReply = (status: number, body: unknown): Reply => ({
  status,
  mediaType: 'application/json',
  body: JSON.stringify(body),
});

export function problemReply(refusal: CentreRefusal): Reply {
  const problem: CentreProblem = {
    type: `urn:sekisho:centre:${refusal.code}`,
    title: refusal.message,
    status: refusal.status,
    code: refusal.code,
  };
  return { status: refusal.status, mediaType: 'application/problem+json', body: JSON.stringify(problem) };
}
