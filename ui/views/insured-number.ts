/** Eligibility by the numbers on the eligibility certificate, for patients without a usable card. */
import type { Actions } from '../actions.ts';
import type { InsuredForm } from '../api.ts';
import { h, type ViewNode } from '../dom.ts';
import { t } from '../messages.ts';
import type { State } from '../state.ts';
import { card, field, heading, onSubmit, spinner } from './parts.ts';

/** 国保 has six digits and is padded with two spaces on the wire. */
const INSURER_DIGITS = 8;

export function insuredNumberView({ busy }: State, actions: Actions): ViewNode {
  const digits = { inputmode: 'numeric', required: true } as const;
  return card(
    'narrow',
    heading(t('numberTitle')),
    h('p', { class: 'lead' }, t('numberLead')),
    h(
      'form',
      {
        class: 'stack',
        key: 'number',
        onSubmit: onSubmit((values) => {
          const patientNumber = values.get('patientNumber') ?? '';
          void actions.checkByNumber(insuredForm(values), patientNumber === '' ? undefined : patientNumber);
        }),
      },
      field('insurer', t('insurerNumber'), {
        hint: t('insurerHint'),
        props: { ...digits, pattern: '\\d{6}|\\d{8}', maxlength: INSURER_DIGITS },
      }),
      h(
        'div',
        { class: 'row' },
        field('symbol', t('symbol'), { hint: t('symbolHint'), props: { maxlength: 20 } }),
        field('number', t('insuredNumber'), { props: { required: true, maxlength: 20 } }),
        field('branch', t('branch'), {
          hint: t('branchHint'),
          props: { inputmode: 'numeric', pattern: '\\d{2}', maxlength: 2 },
        }),
      ),
      h(
        'div',
        { class: 'row' },
        field('birthdate', t('birthdate'), {
          hint: t('birthdateHint'),
          props: { ...digits, pattern: '\\d{8}', maxlength: 8 },
        }),
        field('patientNumber', t('patientNumber'), {
          hint: t('patientNumberHint'),
          props: { inputmode: 'numeric', maxlength: 20 },
        }),
      ),
      busy === 'number'
        ? spinner(t('working'))
        : h('button', { type: 'submit', class: 'button primary wide', key: 'submit' }, t('check')),
    ),
  );
}

function insuredForm(values: ReadonlyMap<string, string>): InsuredForm {
  const symbol = values.get('symbol') ?? '';
  const branch = values.get('branch') ?? '';
  return {
    InsurerNumber: (values.get('insurer') ?? '').padStart(INSURER_DIGITS),
    InsuredIdentificationNumber: values.get('number') ?? '',
    Birthdate: values.get('birthdate') ?? '',
    ...(symbol === '' ? {} : { InsuredCardSymbol: symbol }),
    ...(branch === '' ? {} : { InsuredBranchNumber: branch }),
  };
}
