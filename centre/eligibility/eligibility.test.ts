import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EligibilityAnswer } from '#contract/centre/eligibility.ts';
import { CentreProblem } from '#contract/centre/wire.ts';
import { generatePrivateKey } from '../pki/algorithm.ts';
import { type Centre, startCentre } from '../region.ts';
import { createPeople } from '../seed/people.ts';
import type { Person } from '../seed/person.ts';
import { issuePersonAuthentication } from '../testing/person-certificate.ts';
import { sharedRsaKey } from '../testing/rsa-keys.ts';
import { createAppliance, INSTITUTION, type ScriptedAppliance } from '../testing/scripted-appliance.ts';

const folder = mkdtempSync(join(tmpdir(), 'centre-eligibility-'));
const NOW = Date.UTC(2026, 5, 1, 3, 4, 5);
const people = createPeople({ asOf: '20260601', count: 40 });
const cardKeys = { rsa: generatePrivateKey('rsa-2048'), 'p-384': generatePrivateKey('p-384') };
let centre: Centre;
let device: ScriptedAppliance;

beforeAll(async () => {
  centre = await startCentre({ folder, people, nowMs: () => NOW, rsaKey: sharedRsaKey });
  device = createAppliance(centre);
  await device.prove(centre.urls.eligibility);
});
afterAll(async () => {
  device.close();
  await centre.close();
  rmSync(folder, { recursive: true, force: true });
});

const person = (edgeCase: string): Person => {
  const found = people.find((each) => each.edgeCase?.includes(edgeCase));
  if (found === undefined) throw new Error(`no person: ${edgeCase}`);
  return found;
};
const currentOf = (who: Person) => who.certificates.at(-1)!;
const cardKey = (who: Person): KeyObject =>
  currentOf(who).generation === 'p384' ? cardKeys['p-384'] : cardKeys.rsa;

/** `docs/sam-profile.md` 4.6: prefix ‖ samId ‖ useCounter ‖ tapId ‖ consent ‖ cardChallenge ‖ ticks ‖ tickNonce. */
const transcriptFor = (samId: string, useCounter = nextUse()): Buffer => {
  const counter = Buffer.alloc(4);
  counter.writeUInt32BE(useCounter);
  const rest = randomBytes(16 + 32 + 16 + 8 + 16);
  return Buffer.concat([Buffer.from('SEKISHO-TAP-1'), Buffer.from(samId, 'hex'), counter, rest]);
};
let uses = 0;
const nextUse = (): number => {
  uses += 1;
  return uses;
};

/** What the card does: RSA takes SHA-256 of the transcript as the hash; P-384 signs the tap challenge with SHA-384. */
function cardSignature(key: KeyObject, transcript: Buffer): Buffer {
  if (key.asymmetricKeyType === 'rsa') return sign('sha256', transcript, key);
  const tapChallenge = createHash('sha256').update(transcript).digest();
  return sign('sha384', tapChallenge, { key, dsaEncoding: 'ieee-p1363' });
}

interface Question {
  readonly certificate?: Buffer;
  readonly transcript?: Buffer;
  readonly signature?: Buffer;
  readonly consent?: '0' | '1';
  readonly institution?: string;
}

function askByCertificate(who: Person, question: Question = {}) {
  const key = cardKey(who);
  const certificate =
    question.certificate ?? issuePersonAuthentication(centre.pki, who, createPublicKey(key));
  const transcript = question.transcript ?? transcriptFor(device.samId);
  const signature = question.signature ?? cardSignature(key, transcript);
  return device.send('POST', `${centre.urls.eligibility}/v1/eligibility/by-certificate`, {
    MedicalInstitutionCode: question.institution ?? INSTITUTION,
    certificate: certificate.toString('base64'),
    proof: { message: transcript.toString('base64'), signature: signature.toString('base64') },
    LimitApplicationCertificateRelatedConsFlg: question.consent ?? '0',
    ArbitraryIdentifier: 'tap-1',
  });
}

async function byCertificate(who: Person, question: Question = {}): Promise<EligibilityAnswer> {
  const answer = await askByCertificate(who, question);
  expect(answer.status, answer.body).toBe(200);
  return EligibilityAnswer.parse(JSON.parse(answer.body));
}

async function byNumber(fields: object): Promise<EligibilityAnswer> {
  const answer = await device.send('POST', `${centre.urls.eligibility}/v1/eligibility/by-insured-number`, {
    MedicalInstitutionCode: INSTITUTION,
    LimitApplicationCertificateRelatedConsFlg: '0',
    ArbitraryIdentifier: 'n-1',
    ...fields,
  });
  expect(answer.status, answer.body).toBe(200);
  return EligibilityAnswer.parse(JSON.parse(answer.body));
}

const numberOf = (who: Person, position = 0) => {
  const q = who.qualifications[position]!.qualification;
  const { InsurerNumber, InsuredCardSymbol, InsuredIdentificationNumber, InsuredBranchNumber, Birthdate } = q;
  return { InsurerNumber, InsuredCardSymbol, InsuredIdentificationNumber, InsuredBranchNumber, Birthdate };
};

describe('by certificate', () => {
  test.each([
    ['ordinary, 協会けんぽ', '1', 1],
    ['国保', '1', 1],
    ['後期高齢, 1割', '1', 1],
    ['no insurance', '4', 0],
    ['two results', '5', 2],
    ['renewed certificate', '1', 1],
    ['child under 15', '1', 1],
    ['newer qualification elsewhere', '1', 1],
    ['qualification lost', '2', 1],
    ['not yet registered', '6', 1],
    ['医療扶助, registered', '1', 1],
    ['P-384', '1', 1],
    ['older authority', '1', 1],
    ['ends within 90 days', '1', 1],
    ['not linked', '4', 0],
    ['moved: signing', '1', 1],
  ])('%s -> %s', async (edgeCase, validity, results) => {
    const who = person(edgeCase);
    const answer = await byCertificate(who);
    expect(answer).toMatchObject({
      ProcessExecutionTime: '20260601120405',
      QualificationConfirmationDate: '20260601',
      MedicalInstitutionCode: INSTITUTION,
      ArbitraryIdentifier: 'tap-1',
      SegmentOfResult: '1',
      ProcessingResultStatus: '1',
      ReferenceClassification: '1',
      QualificationValidity: validity,
    });
    expect(answer.ResultList).toHaveLength(results);
    for (const result of answer.ResultList) expect(result.Birthdate).toBe(who.birthDate);
    expect(answer.changedAt !== undefined).toBe(results > 0);
  });

  test.each([
    ['certificate expired', 'SKE11'],
    ['affiliationChanged', 'SKE12'],
    ['certificateHold', 'SKE13'],
    ['superseded', 'SKE12'],
    ['cessationOfOperation', 'SKE12'],
    ['keyCompromise', 'SKE12'],
    ['unspecified', 'SKE12'],
  ])('%s is an error of processing: %s', async (edgeCase, code) => {
    const answer = await byCertificate(person(edgeCase));
    expect([answer.ProcessingResultStatus, answer.ProcessingResultCode]).toEqual(['2', code]);
    expect(answer.ResultList).toEqual([]);
  });

  test('both serials of a renewed card lead to one person, the old one is refused as superseded', async () => {
    const who = person('renewed certificate');
    const key = createPublicKey(cardKeys.rsa);
    const old = await byCertificate(who, { certificate: issuePersonAuthentication(centre.pki, who, key, 0) });
    expect(old.ProcessingResultCode).toBe('SKE12');
    const links = who.certificates.map(({ serial }) =>
      centre.eligibility.findPerson(
        centre.pki.jpkiAuthentication.g2.certificate.keyId,
        Buffer.from(serial, 'hex'),
      ),
    );
    expect(links).toEqual([who.id, who.id]);
  });

  test('a certificate without the card, or with a signature made for somebody else, opens nothing', async () => {
    const who = person('ordinary, 協会けんぽ');
    const good = transcriptFor(device.samId);
    const attempts: Question[] = [
      { signature: Buffer.alloc(256) },
      { signature: sign('sha256', good, generatePrivateKey('rsa-2048')), transcript: good },
      { transcript: transcriptFor('5341000000000002') },
      { transcript: Buffer.from('a login challenge of another service') },
      { transcript: good.subarray(0, 60) },
    ];
    for (const attempt of attempts)
      expect((await byCertificate(who, attempt)).ProcessingResultCode).toBe('SKE14');
    const next = person('P-384');
    const cut = { transcript: good, signature: cardSignature(cardKeys['p-384'], good).subarray(1) };
    expect((await byCertificate(next, cut)).ProcessingResultCode).toBe('SKE14');
  });

  test('a proof opens once: the same question again has the same answer, any other one is refused', async () => {
    const who = person('区分ウ');
    const transcript = transcriptFor(device.samId);
    const used = {
      transcript,
      signature: cardSignature(cardKey(who), transcript),
      certificate: issuePersonAuthentication(centre.pki, who, createPublicKey(cardKey(who))),
    };
    const unproven = await byCertificate(who, { ...used, signature: Buffer.alloc(256) });
    expect(unproven.ProcessingResultCode).toBe('SKE14');
    const first = await askByCertificate(who, used);
    expect(EligibilityAnswer.parse(JSON.parse(first.body)).QualificationValidity).toBe('1');
    centre.eligibility.replaceQualifications(who.id, [], NOW);
    expect((await askByCertificate(who, used)).body).toBe(first.body);
    centre.eligibility.replaceQualifications(who.id, who.qualifications, NOW);
    const refused = await byCertificate(who, { ...used, consent: '1' });
    expect([refused.ProcessingResultCode, refused.ResultList]).toEqual(['SKE15', []]);
    expect((await byCertificate(who)).QualificationValidity).toBe('1');
    expect((await byCertificate(who, used)).ProcessingResultCode).toBe('SKE15');
  });

  test('a certificate of another authority or policy is not trusted, bytes that are none are refused', async () => {
    const who = person('ordinary, 協会けんぽ');
    const { deviceCertificate: certificate } = device;
    expect((await byCertificate(who, { certificate })).ProcessingResultCode).toBe('SKE10');
    const junk = await askByCertificate(who, { certificate: Buffer.from('junk') });
    expect([junk.status, CentreProblem.parse(JSON.parse(junk.body)).code]).toEqual([422, 'message-invalid']);
    expect((await askByCertificate(who, { institution: '2710000001' })).status).toBe(422);
  });

  test('limits are shown with consent only', async () => {
    const who = person('区分ウ');
    expect((await byCertificate(who)).ResultList[0]).not.toHaveProperty(
      'LimitApplicationCertificateRelatedInfo',
    );
    const consented = await byCertificate(who, { consent: '1' });
    expect(
      consented.ResultList[0]?.LimitApplicationCertificateRelatedInfo
        ?.LimitApplicationCertificateClassificationFlag,
    ).toBe('A03');
  });

  test('a change at the insurer shows in the data and in changedAt', async () => {
    const who = person('short-term');
    const before = await byCertificate(who);
    const moved = who.qualifications.map(({ qualification, unregistered }) => ({
      unregistered,
      qualification: { ...qualification, Address: '架空県見本市新町1番' },
    }));
    centre.eligibility.replaceQualifications(who.id, moved, NOW - 1);
    const after = await byCertificate(who);
    expect(after.ResultList[0]?.Address).toBe('架空県見本市新町1番');
    expect(after.changedAt).toBe(new Date(NOW - 1).toISOString());
    expect(before.changedAt).not.toBe(after.changedAt);
  });

  test('a hold that is lifted opens the card again', async () => {
    const who = person('certificateHold');
    const issuer = centre.pki.jpkiAuthentication.g2.certificate.keyId;
    centre.revocations.release(issuer, Buffer.from(currentOf(who).serial, 'hex'));
    expect((await byCertificate(who)).QualificationValidity).toBe('1');
  });
});

describe('by insured number', () => {
  test('the same answers without a card', async () => {
    const who = person('ordinary, 協会けんぽ');
    const answer = await byNumber(numberOf(who));
    expect(answer).toMatchObject({
      QualificationValidity: '1',
      ReferenceClassification: '2',
      ArbitraryIdentifier: 'n-1',
    });
    expect(answer.ResultList[0]?.Name).toBe(who.name);
    expect((await byNumber(numberOf(person('国保')))).QualificationValidity).toBe('1');
    expect((await byNumber(numberOf(person('後期高齢, 1割')))).QualificationValidity).toBe('1');
  });

  test('the old number of somebody with a newer qualification', async () => {
    const who = person('newer qualification');
    expect((await byNumber(numberOf(who, 0))).QualificationValidity).toBe('3');
    expect((await byNumber(numberOf(who, 1))).QualificationValidity).toBe('1');
    expect((await byNumber(numberOf(person('qualification lost')))).QualificationValidity).toBe('2');
  });

  test('half width finds what is written in full width', async () => {
    const fields = {
      ...numberOf(person('full width')),
      InsuredCardSymbol: '架空・A1',
      InsuredIdentificationNumber: '12345',
    };
    expect((await byNumber(fields)).QualificationValidity).toBe('1');
  });

  test.each([{ Birthdate: '19000101' }, { InsuredBranchNumber: '99' }, { InsuredIdentificationNumber: '1' }])(
    '%j finds nobody',
    async (change) => {
      const fields = numberOf(person('ordinary, 協会けんぽ'));
      expect((await byNumber({ ...fields, ...change })).QualificationValidity).toBe('4');
    },
  );

  test('check digits are verified', async () => {
    const who = person('後期高齢, 1割');
    const wrongInsurer = who.qualifications[0]!.qualification.InsurerNumber.replace(/.$/, (d) =>
      String((Number(d) + 1) % 10),
    );
    expect((await byNumber({ ...numberOf(who), InsurerNumber: wrongInsurer })).ProcessingResultCode).toBe(
      'SKE20',
    );
    const wrongNumber = numberOf(who).InsuredIdentificationNumber.replace(/^./, (d) =>
      String((Number(d) + 1) % 10),
    );
    expect(
      (await byNumber({ ...numberOf(who), InsuredIdentificationNumber: wrongNumber })).ProcessingResultCode,
    ).toBe('SKE21');
    expect((await byNumber({ ...numberOf(who), InsuredCardSymbol: '1' })).ProcessingResultCode).toBe('SKE21');
  });

  test('a family without branch numbers gives several', async () => {
    const [first, second] = [person('自衛官'), person('共済')];
    const { qualification } = first.qualifications[0]!;
    centre.eligibility.replaceQualifications(
      second.id,
      [
        {
          unregistered: false,
          qualification: { ...qualification, InsuredBranchNumber: '07', Name: '架空　双子' },
        },
      ],
      NOW,
    );
    const { InsuredBranchNumber: _left, ...withoutBranch } = numberOf(first);
    const answer = await byNumber(withoutBranch);
    expect([answer.QualificationValidity, answer.ResultList.length]).toEqual(['5', 2]);
  });
});
