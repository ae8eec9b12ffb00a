/** The two questions of online eligibility: by certificate with a card present, and by insured number. */
import {
  type EligibilityAnswer,
  EligibilityByCertificate,
  EligibilityByInsuredNumber,
  type Qualification,
} from '#contract/centre/eligibility.ts';
import { MalformedDer } from '../asn1/tlv.ts';
import { createDeviceGate, type ProvenDevice } from '../http/device-gate.ts';
import { parseJson } from '../http/json.ts';
import { CentreRefusal, jsonReply, type Reply } from '../http/problem.ts';
import type { Route } from '../http/route.ts';
import { type Certificate, parseCertificate, validatePath } from '../pki/certificate.ts';
import { JPKI_TEST_POLICY } from '../pki/jpki.ts';
import type { RevocationRegister } from '../pki/revocation-register.ts';
import { hasValidCheckDigit } from './check-digit.ts';
import { PROCESSING_ERRORS, type ProcessingErrorCode } from './processing-error.ts';
import type { ProofMemory } from './proof-memory.ts';
import type { EligibilityStore } from './store.ts';
import { verifyTapProof } from './tap-proof.ts';
import { judgeMatches, judgePerson, type Verdict } from './verdict.ts';

export interface EligibilityOptions {
  readonly store: EligibilityStore;
  readonly proofs: ProofMemory;
  readonly revocations: RevocationRegister;
  /** Every generation of the JPKI authentication authority. */
  readonly authorities: readonly Certificate[];
  readonly deviceAuthority: Certificate;
  /** Throws for a device that may not ask. */
  readonly admit: (device: ProvenDevice) => void;
  /** The SP wants something of it. */
  readonly hasOrders: (device: ProvenDevice) => boolean;
  readonly nowMs: () => number;
}

type Outcome = Verdict | { readonly error: ProcessingErrorCode };

export function eligibilityRoutes(options: EligibilityOptions): Route[] {
  const gate = createDeviceGate(options);
  return gate.withProof([
    {
      method: 'POST',
      path: '/v1/eligibility/by-certificate',
      mediaType: 'application/json',
      handle(call) {
        const device = gate.deviceOf(call);
        const question = parseJson(EligibilityByCertificate, call.body);
        requireInstitution(device, question.MedicalInstitutionCode);
        return answerCertificate(options, device, question, call.body);
      },
    },
    {
      method: 'POST',
      path: '/v1/eligibility/by-insured-number',
      mediaType: 'application/json',
      handle(call) {
        const device = gate.deviceOf(call);
        const question = parseJson(EligibilityByInsuredNumber, call.body);
        requireInstitution(device, question.MedicalInstitutionCode);
        return jsonReply(200, encodeAnswer(options, '2', question, judgeInsuredNumber(options, question)));
      },
    },
  ]);
}

function requireInstitution(device: ProvenDevice, institutionCode: string): void {
  if (device.institutionCode !== institutionCode) {
    throw new CentreRefusal('message-invalid', 'The institution code is not that of the connection.');
  }
}

function answerCertificate(
  options: EligibilityOptions,
  { samId }: ProvenDevice,
  question: EligibilityByCertificate,
  body: Buffer,
): Reply {
  const encode = (outcome: Outcome): EligibilityAnswer => encodeAnswer(options, '1', question, outcome);
  const refuse = (error: ProcessingErrorCode): Reply => jsonReply(200, encode({ error }));
  const certificate = parsePatientCertificate(question.certificate);
  const path = validatePath(certificate, options.authorities, options.nowMs(), [
    JPKI_TEST_POLICY.authentication,
  ]);
  if (!path.ok)
    return refuse(path.reason === 'expired' || path.reason === 'not-yet-valid' ? 'SKE11' : 'SKE10');
  const message = Buffer.from(question.proof.message, 'base64');
  const signature = Buffer.from(question.proof.signature, 'base64');
  const proof = verifyTapProof(certificate, message, signature, samId);
  if (proof === undefined) return refuse('SKE14');
  const answer = options.proofs.answerOnce({ samId, useCounter: proof.useCounter, body }, () =>
    JSON.stringify(encode(judgeHolder(options, certificate, path.issuer))),
  );
  return answer === undefined
    ? refuse('SKE15')
    : { status: 200, mediaType: 'application/json', body: answer };
}

function judgeHolder(options: EligibilityOptions, { serial }: Certificate, issuer: Certificate): Outcome {
  const revocation = options.revocations.find(issuer.keyId, serial);
  if (revocation !== undefined) return { error: revocation.reason === 'certificateHold' ? 'SKE13' : 'SKE12' };
  const personId = options.store.findPerson(issuer.keyId, serial);
  return judgePerson(
    personId === undefined ? [] : options.store.qualificationsOf(personId),
    japaneseTime(options.nowMs()).slice(0, 8),
  );
}

function parsePatientCertificate(base64: string): Certificate {
  try {
    return parseCertificate(Buffer.from(base64, 'base64'));
  } catch (thrown) {
    if (thrown instanceof MalformedDer)
      throw new CentreRefusal('message-invalid', 'The certificate is malformed.');
    throw thrown;
  }
}

/** 法別番号 39. */
const LATE_ELDERLY = '39';

function judgeInsuredNumber(options: EligibilityOptions, question: EligibilityByInsuredNumber): Outcome {
  const insurerNumber = question.InsurerNumber;
  const { InsuredCardSymbol: symbol, InsuredBranchNumber: branch } = question;
  const number = question.InsuredIdentificationNumber.normalize('NFKC');
  if (!hasValidCheckDigit(insurerNumber.trim())) return { error: 'SKE20' };
  if (insurerNumber.startsWith(LATE_ELDERLY)) {
    const wellFormed = /^\d{8}$/.test(number) && hasValidCheckDigit(number);
    if (!wellFormed || symbol !== undefined || branch !== undefined) return { error: 'SKE21' };
  }
  const { store } = options;
  const matches = store.findByNumber({
    insurerNumber,
    symbol,
    number,
    branch,
    birthdate: question.Birthdate,
  });
  return judgeMatches(matches, store.qualificationsOf, japaneseTime(options.nowMs()).slice(0, 8));
}

function encodeAnswer(
  options: EligibilityOptions,
  reference: '1' | '2',
  question: {
    readonly MedicalInstitutionCode: string;
    readonly ArbitraryIdentifier: string;
    readonly LimitApplicationCertificateRelatedConsFlg: '0' | '1';
  },
  outcome: Outcome,
): EligibilityAnswer {
  const now = japaneseTime(options.nowMs());
  const head = {
    ProcessExecutionTime: now,
    QualificationConfirmationDate: now.slice(0, 8),
    MedicalInstitutionCode: question.MedicalInstitutionCode,
    ArbitraryIdentifier: question.ArbitraryIdentifier,
    SegmentOfResult: '1',
    ReferenceClassification: reference,
  } as const;
  if ('error' in outcome) {
    return {
      ...head,
      ProcessingResultStatus: '2',
      ProcessingResultCode: outcome.error,
      ProcessingResultMessage: PROCESSING_ERRORS[outcome.error],
      QualificationValidity: '4',
      ResultList: [],
    };
  }
  const consented = question.LimitApplicationCertificateRelatedConsFlg === '1';
  const changes = outcome.results.map((result) => result.changedAtMs);
  return {
    ...head,
    ProcessingResultStatus: '1',
    QualificationValidity: outcome.validity,
    ResultList: outcome.results.map(({ qualification }) =>
      consented ? qualification : withoutLimits(qualification),
    ),
    ...(changes.length === 0 ? {} : { changedAt: new Date(Math.max(...changes)).toISOString() }),
  };
}

/** 限度額適用認定証 is shown with the patient's consent only. */
function withoutLimits({
  LimitApplicationCertificateRelatedInfo: _hidden,
  ...rest
}: Qualification): Qualification {
  return rest;
}

const JAPAN_OFFSET_MS = 9 * 60 * 60 * 1000;

/** yyyyMMddHHmmss in Japan. */
function japaneseTime(atMs: number): string {
  return new Date(atMs + JAPAN_OFFSET_MS).toISOString().replace(/[-:T]/g, '').slice(0, 14);
}
