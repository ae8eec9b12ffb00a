/** What the card says of a new patient, for typing into the patient register. Gone with the next patient. */
import { ERRORS } from '#contract/errors.ts';
import type { CardAttributes, TapResult } from '#contract/visit.ts';
import { compactDate } from '../dates.ts';
import { h, type ViewNode } from '../dom.ts';
import { currentLanguage } from '../language.ts';
import { elementText, type TextKey, t } from '../messages.ts';
import { facts } from './parts.ts';

const SEXES: Readonly<Record<CardAttributes['sex'], TextKey>> = {
  male: 'sexMale',
  female: 'sexFemale',
  'not-applicable': 'sexNotApplicable',
  unknown: 'sexUnknown',
};

export function cardAttributesPanel({ cardAttributes, cardAttributesMissing }: TapResult): ViewNode | false {
  if (cardAttributes !== undefined) return register(cardAttributes);
  if (cardAttributesMissing === undefined) return false;
  const { title, next } = ERRORS[cardAttributesMissing][currentLanguage()];
  return h(
    'div',
    { class: 'notice', key: 'attributes', role: 'status' },
    h('h3', {}, t('attributesMissing')),
    h('p', {}, `${title} ${next}`),
  );
}

function register({ name, address, birthDate, sex }: CardAttributes): ViewNode {
  return h(
    'div',
    { class: 'card-attributes', key: 'attributes' },
    h('h3', {}, t('attributesTitle')),
    facts([
      [elementText('Name'), name],
      [elementText('Birthdate'), compactDate(birthDate, true)],
      [elementText('Sex1'), t(SEXES[sex])],
      [elementText('Address'), address],
    ]),
    h('p', { class: 'hint' }, t('attributesNote')),
  );
}
