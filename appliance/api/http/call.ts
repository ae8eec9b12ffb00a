/** What a handler gets and what it answers, typed from the route list. */
import type { AnswerOf, BodyOf, ParamsOf, QueryOf, ROUTES, RouteId, SecretField } from '#contract/http.ts';
import type { BrowserImage, Caller, OperatorSession } from '#gateway/face.ts';

export interface Call<Id extends RouteId> {
  readonly params: ParamsOf<Id>;
  readonly query: QueryOf<Id>;
  readonly body: BodyOf<Id>;
  readonly caller: (typeof ROUTES)[Id]['auth'] extends 'none' ? undefined : Caller;
  /** The bytes of a secret field; they are overwritten when the handler has settled. */
  secret(field: SecretField): Uint8Array;
  /** Which browser asks, also when nobody is signed in; one that is new here gets its cookie with the answer. */
  client(): string;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
  /** Binds this client to the operator's session. */
  openSession(session: OperatorSession, screen: string): void;
  endSession(): void;
}

type Answer<Id extends RouteId> = {
  json: AnswerOf<Id>;
  // biome-ignore lint/suspicious/noConfusingVoidType: what a handler without an answer returns is nobody's
  none: void;
  image: BrowserImage;
  text: string;
  document: unknown;
  // biome-ignore lint/suspicious/noConfusingVoidType: see above
  events: void;
}[(typeof ROUTES)[Id]['answer']['kind']];

export type Handler<Id extends RouteId> = (call: Call<Id>) => Answer<Id> | Promise<Answer<Id>>;

/** Event streams are not answers but last; the application attaches them itself. */
export type HandledRouteId = Exclude<RouteId, 'streamSnapshots'>;
export type Handlers = { readonly [Id in HandledRouteId]: Handler<Id> };
