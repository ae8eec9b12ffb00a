/** Ordinary HTTP or HTTPS without device proof: OCSP, CRL and time stamps, whose answers are signed themselves. */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { SekishoError } from '#contract/errors.ts';
import { ConnectionWentStale, exchange, type HttpAnswer, type HttpQuestion } from './http-exchange.ts';
import type { Line } from './line.ts';
import { type TlsCredentials, tlsOptions } from './tls-connection.ts';

const MAX_SOCKETS = 2;

/** The body of a 200; these services have no other way to say something, so all else counts as not being there. */
export function requireDocument({ status, body }: HttpAnswer): Buffer {
  if (status !== 200) throw new SekishoError('centre.unreachable', { context: { status } });
  return body;
}

/** `probe` is a question that any living service answers somehow, be it with a refusal. */
export function openPlainLine(url: URL, credentials: TlsCredentials, probe: HttpQuestion): Line {
  const pooling = { keepAlive: true, maxSockets: MAX_SOCKETS };
  const agent =
    url.protocol === 'https:'
      ? new HttpsAgent({ ...pooling, ...tlsOptions(credentials, url.hostname), maxCachedSessions: 0 })
      : new HttpAgent(pooling);
  const ask = async (question: HttpQuestion, signal: AbortSignal): Promise<HttpAnswer> => {
    try {
      return await exchange(agent, url, question, signal);
    } catch (thrown) {
      if (!(thrown instanceof ConnectionWentStale)) throw thrown;
      return ask(question, signal);
    }
  };
  return {
    exchange: ask,
    async warm(signal) {
      const { status } = await ask(probe, signal);
      if (status === 404 || status >= 500)
        throw new SekishoError('centre.unreachable', { context: { status } });
    },
    onLost: () => {},
    close: () => agent.destroy(),
  };
}
