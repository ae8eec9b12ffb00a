/** The life of one tap, as a second small pure machine. It exists only while the gateway is ready. */
import type { ErrorCode } from '#contract/errors.ts';

export type TapMachineState =
  | { readonly at: 'waitingForConsent' }
  | { readonly at: 'waitingForCard' }
  | { readonly at: 'reading' }
  | { readonly at: 'faceCheck' }
  | { readonly at: 'recording' }
  | { readonly at: 'done' }
  | { readonly at: 'failed'; readonly error: ErrorCode };

export type TapInput =
  | { readonly type: 'consentGiven' }
  | { readonly type: 'consentRefused' }
  | { readonly type: 'cardFound' }
  | { readonly type: 'cardRead' }
  | { readonly type: 'faceChecked' }
  | { readonly type: 'recorded' }
  | { readonly type: 'problem'; readonly error: ErrorCode }
  | { readonly type: 'cancelled' }
  | { readonly type: 'expired' };

export type TapEffect =
  /** Ask the reader for a card and read it. */
  | { readonly do: 'readCard' }
  /** Take the field off and stop whatever runs. */
  | { readonly do: 'stopReading' }
  /** Write the visit with its outcome, then end. */
  | { readonly do: 'recordVisit'; readonly error: ErrorCode | undefined };

export type TapOutcome =
  | { readonly state: TapMachineState; readonly effects: readonly TapEffect[] }
  | { readonly refused: ErrorCode };

function go(state: TapMachineState, ...effects: TapEffect[]): TapOutcome {
  return { state, effects };
}

/** Ends a tap from any living state. Nothing is recorded before consent: no card was touched. */
function fail(state: TapMachineState, error: ErrorCode): TapOutcome {
  switch (state.at) {
    case 'waitingForConsent':
      return go({ at: 'failed', error });
    case 'waitingForCard':
    case 'reading':
      return go({ at: 'failed', error }, { do: 'stopReading' }, { do: 'recordVisit', error });
    case 'faceCheck':
      return go({ at: 'failed', error }, { do: 'recordVisit', error });
    case 'recording':
      return go({ at: 'failed', error });
    case 'done':
    case 'failed':
      return { refused: 'tap.wrong-step' };
  }
}

function step(state: TapMachineState, from: TapMachineState['at'], next: TapOutcome): TapOutcome {
  return state.at === from ? next : { refused: 'tap.wrong-step' };
}

/** The next state and what to do about it, or why not. Pure. */
export function tapTransition(state: TapMachineState, input: TapInput): TapOutcome {
  switch (input.type) {
    case 'consentGiven':
      return step(state, 'waitingForConsent', go({ at: 'waitingForCard' }, { do: 'readCard' }));
    case 'consentRefused':
      return step(
        state,
        'waitingForConsent',
        go(
          { at: 'failed', error: 'tap.consent-refused' },
          { do: 'recordVisit', error: 'tap.consent-refused' },
        ),
      );
    case 'cardFound':
      return step(state, 'waitingForCard', go({ at: 'reading' }));
    case 'cardRead':
      return step(state, 'reading', go({ at: 'faceCheck' }));
    case 'faceChecked':
      return step(state, 'faceCheck', go({ at: 'recording' }, { do: 'recordVisit', error: undefined }));
    case 'recorded':
      return step(state, 'recording', go({ at: 'done' }));
    case 'problem':
      return fail(state, input.error);
    case 'cancelled':
      // Once the clerk has compared the face the visit is being written; that cannot be taken back.
      return state.at === 'recording' ? { refused: 'tap.wrong-step' } : fail(state, 'tap.cancelled');
    case 'expired':
      return state.at === 'recording' ? { refused: 'tap.wrong-step' } : fail(state, 'tap.expired');
  }
}
