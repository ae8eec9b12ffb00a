/** The visit as the clerk needs it: is the insurance valid, whose number is it, what is different today. */
import { ERRORS } from '#contract/errors.ts';
import type { EligibilityValidity, EligibilityView, TapResult, Visit } from '#contract/visit.ts';
import type { Actions } from '../actions.ts';
import { compactDate, dateAndTime, longDate } from '../dates.ts';
import { type Child, h, type ViewNode } from '../dom.ts';
import { currentLanguage } from '../language.ts';
import { elementText, type TextKey, t } from '../messages.ts';
import type { State } from '../state.ts';
import { cardAttributesPanel } from './card-attributes.ts';
import { modeText } from './mode.ts';
import { button, card, facts, field, heading, nextButton, onSubmit } from './parts.ts';
import { missingPanel } from './status.ts';

type Look = 'good' | 'warn' | 'bad';

export const VALIDITIES: Readonly<Record<EligibilityValidity, readonly [TextKey, Look]>> = {
  valid: ['validityValid', 'good'],
  invalid: ['validityInvalid', 'bad'],
  'invalid-newer-exists': ['validityNewer', 'bad'],
  none: ['validityNone', 'bad'],
  several: ['validitySeveral', 'warn'],
  unregistered: ['validityUnregistered', 'good'],
  unknown: ['validityUnknown', 'warn'],
};

const OPEN: Readonly<Record<Visit['unresolved'][number], TextKey>> = {
  revocation: 'openRevocation',
  eligibility: 'openEligibility',
  'patient-number': 'openPatientNumber',
};

export const openText = (question: Visit['unresolved'][number]): string => t(OPEN[question]);

export function resultView(state: State, actions: Actions): ViewNode {
  const { visit } = state;
  if (visit === undefined) return card('narrow', heading(t('title')));
  const isAccepted = visit.outcome === 'accepted';
  return h(
    'div',
    { class: 'result' },
    h(
      'div',
      { class: 'result-head' },
      heading(t(isAccepted ? 'acceptedTitle' : 'refusedTitle')),
      h('span', { class: `mode ${visit.mode}` }, modeText(visit.mode)),
      button(t('nextPatient'), () => actions.finish(), 'primary'),
    ),
    visit.error !== undefined && missingPanel(visit.error),
    visit.error !== undefined && nextButton(ERRORS[visit.error].then, actions),
    isAccepted && eligibilityCard(visit.eligibility, isNumberKept(visit)),
    h('div', { class: 'columns' }, patientCard(state, visit, actions), recordCard(visit)),
  );
}

/** Typed, and not answered yet. */
function isNumberKept({ identifiedBy, unresolved }: Visit): boolean {
  return identifiedBy === 'insured-number' && unresolved.includes('eligibility');
}

function eligibilityCard(eligibility: EligibilityView, isKept: boolean): ViewNode {
  const [text, look] = VALIDITIES[eligibility.validity];
  return card(
    `eligibility ${eligibility.source === 'now' ? look : look === 'good' ? 'warn' : look}`,
    h('h2', {}, t('eligibility')),
    h('p', { class: 'validity' }, t(text)),
    h('p', { class: 'source' }, sourceText(eligibility)),
    eligibility.reason !== undefined && h('p', {}, ERRORS[eligibility.reason][currentLanguage()].title),
    isKept && h('p', { class: 'lead' }, t('numberKept')),
    eligibility.changes.length > 0 &&
      h(
        'div',
        { class: 'changes' },
        h('h3', {}, t('changes')),
        h(
          'ul',
          {},
          eligibility.changes.map((name) => h('li', {}, elementText(name))),
        ),
      ),
    eligibility.results.map((qualification) => qualificationRows(qualification)),
  );
}

function sourceText({ source, checkedAt }: EligibilityView): string {
  if (source === 'now') return t('sourceNow');
  if (source === 'none' || checkedAt === undefined) return t('sourceNone');
  return t('sourceLastKnown', { when: dateAndTime(checkedAt) });
}

function qualificationRows(qualification: EligibilityView['results'][number]): ViewNode {
  const numbers = [
    qualification.InsuredCardSymbol,
    qualification.InsuredIdentificationNumber,
    qualification.InsuredBranchNumber,
  ];
  const person = qualification.PersonalFamilyClassification === '1' ? t('personSelf') : t('personFamily');
  const lost = qualification.DisqualificationDate;
  return h(
    'div',
    { class: 'qualification' },
    h(
      'p',
      { class: 'person' },
      h('span', { class: 'person-name' }, qualification.Name),
      h('span', { class: 'person-kana' }, qualification.NameKana.normalize('NFKC')),
    ),
    facts([
      [elementText('Birthdate'), compactDate(qualification.Birthdate, true)],
      [elementText('InsurerName'), qualification.InsurerName],
      [elementText('InsurerNumber'), qualification.InsurerNumber.trim()],
      [
        `${elementText('InsuredCardSymbol')}・${elementText('InsuredIdentificationNumber')}・${elementText('InsuredBranchNumber')}`,
        numbers.filter((part) => part !== undefined).join('・'),
      ],
      [
        elementText('InsuredPartialContributionRatio'),
        ratioText(qualification.InsuredPartialContributionRatio),
      ],
      [elementText('PersonalFamilyClassification'), person],
      [elementText('QualificationDate'), t('since', { when: compactDate(qualification.QualificationDate) })],
      [elementText('DisqualificationDate'), lost && t('until', { when: compactDate(lost) })],
      [
        elementText('LimitApplicationCertificateRelatedInfo'),
        qualification.LimitApplicationCertificateRelatedInfo?.LimitApplicationCertificateClassificationFlag,
      ],
      [elementText('Address'), qualification.Address],
    ]),
  );
}

/** "030" is 3割. */
function ratioText(ratio: string | undefined): string | undefined {
  return ratio === undefined ? undefined : t('ratio', { n: Number(ratio) / 10 });
}

function patientCard({ hasLinked, busy }: State, visit: TapResult, actions: Actions): ViewNode {
  const { cardId, patientNumber, certificate, outcome } = visit;
  return card(
    '',
    h('h2', {}, t('patient')),
    patientNumber !== undefined &&
      h('p', { class: 'patient-number' }, h('small', {}, t('patientNumber')), patientNumber),
    hasLinked && h('p', { class: 'linked', role: 'status' }, t('linked')),
    cardAttributesPanel(visit),
    outcome === 'accepted' &&
      patientNumber === undefined &&
      cardId !== undefined &&
      linkForm(cardId, busy !== undefined, actions),
    facts([[t('cardId'), cardId !== undefined && h('code', {}, cardId)]]),
    certificate !== undefined && certificateNotes(certificate),
  );
}

function linkForm(cardId: string, isBusy: boolean, actions: Actions): ViewNode {
  return h(
    'form',
    {
      class: 'stack',
      key: 'link',
      onSubmit: onSubmit((values) => void actions.linkPatient(cardId, values.get('patientNumber') ?? '')),
    },
    h('p', { class: 'notice' }, t('linkLead')),
    field('patientNumber', t('patientNumber'), {
      props: { inputmode: 'numeric', required: true, maxlength: 20, pattern: '[0-9A-Za-z\\-]{1,20}' },
    }),
    h('button', { type: 'submit', class: 'button secondary', disabled: isBusy }, t('link')),
  );
}

function certificateNotes({
  expiresInDays,
  notAfter,
  revocation,
}: NonNullable<Visit['certificate']>): ViewNode[] {
  const expiry: Child =
    expiresInDays !== undefined &&
    h(
      'p',
      { class: 'notice', key: 'expiry' },
      t('certificateExpires', { n: expiresInDays, when: longDate(notAfter) }),
    );
  const open: Child =
    revocation === 'unknown' && h('p', { class: 'notice', key: 'open' }, t('revocationUnknown'));
  return [expiry, open].filter((note) => typeof note === 'object');
}

export function recordText(visitRecord: Visit['visitRecord']): string {
  const records = { delivered: 'delivered', queued: 'recordQueued', none: 'recordNone' } as const;
  return t(records[visitRecord]);
}

function recordCard({ at, evidence, visitRecord, unresolved, mode }: Visit): ViewNode {
  return card(
    '',
    h('h2', {}, t('record')),
    facts([
      [t('time'), dateAndTime(at)],
      [t('mode'), modeText(mode)],
      [t('evidence'), h('code', {}, `#${evidence.seq} ${evidence.hash.slice(0, 12)}…`)],
      [t('visitRecord'), recordText(visitRecord)],
      [t('open'), unresolved.map(openText).join('、')],
    ]),
  );
}
