/** Leave for a home visit: for administrators to grant, for everybody to see while it lasts. */
import type { CarryOutStatus } from '#contract/permit.ts';
import type { GatewaySnapshot } from '#contract/snapshot.ts';
import type { Actions } from '../actions.ts';
import { dateAndTime } from '../dates.ts';
import { h, type ViewNode } from '../dom.ts';
import { t } from '../messages.ts';
import { pt } from '../permit-words.ts';
import type { State } from '../state.ts';
import { button, card, field, heading, spinner } from './parts.ts';
import { cardAndPinForm } from './sign-in.ts';

const HOURS = [2, 4, 8, 12, 24] as const;
const USUAL_HOURS = 4;
const USUAL_USES = 10;
const MAX_USES = 1_000;

/** On every screen, as long as there is a permit. */
export function carryOutStrip({ carryOut, facts }: GatewaySnapshot): ViewNode | false {
  if (carryOut === undefined) return false;
  const isAway = facts.network !== 'registered';
  return h(
    'p',
    { class: `strip carry-out${isAway ? ' away' : ''}`, role: 'status', key: 'carry-out' },
    h('strong', {}, pt(isAway ? 'away' : 'granted')),
    ` ${termsText(carryOut)}`,
  );
}

function termsText({ until, usesLeft, operators }: CarryOutStatus): string {
  const who = operators.map(({ displayName }) => displayName).join('、');
  return pt('terms', { until: dateAndTime(until), n: usesLeft, who });
}

export function carryOutView(state: State, actions: Actions): ViewNode {
  const { snapshot, permitOperators } = state;
  const carryOut = snapshot?.carryOut;
  if (carryOut !== undefined) {
    return card(
      'narrow',
      heading(pt('title')),
      h('p', { class: 'lead' }, termsText(carryOut)),
      button(pt('end'), () => void actions.permit.end(), 'bad', { disabled: state.busy !== undefined }),
    );
  }
  const isHome = snapshot?.facts.network === 'registered';
  return card(
    'narrow',
    heading(pt('title')),
    h('p', { class: 'lead' }, pt(isHome ? 'lead' : 'atHomeOnly')),
    isHome && permitOperators === undefined && spinner(t('working')),
    isHome &&
      permitOperators !== undefined &&
      cardAndPinForm(
        state,
        pt('grant'),
        (own, values) =>
          actions.permit.grant(
            {
              hours: Number(values.get('hours')),
              maxUses: Number(values.get('maxUses')),
              operators: permitOperators
                .map(({ operatorId }) => operatorId)
                .filter((operatorId) => values.has(`operator-${operatorId}`)),
            },
            own,
          ),
        [hoursChoice(), usesField(), operatorChoice(state)],
      ),
  );
}

function hoursChoice(): ViewNode {
  return h(
    'fieldset',
    { class: 'choices' },
    h('legend', {}, pt('until')),
    HOURS.map((hours) =>
      h(
        'label',
        { class: 'choice' },
        h('input', {
          type: 'radio',
          name: 'hours',
          value: String(hours),
          checked: hours === USUAL_HOURS,
        }),
        pt('hours', { n: hours }),
      ),
    ),
  );
}

function usesField(): ViewNode {
  const props = { type: 'number', min: 1, max: MAX_USES, value: String(USUAL_USES), required: true };
  return field('maxUses', pt('uses'), { hint: pt('usesHint'), props });
}

function operatorChoice({ permitOperators = [], lacksPermitOperator }: State): ViewNode {
  return h(
    'fieldset',
    { class: 'choices' },
    h('legend', {}, pt('operators')),
    permitOperators.map(({ operatorId, displayName }) =>
      h(
        'label',
        { class: 'choice', key: operatorId },
        h('input', { type: 'checkbox', name: `operator-${operatorId}` }),
        displayName,
      ),
    ),
    lacksPermitOperator && h('p', { class: 'hint', role: 'alert' }, pt('chooseSomebody')),
  );
}
