/** The roster by a script, for tests of the API and of the staff page: it changes as it is told, and checks nothing. */
import { type ErrorCode, SekishoError } from '#contract/errors.ts';
import type { Roster, RosterChange, RosterRow, StaffCard } from '#contract/http/operator-routes.ts';
import type { Caller, OperatorAdministration, RosterWish, SignInRequest } from '#gateway/face.ts';
import { sampleOperator } from './scripted-samples.ts';

export class ScriptedOperators implements OperatorAdministration {
  roster: Roster = {
    version: 7,
    operators: [
      { ...sampleOperator, suspended: false },
      {
        operatorId: 'a0a1a2a3a4a5a6a7',
        displayName: '架空 医志',
        roles: ['doctor'],
        cardKind: 'hpki',
        suspended: false,
      },
    ],
  };
  /** What lies on the reader when a card is to be added. */
  cardToCome: StaffCard = {
    operatorId: 'b0b1b2b3b4b5b6b7',
    cardKind: 'hpki',
    healthcareRoles: ['General Nurse'],
    notAfter: '2029-03-31T14:59:59.000Z',
  };
  #refusal: SekishoError | undefined;
  readonly #note: (call: string, pin?: Uint8Array) => void;

  /** `note` is told each call, and the PIN as it came. */
  constructor(note: (call: string, pin?: Uint8Array) => void) {
    this.#note = note;
  }

  refuseNext(code: ErrorCode): void {
    this.#refusal = new SekishoError(code);
  }

  async list(caller: Caller): Promise<Roster> {
    this.#called(`operators.list ${caller.screen}`);
    return this.roster;
  }

  async readCard(_caller: Caller, { cardKind }: Pick<SignInRequest, 'cardKind'>): Promise<StaffCard> {
    this.#called(`operators.readCard ${cardKind}`);
    return this.cardToCome;
  }

  async change(_caller: Caller, { change }: RosterWish, { pin }: SignInRequest): Promise<Roster> {
    this.#called(`operators.change ${change.action} ${change.operatorId}`, pin);
    const { version, operators } = this.roster;
    this.roster = { version: version + 1, operators: this.#changed(operators, change) };
    return this.roster;
  }

  #changed(operators: readonly RosterRow[], change: RosterChange): RosterRow[] {
    if (change.action === 'add') {
      const { operatorId, displayName, roles } = change;
      const { cardKind } = this.cardToCome;
      return [...operators, { operatorId, displayName, roles, cardKind, suspended: false }];
    }
    return operators.flatMap((row): RosterRow[] => {
      if (row.operatorId !== change.operatorId) return [row];
      if (change.action === 'remove') return [];
      if (change.action === 'change-roles') return [{ ...row, roles: change.roles }];
      return [{ ...row, suspended: change.action === 'suspend' }];
    });
  }

  #called(call: string, pin?: Uint8Array): void {
    this.#note(call, pin);
    const refusal = this.#refusal;
    this.#refusal = undefined;
    if (refusal !== undefined) throw refusal;
  }
}
