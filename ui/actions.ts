/** What a person can do on the page. Each action says what it is doing, and a refusal becomes the problem shown. */
import type { Session } from '#contract/http/messages.ts';
import { api, type CardAndPin, type InsuredForm, RefusedError, type TapForm } from './api.ts';
import { dayOf } from './dates.ts';
import { createPermitActions } from './permit-actions.ts';
import { createStaffActions } from './staff-actions.ts';
import type { CardImages, State, Store, Tab } from './state.ts';
import { isForAdministrators, NO_STAFF } from './state.ts';

export type Actions = ReturnType<typeof createActions>;

export function createActions(store: Store) {
  const { get, set } = store;

  /** The newest action; what an older one answers belongs to nobody any more. */
  let newest = 0;

  function disown(): Pick<State, 'busy'> {
    newest += 1;
    return { busy: undefined };
  }

  /** One action at a time, but a list that is being read gives way; a dead session leads back to sign-in. */
  async function run(busy: string, act: () => Promise<Partial<State>>): Promise<void> {
    if (get().busy !== undefined && get().busy !== 'list') return;
    newest += 1;
    const own = newest;
    set({ busy, problem: undefined });
    try {
      const part = await act();
      if (own === newest) set({ ...part, busy: undefined });
    } catch (thrown) {
      if (own !== newest) return;
      if (!(thrown instanceof RefusedError)) {
        set({ busy: undefined, connection: doubted(get().connection) });
        return;
      }
      const { problem } = thrown;
      const isOut = problem.code === 'operator.session-ended' || problem.code === 'operator.not-signed-in';
      set({ busy: undefined, problem, ...(isOut ? { session: undefined, ...forgetPatient(get()) } : {}) });
    }
  }

  function show(tab: Tab): void {
    set({ tab, problem: undefined, ...(get().busy === 'list' ? disown() : {}), ...forgetPatient(get()) });
    if (tab === 'today' || tab === 'unresolved') void run('list', () => readList(tab));
    if (tab === 'carry-out') void permit.show();
    if (tab === 'staff') void staff.showRoster();
    if (tab === 'access-log') void staff.showLog(dayOf(new Date()));
  }

  const permit = createPermitActions(set, run);
  const staff = createStaffActions(store, run);
  let turn = 0;

  return {
    /** Whether this screen's cookie still holds a session, at page load. */
    async resume(): Promise<void> {
      const session = await api.session().catch((): Session | undefined => undefined);
      if (session !== undefined) set({ session });
    },
    signIn: (card: CardAndPin) =>
      run('signIn', async () => {
        const session = await api.signIn(card);
        // What the one before looked at is not read again for the next one.
        return { session, tab: isForAdministrators(get().tab) ? 'reception' : get().tab };
      }),
    signOut: () =>
      run('signOut', async () => {
        await api.signOut();
        return { session: undefined, tab: 'reception', ...forgetPatient(get()) };
      }),
    /** The appliance ended the session; this screen may have been waiting for an answer, even for that of its sign-out. */
    sessionEnded(): void {
      const isWish = get().busy === 'signOut';
      set({
        ...disown(),
        session: undefined,
        ...(isWish ? { tab: 'reception' } : { problem: { code: 'operator.session-ended' } }),
        ...forgetPatient(get()),
      });
    },
    unlockOnline: () => run('unlock', () => api.unlockOnline().then(() => ({}))),
    unlockOffline: (card: CardAndPin) => run('unlock', () => api.unlockOffline(card).then(() => ({}))),

    startTap: (form: TapForm) =>
      run('start', async () => {
        const { tapId, consentText } = await api.startTap(form);
        const { includeLimitInfo } = form;
        const readsCardData = form.verificationNumberB !== undefined || form.attributesPin !== undefined;
        const asked = { includeLimitInfo, readsCardData };
        const tap = { tapId, consent: consentText, ...asked, hasDecided: false, images: undefined };
        return { ...forgetPatient(get()), tab: 'reception', tap };
      }),
    decideConsent: (tapId: string, decision: 'ok' | 'refused') =>
      run('consent', async () => {
        await api.decideConsent(tapId, decision);
        const { tap } = get();
        return tap === undefined ? {} : { tap: { ...tap, hasDecided: true } };
      }),
    cancelTap: (tapId: string) =>
      run('cancel', async () => {
        await api.cancelTap(tapId);
        return forgetPatient(get());
      }),
    /** Fetches the photo once the face check is reached; without one, the printed photo is compared. */
    async loadImages(tapId: string): Promise<void> {
      const images = await fetchImages(tapId);
      const { tap } = get();
      if (tap?.tapId === tapId) set({ tap: { ...tap, images } });
      else releaseImages(images);
    },
    recordFaceCheck: (tapId: string, method: 'card-photo' | 'printed-photo', result: 'match' | 'mismatch') =>
      run('face', async () => {
        const visit = await api.recordFaceCheck(tapId, method, result);
        return { ...forgetPatient(get()), visit };
      }),
    loadVisitOfTap: (tapId: string) =>
      run('visit', async () => {
        // First, so that a refusal does not ask again for ever.
        set(forgetPatient(get()));
        return { visit: await api.visitOfTap(tapId) };
      }),

    checkByNumber: (insured: InsuredForm, patientNumber: string | undefined) =>
      run('number', async () => ({ visit: await api.visitByInsuredNumber(insured, patientNumber) })),
    linkPatient: (cardId: string, patientNumber: string) =>
      run('link', async () => {
        await api.linkPatient(cardId, patientNumber);
        const { visit } = get();
        return visit === undefined ? {} : { visit: { ...visit, patientNumber }, hasLinked: true };
      }),
    openVisit: (visitId: string) => run('visit', async () => ({ visit: await api.visit(visitId) })),
    reconcile: (visitId: string) =>
      run('reconcile', async () => {
        await api.reconcile(visitId);
        return { unresolved: await api.unresolved() };
      }),

    permit,
    staff,
    show,
    /** Leaves result or failure, for the list that it was opened from if any; nothing of the patient stays on the screen. */
    finish: (): void => show(get().tab),
    /** Reads anew, without a word, what is on the screen; the next change asks again if this cannot. */
    async refreshShown(): Promise<void> {
      turn += 1;
      const asked = turn;
      const place = await readShown(get()).catch(() => undefined);
      if (asked === turn && place !== undefined) set(place(get()));
    },
    dismiss: (): void => set({ problem: undefined }),
  };
}

async function readList(tab: 'today' | 'unresolved'): Promise<Pick<Partial<State>, 'visits' | 'unresolved'>> {
  if (tab === 'unresolved') return { unresolved: await api.unresolved() };
  return { visits: await api.visitsOfDay(dayOf(new Date())) };
}

type Placement = (now: State) => Partial<State>;

/**
 * What the appliance has meanwhile done about what is on the screen: sent, settled, or received elsewhere. The answer is
 * placed into what is on the screen by then: an answer about a patient who has left it changes nothing.
 */
async function readShown({ session, visit, visits, unresolved }: State): Promise<Placement | undefined> {
  if (session === undefined) return undefined;
  if (visit !== undefined) {
    const { visitId, visitRecord, unresolved: open } = await api.visit(visit.visitId);
    return ({ visit: now }) =>
      now?.visitId === visitId ? { visit: { ...now, visitRecord, unresolved: open } } : {};
  }
  if (visits === undefined && unresolved === undefined) return undefined;
  const list = await readList(visits === undefined ? 'unresolved' : 'today');
  return (now) => ((list.visits === undefined ? now.unresolved : now.visits) === undefined ? {} : list);
}

function doubted(connection: State['connection']): State['connection'] {
  return connection === 'lost' ? 'lost' : 'unsure';
}

/** Also used when the session ends by itself. */
function forgetPatient({ tap }: State): Partial<State> {
  releaseImages(tap?.images);
  return {
    staff: NO_STAFF,
    tap: undefined,
    visit: undefined,
    hasLinked: false,
    visits: undefined,
    unresolved: undefined,
  };
}

async function fetchImages(tapId: string): Promise<CardImages | 'none'> {
  try {
    const blobs = await Promise.all([
      api.image(tapId, 'photo'),
      api.image(tapId, 'name'),
      api.image(tapId, 'address'),
    ]);
    const [photo, name, address] = blobs.map((blob) => URL.createObjectURL(blob));
    return { photo: photo ?? '', name: name ?? '', address: address ?? '' };
  } catch {
    return 'none';
  }
}

function releaseImages(images: CardImages | 'none' | undefined): void {
  if (images === undefined || images === 'none') return;
  for (const url of Object.values(images)) URL.revokeObjectURL(url);
}
