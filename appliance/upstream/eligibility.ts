/** オンライン資格確認: the question by certificate or insured number, and what its answer means. */
import { EligibilityAnswer } from '#contract/centre/eligibility.ts';
import { SekishoError } from '#contract/errors.ts';
import type { Circuit } from './circuit.ts';
import { askJson } from './json-service.ts';
import type { EligibilityService } from './ports.ts';

interface Asked {
  readonly MedicalInstitutionCode: string;
  readonly ArbitraryIdentifier: string;
}

/** An answer to another question is no answer. */
function requireSameQuestion(answer: EligibilityAnswer, asked: Asked, reference: '1' | '2'): void {
  const same =
    answer.ArbitraryIdentifier === asked.ArbitraryIdentifier &&
    answer.MedicalInstitutionCode === asked.MedicalInstitutionCode &&
    answer.ReferenceClassification === reference;
  if (!same) throw new SekishoError('centre.garbled', { context: { why: 'answer to another question' } });
}

function judge(answer: EligibilityAnswer, asked: Asked, reference: '1' | '2'): EligibilityAnswer {
  requireSameQuestion(answer, asked, reference);
  if (answer.SegmentOfResult === '2') {
    throw new SekishoError('eligibility.unavailable', { context: { why: 'still in process' } });
  }
  if (answer.SegmentOfResult === '9' || answer.ProcessingResultStatus === '2') {
    throw new SekishoError('eligibility.processing-error', {
      context: { result: answer.ProcessingResultCode },
    });
  }
  return answer;
}

export function makeEligibilityService(circuit: Circuit): EligibilityService {
  const ask = <Q extends Asked>(
    path: string,
    message: Q,
    reference: '1' | '2',
    signal: AbortSignal | undefined,
  ) =>
    askJson(circuit, EligibilityAnswer, { method: 'POST', path, message }, signal, (answer) =>
      judge(answer, message, reference),
    );
  return {
    byCertificate: (question, signal) => ask('/v1/eligibility/by-certificate', question, '1', signal),
    byInsuredNumber: (question, signal) => ask('/v1/eligibility/by-insured-number', question, '2', signal),
  };
}
