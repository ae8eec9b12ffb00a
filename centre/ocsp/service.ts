/** OCSP over HTTP, POST and GET (RFC 6960 appendix A). */

import type { Reply } from '../http/problem.ts';
import type { Route } from '../http/route.ts';
import { answerOcsp, type OcspResponder } from './response.ts';

const reply = (body: Buffer): Reply => ({ status: 200, mediaType: 'application/ocsp-response', body });

export function ocspRoutes(responder: OcspResponder): Route[] {
  return [
    {
      method: 'POST',
      path: '/',
      mediaType: 'application/ocsp-request',
      handle: ({ body }) => reply(answerOcsp(responder, body)),
    },
    {
      method: 'GET',
      path: '/*request',
      // Base64 text has slashes of its own, sent bare by some clients and escaped by others.
      handle: ({ parameters }) =>
        reply(answerOcsp(responder, Buffer.from(parameters.request ?? '', 'base64'))),
    },
  ];
}
