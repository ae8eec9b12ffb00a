/** The centre as a script: it signs real grants, rosters and time stamps, and answers the rest as it is told. */
import { hash, verify, X509Certificate } from 'node:crypto';
import { integer, octetString, oid, sequence } from '#centre/asn1/der.ts';
import { parseTlv, TlvCursor } from '#centre/asn1/tlv.ts';
import type { CentrePki } from '#centre/pki/authority.ts';
import type { OperatorRecord } from '#centre/service-provider/registry.ts';
import { signDisableOrder, signRoster, signUnlockGrant } from '#centre/service-provider/sam-order.ts';
import { answerTimeStamp } from '#centre/tsa/response.ts';
import type {
  EligibilityAnswer,
  EligibilityByCertificate,
  EligibilityByInsuredNumber,
  Qualification,
} from '#contract/centre/eligibility.ts';
import type { RosterChangeOrder, RosterNonce } from '#contract/centre/roster-change.ts';
import type {
  DataKeyRewrapped,
  DataKeyRewrapRequest,
  RevokedCards,
  RosterAnswer,
  SamDisableOrder,
  SamDisableRequest,
  SamOrders,
  SamUnlockGrant,
  SamUnlockRequest,
} from '#contract/centre/service-provider.ts';
import { type ErrorCode, SekishoError } from '#contract/errors.ts';
import type { Clock } from '#ports/clock.ts';
import type { Centre, CentreHealth, JpkiRevocationReason } from '#upstream/ports.ts';

/** What a service does: answer, fail with an error, or say nothing until `release`. */
export type Behaviour = 'good' | 'silent' | ErrorCode;

class ScriptedService {
  behaviour: Behaviour = 'good';
  calls = 0;
  #waiting: (() => void)[] = [];

  /** Lets those go who wait for a silent service; they then get what `behaviour` says. */
  release(behaviour: Exclude<Behaviour, 'silent'> = 'good'): void {
    this.behaviour = behaviour;
    for (const go of this.#waiting.splice(0)) go();
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  async answer<T>(signal: AbortSignal | undefined, make: () => T): Promise<T> {
    this.calls += 1;
    if (this.behaviour === 'silent') await this.#untilReleased(signal);
    // An answer never comes within the turn of its question.
    else await new Promise(setImmediate);
    if (this.behaviour !== 'good' && this.behaviour !== 'silent') throw new SekishoError(this.behaviour);
    return make();
  }

  #untilReleased(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(resolve);
      signal?.addEventListener('abort', () => reject(new SekishoError('centre.unreachable')), { once: true });
    });
  }
}

export const SAMPLE_INSURED = {
  InsurerNumber: '01130012',
  InsuredCardSymbol: '12',
  InsuredIdentificationNumber: '3456',
  InsuredBranchNumber: '01',
  Birthdate: '19800217',
} as const;

export function sampleQualification(more: Partial<Qualification> = {}): Qualification {
  return {
    InsuredCardClassification: '01',
    InsurerName: '見本保険組合',
    PersonalFamilyClassification: '1',
    Name: '見本　太郎',
    NameKana: 'ﾐﾎﾝ ﾀﾛｳ',
    Sex1: '1',
    Address: '架空県見本市仮町１－２－３',
    PostNumber: '9999999',
    QualificationDate: '20200401',
    InsuredPartialContributionRatio: '030',
    ...SAMPLE_INSURED,
    ...more,
  };
}

export class ScriptedCentre implements Centre {
  readonly scripts = {
    unlock: new ScriptedService(),
    roster: new ScriptedService(),
    orders: new ScriptedService(),
    revokedCards: new ScriptedService(),
    eligibility: new ScriptedService(),
    revocation: new ScriptedService(),
    timeStamps: new ScriptedService(),
  };
  /** Status of every certificate that is asked about. */
  revokedFor: JpkiRevocationReason | undefined;
  validity: EligibilityAnswer['QualificationValidity'] = '1';
  results: readonly Qualification[] = [sampleQualification()];
  maxUses = 500;
  /** The SP wants the SAM dead. */
  isDisableOrdered = false;
  rosterVersion = 1;
  operators: readonly OperatorRecord[];
  revokedCards: RevokedCards;
  /** Visits by certificate whose proof did not verify: must stay empty. */
  readonly badProofs: string[] = [];
  /** Hex of what `fromSamId` wrapped, for the SAM that asks. */
  rewrap: (fromSamId: string, wrapped: string) => string = () => {
    throw new SekishoError('centre.refused');
  };
  /** What the SP makes of the next change of the roster; `docs/operators.md` is judged by the real SP, in `clinic/`. */
  rosterChange: (operators: readonly OperatorRecord[]) => readonly OperatorRecord[] = () => {
    throw new SekishoError('roster.refused');
  };
  readonly orders: RosterChangeOrder[] = [];
  readonly askedInsured: EligibilityByInsuredNumber[] = [];
  readonly #pki: CentrePki;
  readonly #clock: Clock;

  constructor(pki: CentrePki, clock: Clock, operators: readonly OperatorRecord[]) {
    this.#pki = pki;
    this.#clock = clock;
    this.operators = operators;
    this.revokedCards = { asOf: new Date(clock.nowMs()).toISOString(), hashes: [] };
  }

  /** Everything at once: the network of the clinic, say. */
  set all(behaviour: Behaviour) {
    for (const script of Object.values(this.scripts)) script.behaviour = behaviour;
  }

  readonly serviceProvider = {
    unlockSam: (request: SamUnlockRequest, signal?: AbortSignal): Promise<SamUnlockGrant> =>
      this.scripts.unlock.answer(signal, () => this.#grant(request)),
    orders: (signal?: AbortSignal): Promise<SamOrders> =>
      this.scripts.orders.answer(signal, () => ({ disable: this.isDisableOrdered })),
    disableSam: (request: SamDisableRequest, signal?: AbortSignal): Promise<SamDisableOrder> =>
      this.scripts.orders.answer(signal, () => ({
        order: signDisableOrder(this.#pki.serviceProviderKey, request).toString('base64'),
      })),
    rewrapDataKey: (
      { fromSamId, wrapped }: DataKeyRewrapRequest,
      signal?: AbortSignal,
    ): Promise<DataKeyRewrapped> =>
      this.scripts.unlock.answer(signal, () => ({ wrapped: this.rewrap(fromSamId, wrapped) })),
    roster: (signal?: AbortSignal): Promise<RosterAnswer> =>
      this.scripts.roster.answer(signal, () => this.#roster()),
    rosterNonce: (signal?: AbortSignal): Promise<RosterNonce> =>
      this.scripts.roster.answer(signal, () => ({ nonce: ROSTER_NONCE, version: this.rosterVersion })),
    changeRoster: (order: RosterChangeOrder, signal?: AbortSignal): Promise<RosterAnswer> =>
      this.scripts.roster.answer(signal, () => {
        this.orders.push(order);
        this.operators = this.rosterChange(this.operators);
        this.rosterVersion += 1;
        return this.#roster();
      }),
    revokedCards: (signal?: AbortSignal): Promise<RevokedCards> =>
      this.scripts.revokedCards.answer(signal, () => this.revokedCards),
  };

  readonly eligibility = {
    byCertificate: (question: EligibilityByCertificate, signal?: AbortSignal): Promise<EligibilityAnswer> =>
      this.scripts.eligibility.answer(signal, () => {
        this.#checkProof(question);
        return this.#answer(question.ArbitraryIdentifier, '1');
      }),
    byInsuredNumber: (
      question: EligibilityByInsuredNumber,
      signal?: AbortSignal,
    ): Promise<EligibilityAnswer> =>
      this.scripts.eligibility.answer(signal, () => {
        this.askedInsured.push(question);
        return this.#answer(question.ArbitraryIdentifier, '2');
      }),
  };

  readonly history = {
    register: (): never => {
      throw new Error('the gateway sends no visit records: the outbox does');
    },
  };

  readonly revocation = {
    status: (
      _certificate: Uint8Array,
      _issuer: Uint8Array,
      signal?: AbortSignal,
    ): ReturnType<Centre['revocation']['status']> =>
      this.scripts.revocation.answer(signal, () =>
        this.revokedFor === undefined
          ? { status: 'good', checkedBy: 'ocsp' }
          : { status: 'revoked', reason: this.revokedFor, revokedAtMs: this.#clock.nowMs() },
      ),
  };

  readonly timeStamps = {
    timeStamp: (digest: Uint8Array, signal?: AbortSignal): Promise<Uint8Array> =>
      this.scripts.timeStamps.answer(signal, () => this.#timeStamp(digest)),
  };

  health(): CentreHealth {
    const isGood = ({ behaviour }: ScriptedService): boolean => behaviour === 'good';
    const { unlock, eligibility, revocation } = this.scripts;
    return {
      serviceProvider: isGood(unlock),
      revocation: isGood(revocation),
      revocationLists: isGood(revocation),
      eligibility: isGood(eligibility),
      history: isGood(unlock),
    };
  }

  warm(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #grant({ samId, challenge, networkId }: SamUnlockRequest): SamUnlockGrant {
    const limits = { maxUses: this.maxUses, maxTicks: 0 };
    const issuedAtMs = this.#clock.nowMs();
    const key = this.#pki.serviceProviderKey;
    const grant = signUnlockGrant(key, { samId, challenge, networkId, ...limits, issuedAtMs });
    return { grant: grant.toString('base64'), ...limits };
  }

  #roster(): RosterAnswer {
    const { rosterVersion: version, operators } = this;
    const update = signRoster(this.#pki.serviceProviderKey, { samId: SAM_ID, version, operators });
    return {
      version,
      operators: operators.map(({ publicKey: _, ...operator }) => operator),
      update: update.toString('base64'),
    };
  }

  /** The way that the eligibility service does it, by node's own X.509. */
  #checkProof({ certificate, proof }: EligibilityByCertificate): void {
    const { publicKey } = new X509Certificate(Buffer.from(certificate, 'base64'));
    const message = Buffer.from(proof.message, 'base64');
    const signature = Buffer.from(proof.signature, 'base64');
    const dsaEncoding = 'ieee-p1363';
    const isRsa = publicKey.asymmetricKeyType === 'rsa';
    const isGood = isRsa
      ? verify('sha256', message, publicKey, signature)
      : verify('sha384', hash('sha256', message, 'buffer'), { key: publicKey, dsaEncoding }, signature);
    if (!isGood) this.badProofs.push('proof of a visit does not verify');
  }

  #answer(identifier: string, reference: '1' | '2'): EligibilityAnswer {
    return {
      ProcessExecutionTime: '20261120090000',
      QualificationConfirmationDate: '20261120',
      MedicalInstitutionCode: '9910000017',
      ArbitraryIdentifier: identifier,
      SegmentOfResult: '1',
      ProcessingResultStatus: '1',
      ReferenceClassification: reference,
      QualificationValidity: this.validity,
      ResultList: [...this.results],
    };
  }

  /** The token out of a granted TimeStampResp. @see RFC 3161 §2.4 */
  #timeStamp(digest: Uint8Array): Uint8Array {
    const imprint = sequence(sequence(oid('2.16.840.1.101.3.4.2.1')), octetString(digest));
    const request = sequence(integer(1), imprint, integer(7), Buffer.from('0101ff', 'hex'));
    const stamper = { credential: this.#pki.timeStamper, nowMs: () => this.#clock.nowMs() };
    const cursor = new TlvCursor(parseTlv(answerTimeStamp(stamper, request), 0x30).content);
    cursor.take(0x30);
    return new Uint8Array(cursor.take(0x30).encoded);
  }
}

export const ROSTER_NONCE = '5a'.repeat(32);

/** `clinic/identity.ts` */
const SAM_ID = '5345534841303031';
