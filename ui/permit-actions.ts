/** What can be done about the carry-out permit on the page. */
import { api, type CardAndPin } from './api.ts';
import type { State } from './state.ts';

type Run = (busy: string, act: () => Promise<Partial<State>>) => Promise<void>;

export interface PermitForm {
  readonly hours: number;
  readonly maxUses: number;
  readonly operators: readonly string[];
}

const HOUR_MS = 3_600_000;

export function createPermitActions(set: (part: Partial<State>) => void, run: Run) {
  return {
    /** Whom it may be granted for. */
    show: (): Promise<void> =>
      run('list', async () => {
        const { operators } = await api.roster();
        return {
          permitOperators: operators.filter(({ suspended }) => !suspended),
          lacksPermitOperator: false,
        };
      }),
    grant({ hours, maxUses, operators }: PermitForm, own: CardAndPin): void {
      set({ lacksPermitOperator: operators.length === 0 });
      if (operators.length === 0) return;
      const until = new Date(Date.now() + hours * HOUR_MS).toISOString();
      void run('permit', () => api.grantPermit({ until, maxUses, operators }, own).then(() => ({})));
    },
    end: (): Promise<void> => run('permit', () => api.endPermit().then(() => ({}))),
  };
}
