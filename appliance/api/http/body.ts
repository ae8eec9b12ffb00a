/** Reads a request body within a limit and parses it as JSON; the bytes are overwritten on the way. */
import type { IncomingMessage } from 'node:http';
import { SekishoError } from '#contract/errors.ts';
import { liftSecrets, type Secrets } from './secret-field.ts';

export interface JsonBody {
  readonly value: unknown;
  readonly secrets: Secrets;
}

/** An absent body is `{}`: routes whose fields all have defaults may be called without one. */
export async function readJsonBody(request: IncomingMessage, maxBytes: number): Promise<JsonBody> {
  const bytes = await readBytes(request, maxBytes);
  if (bytes.length === 0) return { value: {}, secrets: new Map() };
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json\s*(;\s*charset="?utf-8"?\s*)?$/i.test(type)) {
    throw new SekishoError('request.unsupported-media');
  }
  const secrets = liftSecrets(bytes);
  try {
    return { value: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)), secrets };
  } catch {
    // Without the cause: the parser's message quotes the body.
    throw new SekishoError('request.malformed');
  } finally {
    bytes.fill(0);
  }
}

/** A body where none belongs is refused, so that it is never left unread on the connection. */
export function refuseBody(request: IncomingMessage): void {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (encoding !== undefined || (length !== undefined && length !== '0'))
    throw new SekishoError('request.malformed');
}

async function readBytes(request: IncomingMessage, maxBytes: number): Promise<Uint8Array> {
  if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new SekishoError('request.unsupported-media');
  }
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw new SekishoError('request.too-large');
  const bytes = new Uint8Array(maxBytes);
  let length = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      if (length + chunk.length > maxBytes) throw new SekishoError('request.too-large');
      bytes.set(chunk, length);
      length += chunk.length;
      chunk.fill(0);
    }
    return bytes.slice(0, length);
  } catch (cause) {
    // Whoever hung up before the end gets no answer anyway; the code is for the log.
    throw cause instanceof SekishoError ? cause : new SekishoError('request.timeout', { cause });
  } finally {
    bytes.fill(0);
  }
}
