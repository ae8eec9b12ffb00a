import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isSekishoError } from '#contract/errors.ts';
import {
  type IssuedCertificate,
  type OpensslAuthority,
  openFolder,
  openRoot,
} from './testdata/openssl-authority.ts';
import { buildTimeStampRequest, verifyTimeStampResponse, verifyTimeStampToken } from './tsp.ts';

const folder = openFolder();
const POLICY = '1.2.392.200149.9.1';
const digest = createHash('sha256').update('tick stamp').digest();
const nonce = Uint8Array.of(0, 0x91, 2, 3, 4, 5, 6, 7);
const question = { digest, nonce };
let root: OpensslAuthority;
let issuing: OpensslAuthority;
let authority: IssuedCertificate;
let anchors: { anchors: Uint8Array[] };
let response: Uint8Array;

const TSA_EXTENSIONS = 'keyUsage=critical,digitalSignature\nextendedKeyUsage=critical,timeStamping';

function stamp(
  request: Uint8Array,
  signer: IssuedCertificate,
  settings: { essHash?: string } = {},
): Uint8Array {
  writeFileSync(join(root.directory, 'query.tsq'), request);
  writeFileSync(join(root.directory, 'tsaserial'), '01\n');
  writeFileSync(
    join(root.directory, 'tsa.cnf'),
    `[here]
serial = tsaserial
signer_cert = ${signer.certFile}
certs = ${issuing.certificate.certFile}
signer_key = ${signer.keyFile}
signer_digest = sha256
default_policy = ${POLICY}
other_policies = 1.2.3.4
digests = sha256, sha512
accuracy = secs:1, millisecs:500, microsecs:100
clock_precision_digits = 3
ess_cert_id_chain = no
ess_cert_id_alg = ${settings.essHash ?? 'sha256'}
`,
  );
  const files = ['-config', 'tsa.cnf', '-section', 'here', '-queryfile', 'query.tsq', '-out', 'reply.tsr'];
  root.run('ts', '-reply', ...files);
  return readFileSync(join(root.directory, 'reply.tsr'));
}

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (thrown) {
    return isSekishoError(thrown) ? thrown.code : String(thrown);
  }
  return 'nothing thrown';
}

beforeAll(() => {
  root = openRoot(folder.directory, 'tsa-root', {});
  issuing = root.issueAuthority('tsa-issuing');
  authority = issuing.issue('tsa', { key: 'rsa-2048', extensions: TSA_EXTENSIONS });
  anchors = { anchors: [root.certificate.der] };
  response = stamp(buildTimeStampRequest(question), authority);
});

afterAll(() => folder.remove());

test('the request is what openssl reads', () => {
  writeFileSync(join(root.directory, 'asked.tsq'), buildTimeStampRequest({ ...question, policy: POLICY }));
  const text = root.run('ts', '-query', '-in', 'asked.tsq', '-text').toString();
  expect(text).toContain('Hash Algorithm: sha256');
  expect(text).toContain('Certificate required: yes');
  expect(text).toContain(`Policy OID: ${POLICY}`);
  expect(text).toContain('Nonce: 0x91020304050607');
});

test('a token of openssl verifies through its intermediate, with milliseconds and accuracy', () => {
  const facts = verifyTimeStampResponse(response, question, anchors);
  expect(Math.abs(facts.genTimeMs - Date.now())).toBeLessThan(600_000);
  expect(facts.accuracyMs).toBe(1501);
  const text = root.run('ts', '-reply', '-in', 'reply.tsr', '-text').toString();
  const shown = /Time stamp: (.+)/.exec(text)?.[1] ?? '';
  expect(new Date(facts.genTimeMs).getUTCSeconds()).toBe(new Date(shown).getUTCSeconds());
  expect(verifyTimeStampToken(facts.token, digest, anchors)).toEqual({
    genTimeMs: facts.genTimeMs,
    accuracyMs: 1501,
  });
});

test('the stored token is judged good by openssl ts -verify as well', () => {
  const { token } = verifyTimeStampResponse(response, question, anchors);
  writeFileSync(join(root.directory, 'token.der'), token);
  const verdict = root.run(
    ...['ts', '-verify', '-digest', digest.toString('hex'), '-token_in', '-in', 'token.der'],
    ...['-CAfile', root.certificate.certFile, '-untrusted', issuing.certificate.certFile],
  );
  expect(verdict.toString()).toContain('Verification: OK');
});

test('other ESSCertIDv2 hashes and EC signers verify', () => {
  const signer = root.issue('tsa-ec', { key: 'p-384', extensions: TSA_EXTENSIONS });
  const answer = stamp(buildTimeStampRequest(question), signer, { essHash: 'sha512' });
  expect(verifyTimeStampResponse(answer, question, anchors).accuracyMs).toBe(1501);
});

test('wrong digest, nonce, policy and anchor are refused', () => {
  const other = createHash('sha256').update('other').digest();
  const { token } = verifyTimeStampResponse(response, question, anchors);
  expect(codeOf(() => verifyTimeStampToken(token, other, anchors))).toBe('centre.untrusted');
  expect(codeOf(() => verifyTimeStampToken(token, digest, { anchors: [] }))).toBe('centre.untrusted');
  const replayed = { digest, nonce: Uint8Array.of(1) };
  expect(codeOf(() => verifyTimeStampResponse(response, replayed, anchors))).toBe('centre.untrusted');
  const strict = { ...question, policy: '1.2.3.4' };
  expect(codeOf(() => verifyTimeStampResponse(response, strict, anchors))).toBe('centre.untrusted');
});

/** `openssl ts` will not sign with an unfit certificate; `openssl cms` signs the same TSTInfo with any. */
function resign(signer: IssuedCertificate, ...options: string[]): Uint8Array {
  const { token } = verifyTimeStampResponse(response, question, anchors);
  writeFileSync(join(root.directory, 'token.der'), token);
  root.run('cms', '-verify', '-noverify', '-binary', '-inform', 'DER', '-in', 'token.der', '-out', 'tst.der');
  root.run(
    ...[
      'cms',
      '-sign',
      '-binary',
      '-nodetach',
      '-econtent_type',
      '1.2.840.113549.1.9.16.1.4',
      '-in',
      'tst.der',
    ],
    ...['-signer', signer.certFile, '-inkey', signer.keyFile, '-md', 'sha256', '-outform', 'DER'],
    ...['-out', 'resigned.der', ...options],
  );
  return readFileSync(join(root.directory, 'resigned.der'));
}

test('the signer must be for time stamps alone, critically so, and bound by ESSCertIDv2', () => {
  const right = root.issue('tsa-right', { extensions: TSA_EXTENSIONS });
  expect(verifyTimeStampToken(resign(right, '-cades'), digest, anchors).accuracyMs).toBe(1501);
  expect(codeOf(() => verifyTimeStampToken(resign(right), digest, anchors))).toBe('centre.untrusted');
  for (const [index, extensions] of [
    'extendedKeyUsage=timeStamping',
    'extendedKeyUsage=critical,timeStamping,clientAuth',
    'keyUsage=digitalSignature',
  ].entries()) {
    const wrong = root.issue(`tsa-wrong-${index}`, { extensions });
    expect(codeOf(() => verifyTimeStampToken(resign(wrong, '-cades'), digest, anchors))).toBe(
      'centre.untrusted',
    );
  }
});

test('the signer must have been valid when it stamped', () => {
  const past = root.issue('tsa-past', {
    extensions: TSA_EXTENSIONS,
    from: '20200101000000Z',
    to: '20210101000000Z',
  });
  expect(codeOf(() => verifyTimeStampToken(resign(past, '-cades'), digest, anchors))).toBe(
    'centre.untrusted',
  );
});

test('an authority that declines is unavailable', () => {
  const unknownHash = createHash('sha384').update('x').digest();
  const declined = stamp(buildTimeStampRequest({ digest: unknownHash, nonce }), authority);
  expect(codeOf(() => verifyTimeStampResponse(declined, question, anchors))).toBe('time-stamp.unavailable');
});

test('truncated, bent and random answers give typed errors only', () => {
  const typed = ['centre.garbled', 'centre.untrusted', 'time-stamp.unavailable'];
  for (let length = 0; length < response.length; length += 97) {
    const cut = response.subarray(0, length);
    expect(codeOf(() => verifyTimeStampResponse(cut, question, anchors))).toBe('centre.garbled');
  }
  const intact = verifyTimeStampResponse(response, question, anchors);
  fc.assert(
    fc.property(fc.nat(response.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
      const bent = Buffer.from(response);
      bent[at] = (bent[at] ?? 0) ^ mask;
      try {
        // A bent certificate that nobody needs changes nothing about what is proven.
        expect(verifyTimeStampResponse(bent, question, anchors).genTimeMs).toBe(intact.genTimeMs);
      } catch (thrown) {
        expect(isSekishoError(thrown) ? thrown.code : String(thrown)).toBeOneOf(typed);
      }
    }),
    { numRuns: 60 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(typed).toContain(codeOf(() => verifyTimeStampResponse(bytes, question, anchors)));
    }),
  );
});
