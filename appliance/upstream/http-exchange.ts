/** One HTTP/1.1 request and its whole answer, bounded in size. The deadline is the caller's signal. */
import { type Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { ORDERS_HEADER, ORDERS_WAITING } from '#contract/centre/wire.ts';
import { SekishoError } from '#contract/errors.ts';
import { abortError } from './deadline.ts';
import { transportError } from './transport-error.ts';

export interface HttpQuestion {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** Path on the service. */
  readonly path: string;
  readonly accept: string;
  readonly body?: { readonly mediaType: string; readonly bytes: Uint8Array };
  readonly maxAnswerBytes: number;
}

export interface HttpAnswer {
  readonly status: number;
  /** Lower case, without parameters. */
  readonly mediaType: string;
  readonly body: Buffer;
  /** The centre has an order for this device. */
  readonly hasOrders: boolean;
}

/** The server closed an idle connection just as the question went out: asking once more is right. */
export class ConnectionWentStale extends Error {
  override readonly name = 'ConnectionWentStale';
}

function headersFor(host: string, { accept, body }: HttpQuestion): Record<string, string | number> {
  const headers = { Host: host, Accept: accept };
  if (body === undefined) return headers;
  return { ...headers, 'Content-Type': body.mediaType, 'Content-Length': body.bytes.length };
}

function readAnswer(response: IncomingMessage, maxBytes: number): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let lengthBytes = 0;
    response.on('data', (chunk: Buffer) => {
      lengthBytes += chunk.length;
      chunks.push(chunk);
      if (lengthBytes > maxBytes)
        response.destroy(new SekishoError('centre.garbled', { context: { why: 'size' } }));
    });
    response.on('end', () =>
      resolve({
        status: response.statusCode ?? 0,
        mediaType: (response.headers['content-type'] ?? '').split(';', 1).join('').trim().toLowerCase(),
        body: Buffer.concat(chunks),
        hasOrders: response.headers[ORDERS_HEADER] === ORDERS_WAITING,
      }),
    );
    response.on('error', (cause) =>
      reject(cause instanceof SekishoError ? cause : new SekishoError('centre.garbled', { cause })),
    );
  });
}

function sendFailure(request: ClientRequest, thrown: unknown): Error {
  if (thrown instanceof ConnectionWentStale) return thrown;
  const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  const cutOff = code === 'ECONNRESET' || code === 'EPIPE';
  return request.reusedSocket && cutOff ? new ConnectionWentStale() : transportError(thrown);
}

/** Rejects with `centre.*`, the reason of `signal`, or ConnectionWentStale. */
export function exchange(
  agent: Agent,
  origin: URL,
  question: HttpQuestion,
  signal: AbortSignal,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(abortError(signal));
      return;
    }
    const request = httpRequest({
      agent,
      protocol: origin.protocol,
      host: origin.hostname.replace(/^\[|\]$/g, ''),
      port: origin.port || (origin.protocol === 'https:' ? 443 : 80),
      method: question.method,
      path: question.path,
      headers: headersFor(origin.host, question),
    });
    const onAbort = (): void => {
      reject(abortError(signal));
      request.destroy();
    };
    signal.addEventListener('abort', onAbort, { once: true });
    request.on('close', () => signal.removeEventListener('abort', onAbort));
    request.on('error', (thrown) => reject(sendFailure(request, thrown)));
    request.on('response', (response) => readAnswer(response, question.maxAnswerBytes).then(resolve, reject));
    request.end(question.body?.bytes);
  });
}
