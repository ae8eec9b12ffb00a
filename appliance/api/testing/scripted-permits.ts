/** The carry-out permit by a script, for tests of the API and of the counter page: it grants what it is asked, and checks nothing. */
import { type ErrorCode, SekishoError } from '#contract/errors.ts';
import type { CarryOutStatus } from '#contract/permit.ts';
import type { Caller, PermitAdministration, PermitWish, SignInRequest } from '#gateway/face.ts';

export class ScriptedPermits implements PermitAdministration {
  #refusal: SekishoError | undefined;
  readonly #note: (call: string, pin?: Uint8Array) => void;
  readonly #show: (status: CarryOutStatus | undefined) => void;

  /** `note` is told each call, and the PIN as it came; `show` what the snapshot shall say. */
  constructor(
    note: (call: string, pin?: Uint8Array) => void,
    show: (status: CarryOutStatus | undefined) => void,
  ) {
    this.#note = note;
    this.#show = show;
  }

  refuseNext(code: ErrorCode): void {
    this.#refusal = new SekishoError(code);
  }

  async grant(_caller: Caller, wish: PermitWish, { pin }: SignInRequest): Promise<CarryOutStatus> {
    this.#called(`permits.grant ${wish.maxUses} ${wish.operators.join(' ')}`, pin);
    const status = {
      until: wish.until,
      usesLeft: wish.maxUses,
      isUsed: false,
      operators: wish.operators.map((operatorId) => ({ operatorId, displayName: `職員 ${operatorId}` })),
    };
    this.#show(status);
    return status;
  }

  async end(caller: Caller): Promise<void> {
    this.#called(`permits.end ${caller.screen}`);
    this.#show(undefined);
  }

  #called(call: string, pin?: Uint8Array): void {
    this.#note(call, pin);
    const refusal = this.#refusal;
    this.#refusal = undefined;
    if (refusal !== undefined) throw refusal;
  }
}
