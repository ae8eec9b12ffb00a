/** What an administrator can do on the page: keep the roster, look who asked for what. */
import type { RosterChange } from '#contract/http/operator-routes.ts';
import { api, type CardAndPin, RefusedError } from './api.ts';
import { NO_STAFF, type StaffState, type StaffWish, type State, type Store } from './state.ts';

type Run = (busy: string, act: () => Promise<Partial<State>>) => Promise<void>;

export function createStaffActions({ get, set }: Store, run: Run) {
  const within = (part: Partial<StaffState>): Pick<State, 'staff'> => ({
    staff: { ...get().staff, ...part },
  });

  return {
    /** Reads the roster anew; whatever was begun is forgotten. */
    showRoster: (): Promise<void> =>
      run('list', async () => ({ staff: { ...NO_STAFF, roster: await api.roster() } })),
    begin: (staffWish: StaffWish): void =>
      set({ problem: undefined, ...within({ staffWish, isDone: false, lacksRole: false }) }),
    leave(): void {
      set({ problem: undefined });
      void this.showRoster();
    },
    askForRole: (): void => set(within({ lacksRole: true })),
    readCard: (cardKind: 'hpki' | 'my-number'): Promise<void> =>
      run('staffCard', async () => {
        const card = await api.readStaffCard(cardKind);
        return within({ staffWish: { action: 'add', card } });
      }),
    change: (change: RosterChange, own: CardAndPin): Promise<void> =>
      run('staffChange', async () => {
        set(within({ lacksRole: false }));
        try {
          const roster = await api.changeRoster(get().staff.roster?.version ?? 0, change, own);
          return { staff: { ...NO_STAFF, roster, isDone: true } };
        } catch (thrown) {
          // The new one has come meanwhile: the next try is about that.
          if (thrown instanceof RefusedError && thrown.problem.code === 'roster.outdated')
            set({ staff: { ...NO_STAFF, roster: await api.roster() } });
          throw thrown;
        }
      }),
    showLog: (day: string): Promise<void> =>
      run('list', async () => within({ log: { day, ...(await api.accessLog(day)) } })),
  };
}
