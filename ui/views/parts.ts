/** The few building blocks that all views are made of. */
import { ERRORS, type NextStep } from '#contract/errors.ts';
import type { Actions } from '../actions.ts';
import type { PageProblem } from '../api.ts';
import { type Child, h, type Props, type ViewNode } from '../dom.ts';
import { currentLanguage } from '../language.ts';
import { type TextKey, t } from '../messages.ts';

export function heading(text: string): ViewNode {
  // Focused when the view appears, so that a screen reader says where we are.
  return h('h1', { 'data-focus': true, tabindex: -1 }, text);
}

export function button(
  label: string,
  onClick: () => void,
  kind: 'primary' | 'secondary' | 'quiet' | 'good' | 'bad' = 'primary',
  props: Props = {},
): ViewNode {
  return h('button', { type: 'button', class: `button ${kind}`, onClick, ...props }, label);
}

export function card(className: string, ...children: readonly (Child | readonly Child[])[]): ViewNode {
  return h('section', { class: `card ${className}` }, ...children);
}

export interface FieldOptions {
  readonly hint?: string;
  readonly props?: Props;
}

export function field(name: string, label: string, { hint, props = {} }: FieldOptions = {}): ViewNode {
  const id = `field-${name}`;
  return h(
    'div',
    { class: 'field', key: name },
    h('label', { for: id }, label),
    h('input', {
      id,
      name,
      type: 'text',
      autocomplete: 'off',
      ...(hint === undefined ? {} : { 'aria-describedby': `${id}-hint` }),
      ...props,
    }),
    hint !== undefined && h('p', { id: `${id}-hint`, class: 'hint' }, hint),
  );
}

/** Reads a form's values and hands them over; secret fields are emptied before anything else happens. */
export function onSubmit(handle: (values: ReadonlyMap<string, string>) => void): (event: Event) => void {
  return (event) => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const values = new Map([...new FormData(form)].map(([name, value]) => [name, String(value).trim()]));
    for (const secret of form.querySelectorAll<HTMLInputElement>('[data-secret]')) secret.value = '';
    handle(values);
  };
}

/** What happened and what to do now, from the one table, with the button that does it. */
export function problemPanel(problem: PageProblem, actions: Actions): ViewNode {
  const row = ERRORS[problem.code];
  const { title, next } = row[currentLanguage()];
  const { triesLeft, requestId } = problem;
  return h(
    'div',
    { class: 'problem', role: 'alert', key: `problem-${problem.code}` },
    h('p', { class: 'problem-title' }, title),
    h('p', { class: 'problem-next' }, next),
    triesLeft !== undefined && h('p', { class: 'problem-tries' }, t('triesLeft', { n: triesLeft })),
    problem.code === 'internal.bug' &&
      requestId !== undefined &&
      h('p', { class: 'hint' }, `${t('requestNumber')} ${requestId}`),
    nextButton(row.then, actions),
  );
}

export function nextButton(step: NextStep, actions: Actions): ViewNode | false {
  if (step === 'use-insured-number') return button(t('useNumber'), () => actions.show('number'), 'secondary');
  return false;
}

export function spinner(text: string): ViewNode {
  return h(
    'p',
    { class: 'working', role: 'status' },
    h('span', { class: 'spinner', 'aria-hidden': 'true' }),
    text,
  );
}

export function facts(rows: readonly (readonly [label: string, value: Child])[]): ViewNode {
  const shown = rows.filter(([, value]) => value !== undefined && value !== '' && value !== false);
  return h(
    'dl',
    { class: 'facts' },
    shown.map(([label, value]) => h('div', {}, h('dt', {}, label), h('dd', {}, value))),
  );
}

/** A list; `label` names it for a screen reader. On a narrow screen each row becomes a block of its own. */
export function table(label: string, columns: readonly TextKey[], rows: readonly ViewNode[]): ViewNode {
  return labelledTable(
    label,
    columns.map((key) => t(key)),
    rows,
  );
}

/** The same with columns in words. */
export function labelledTable(
  label: string,
  columns: readonly string[],
  rows: readonly ViewNode[],
): ViewNode {
  const head = columns.map((text) => h('th', { scope: 'col', role: 'columnheader' }, text));
  return h(
    'div',
    { class: 'scroller', tabindex: 0, role: 'region', 'aria-label': label },
    h(
      'table',
      { role: 'table' },
      h('thead', { role: 'rowgroup' }, h('tr', { role: 'row' }, head)),
      h(
        'tbody',
        { role: 'rowgroup' },
        rows.map((row) => labelCells(row, columns)),
      ),
    ),
  );
}

/** What is laid out as a block loses its place in the table, for the eye and for a screen reader: both are told. */
function labelCells(row: ViewNode, columns: readonly string[]): ViewNode {
  const cells = row.children.filter((cell) => typeof cell !== 'string');
  return {
    ...row,
    props: { ...row.props, role: 'row' },
    children: cells.map((cell, column) => ({
      ...cell,
      props: {
        ...cell.props,
        role: cell.tag === 'th' ? 'rowheader' : 'cell',
        'data-label': columns[column],
      },
    })),
  };
}
