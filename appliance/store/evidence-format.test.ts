/** Runs the commands of docs/evidence-format.md, as they stand there, on a real export. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CardProof, PresenceProof } from '#evidence/record.ts';
import {
  sampleConsent,
  sampleProof,
  sampleTapMessage,
  sampleVisit,
} from '#evidence/testdata/sample-records.ts';
import { ScriptedAuthorities } from '#evidence/testdata/scripted-authorities.ts';
import { ScriptedSam } from '#evidence/testdata/scripted-sam.ts';
import { verifyEvidenceFile } from '#evidence/verify-file.ts';
import { exportEvidence } from './export.ts';
import type { Store } from './store.ts';
import { openUnsealedStore } from './testdata/unsealed-store.ts';

const page = readFileSync(new URL('../../docs/evidence-format.md', import.meta.url), 'utf8');
const commands = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block).join('\n');

const folder = mkdtempSync(join(tmpdir(), 'sekisho-manual-'));
const pki = join(folder, 'pki');
const kit = join(folder, 'kit');
const sam = new ScriptedSam();
const visitId = randomUUID();

let authorities: ScriptedAuthorities;

beforeAll(async () => {
  mkdirSync(pki);
  mkdirSync(kit);
  authorities = new ScriptedAuthorities(pki, sam.privateKeyPem);
  const store = openUnsealedStore(join(folder, 'store.db'));
  await writeADay(store);
  await store.close();
  exportEvidence(join(folder, 'store.db'), join(kit, 'evidence.txt'));
  for (const name of ['sam-root.pem', 'tsa-root.pem', 'audit.pem', 'audit.key']) {
    cpSync(join(pki, name), join(kit, name));
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface SampleCard {
  readonly certificate: Buffer;
  readonly sealedCertificate: Buffer;
  readonly faceKey: Buffer;
  readonly sealedFaceKey: Buffer;
  sign(key: 'card' | 'face', message: Buffer): Buffer;
}

/** An RSA card, as today's are; certificate and card-face key sealed for the SP's audit key by openssl. */
function makeCard(): SampleCard {
  const options = ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'];
  for (const name of ['card', 'face', 'audit']) {
    authorities.openssl(['genpkey', ...options, '-out', `${name}.key`]);
  }
  for (const name of ['card', 'audit']) authorities.issue(name, 'device', 'sam-root', `${name}.key`);
  const seal = (file: string, content: Buffer): Buffer => {
    writeFileSync(join(pki, file), content);
    const command = ['cms', '-encrypt', '-binary', '-aes256', '-in', file, '-outform', 'DER'];
    return authorities.openssl([...command, 'audit.pem']);
  };
  const certificate = authorities.der('card');
  const faceKey = authorities.openssl(['pkey', '-in', 'face.key', '-pubout', '-outform', 'DER']);
  return {
    certificate,
    sealedCertificate: seal('card.der', certificate),
    faceKey,
    sealedFaceKey: seal('face.der', faceKey),
    sign: (key, message) => {
      writeFileSync(join(pki, 'message.bin'), message);
      return authorities.openssl(['dgst', '-sha256', '-sign', `${key}.key`, 'message.bin']);
    },
  };
}

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Put together here once more: domain, tapChallenge, the card's signature. */
function faceProofOf(card: SampleCard, { tapChallenge, cardSignature }: CardProof): PresenceProof {
  const domain = Buffer.from('SEKISHO-FACE-1');
  const challenge = Buffer.concat([domain, Buffer.from(tapChallenge + cardSignature, 'hex')]);
  return {
    signature: card.sign('face', challenge).toString('hex'),
    publicKeySha256: sha256(card.faceKey),
    sealedPublicKey: card.sealedFaceKey.toString('base64'),
  };
}

async function writeADay({ ledger, certificates }: Store): Promise<void> {
  for (const { role, der } of authorities.carried()) certificates.keep(role, der);
  const at = '2026-11-21T00:00:00.000Z';
  const stamp = sam.stamper;
  await ledger.append({ kind: 'started', at, version: '0.1.0' });
  const reason = 'ネットワーク "切断" \\ 再起動';
  const { hash } = await ledger.append({ kind: 'sam-locked', at, samId: sam.samId, reason }, { stamp });
  const tickStamp = sam.completeStamp(Buffer.from(hash, 'hex'));
  const token = authorities.timeStamp(tickStamp).toString('base64');
  const anchor = {
    kind: 'tick-anchor',
    at,
    tickStamp: tickStamp.toString('hex'),
    token,
  } as const;
  await ledger.append(anchor, { stamp });
  const card = makeCard();
  for (const id of [randomUUID(), visitId, randomUUID()]) {
    const tapId = randomUUID();
    sam.useCounter += 1;
    const { samId, useCounter, ticks, tickNonce } = sam;
    const tap = { samId, useCounter, ticks, tickNonce, tapId };
    await ledger.append(sampleConsent(tapId));
    const proof = sampleProof(tap, {
      cardSignature: card.sign('card', sampleTapMessage(tap)).toString('hex'),
      certificateSha256: sha256(card.certificate),
      sealedCertificate: card.sealedCertificate.toString('base64'),
    });
    const visit = { ...sampleVisit(id, proof), faceProof: faceProofOf(card, proof) };
    await ledger.append(visit, { stamp });
  }
}

function runManual(change: (file: string) => string = (file) => file): { ok: boolean; output: string } {
  const place = mkdtempSync(join(folder, 'run-'));
  cpSync(kit, place, { recursive: true });
  writeFileSync(join(place, 'evidence.txt'), change(readFileSync(join(kit, 'evidence.txt'), 'utf8')));
  const shell = spawnSync('sh', ['-eu'], {
    cwd: place,
    input: commands,
    env: { PATH: process.env.PATH, VISIT: visitId },
    encoding: 'utf8',
  });
  return { ok: shell.status === 0, output: shell.stdout + shell.stderr };
}

test('the commands of the manual verify a visit without our code', () => {
  const { ok, output } = runManual();
  expect(output).toContain('chain OK: 9 entries');
  expect(output).toContain('sam-device.pem: OK');
  expect(output).toContain('Verification: OK');
  expect(output.match(/Verified OK/g)).toHaveLength(4);
  expect(output).toMatch(/Time stamp: \w{3} +\d+ /);
  expect(output).toContain('earliest: the time stamp 1000 ms');
  expect(output).toContain('latest: the time stamp + 4000 ms');
  expect(output).toContain('tap OK');
  expect(output).toContain('face OK');
  expect(ok).toBe(true);
});

test.each<[string, string, (file: string) => string]>([
  ['an entry altered', 'entry 5 was altered', (file) => file.replace(/^(E .*)"accepted"/m, '$1"refused"')],
  ['an entry removed', 'broken at entry 2', (file) => file.replace(/^E .*"seq":2,.*\nS .*\n/m, '')],
  ['the end removed', 'the end is missing', (file) => file.replace(/^Z.*\n/m, '')],
  ['the stamp of another entry', 'visit: {', swapStamps],
  [
    'a stamp that is not signed',
    'device.pem: OK',
    (file) => file.replaceAll(/^(S \S+ ).*$/gm, '$13006020101020101'),
  ],
  [
    'a stamp whose ticks were made longer',
    'device.pem: OK',
    (file) => file.replaceAll(/(?<=^S .*)8a0203e88820/gm, '8a0207d08820'),
  ],
])('with %s they fail', (_what, lastWords, change) => {
  const { ok, output } = runManual(change);
  expect(ok).toBe(false);
  expect(output).toContain(lastWords);
  expect(output).not.toContain('Verified OK');
});

/** The stamps of the second and the third visit. */
function swapStamps(file: string): string {
  const [, , third = '', fourth = ''] = file.match(/^S .*$/gm) ?? [];
  return file.replace(third, 'STAMP').replace(fourth, third).replace('STAMP', fourth);
}

test('our own verification agrees, with the same trust anchors', async () => {
  const report = await verifyEvidenceFile(join(kit, 'evidence.txt'), {
    deviceCaPem: authorities.pem('sam-root'),
    timeStamps: { anchorsPem: authorities.pem('tsa-root'), verify: authorities.verifyTimeStamp },
  });
  expect(report).toMatchObject({
    ok: true,
    entries: 9,
    stampsVerified: 5,
    proofsVerified: 3,
    anchorsVerified: 1,
  });
});

test('the manual needs nothing but the shell, coreutils and openssl', () => {
  execFileSync('sh', ['-n'], { input: commands });
  expect(commands).not.toMatch(/\b(node|npm|npx|python|jq|perl)\b/);
});
