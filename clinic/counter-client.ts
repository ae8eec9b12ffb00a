/** A counter screen without a screen: speaks the public HTTPS API and nothing else. */
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import type { InsuredNumber } from '#contract/centre/eligibility.ts';
import type { Problem, TapStarted } from '#contract/http/messages.ts';
import type { GatewaySnapshot, TapProgress } from '#contract/snapshot.ts';
import type { UnresolvedVisit, Visit } from '#contract/visit.ts';

/** The appliance refused; `code` is a row of the error table. */
export class CounterRefusal extends Error {
  override readonly name = 'CounterRefusal';
  readonly status: number;
  readonly code: string;
  /** The whole problem document (RFC 9457). */
  readonly problem: Problem;

  constructor(status: number, problem: Problem) {
    super(`${status} ${problem.code}`);
    this.status = status;
    this.code = problem.code;
    this.problem = problem;
  }
}

export interface TapWish {
  /** 照合番号B: opens the photo on the card. */
  readonly verificationNumberB?: string | undefined;
  readonly includeLimitInfo?: boolean;
}

export class CounterClient {
  readonly #url: string;
  readonly #agent: Agent;
  /** Name to pair, as a browser keeps them. */
  readonly #cookies = new Map<string, string>();

  constructor(url: string, caPem: string) {
    this.#url = url;
    this.#agent = new Agent({ ca: caPem, keepAlive: true, maxSockets: 4 });
  }

  snapshot(): Promise<GatewaySnapshot> {
    return this.call('GET', '/v1/snapshot');
  }

  async signIn(cardKind: 'hpki' | 'my-number', pin: string): Promise<void> {
    await this.call('POST', '/v1/session', { cardKind, pin });
  }

  async unlockOnline(): Promise<void> {
    await this.call('POST', '/v1/sam/unlock', { mode: 'online' });
  }

  async lockSam(): Promise<void> {
    await this.call('POST', '/v1/sam/lock', {});
  }

  async signOut(): Promise<void> {
    await this.call('DELETE', '/v1/session');
  }

  startTap(wish: TapWish = {}): Promise<TapStarted> {
    const { verificationNumberB, includeLimitInfo = false } = wish;
    return this.call('POST', '/v1/taps', {
      purpose: 'insurance-eligibility',
      includeLimitInfo,
      ...(verificationNumberB === undefined ? {} : { verificationNumberB }),
    });
  }

  async consent(tapId: string, decision: 'ok' | 'refused'): Promise<void> {
    await this.call('POST', `/v1/taps/${tapId}/consent`, { decision });
  }

  waitForTap(tapId: string, waitMs: number): Promise<TapProgress> {
    return this.call('GET', `/v1/taps/${tapId}?waitMs=${waitMs}`);
  }

  faceCheck(
    tapId: string,
    method: 'card-photo' | 'printed-photo',
    result: 'match' | 'mismatch',
  ): Promise<Visit> {
    return this.call('POST', `/v1/taps/${tapId}/face-check`, { method, result });
  }

  tapVisit(tapId: string): Promise<Visit> {
    return this.call('GET', `/v1/taps/${tapId}/visit`);
  }

  visit(visitId: string): Promise<Visit> {
    return this.call('GET', `/v1/visits/${visitId}`);
  }

  async visitsOfDay(day: string): Promise<readonly Visit[]> {
    return (await this.call<{ visits: Visit[] }>('GET', `/v1/visits?day=${day}`)).visits;
  }

  async unresolvedVisits(): Promise<readonly UnresolvedVisit[]> {
    return (await this.call<{ visits: UnresolvedVisit[] }>('GET', '/v1/visits/unresolved')).visits;
  }

  visitByInsuredNumber(insured: InsuredNumber, patientNumber?: string): Promise<Visit> {
    const number = patientNumber === undefined ? {} : { patientNumber };
    return this.call('POST', '/v1/visits/by-insured-number', { insured, ...number });
  }

  async cancelTap(tapId: string): Promise<void> {
    await this.call('DELETE', `/v1/taps/${tapId}`);
  }

  async link(cardId: string, patientNumber: string): Promise<void> {
    await this.call('PUT', `/v1/patients/${encodeURIComponent(cardId)}/link`, { patientNumber });
  }

  close(): void {
    this.#agent.destroy();
  }

  /** Any request at all; the others say what is usual. `signal` closes the connection, as a page that is left does. */
  async call<Answer>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<Answer> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const { response, content } = await this.#send(method, path, text, signal);
    for (const cookie of response.headers['set-cookie'] ?? []) this.#keepCookie(cookie);
    const status = response.statusCode ?? 0;
    const answer: unknown = content === '' ? undefined : JSON.parse(content);
    if (status >= 400) {
      throw new CounterRefusal(status, answer as Problem);
    }
    return answer as Answer;
  }

  #keepCookie(header: string): void {
    const [pair = ''] = header.split(';');
    const name = pair.slice(0, pair.indexOf('='));
    if (header.includes('Max-Age=0')) this.#cookies.delete(name);
    else this.#cookies.set(name, pair);
  }

  #send(
    method: string,
    path: string,
    text: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<{ response: IncomingMessage; content: string }> {
    return new Promise((resolve, reject) => {
      const sent = request(
        new URL(path, this.#url),
        {
          method,
          agent: this.#agent,
          ...(signal === undefined ? {} : { signal }),
          headers: {
            accept: 'application/json',
            ...(this.#cookies.size === 0 ? {} : { cookie: [...this.#cookies.values()].join('; ') }),
            ...(text === undefined
              ? {}
              : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
          },
        },
        (response) => {
          let content = '';
          response.setEncoding('utf8');
          response.on('data', (chunk: string) => {
            content += chunk;
          });
          response.on('end', () => resolve({ response, content }));
          response.on('error', reject);
        },
      );
      sent.on('error', (error: NodeJS.ErrnoException) => {
        // The server had just closed an idle connection: as every browser does, ask again on a new one.
        const isStale = sent.reusedSocket && error.code === 'ECONNRESET';
        if (isStale) this.#send(method, path, text, signal).then(resolve, reject);
        else reject(error);
      });
      sent.end(text);
    });
  }
}
