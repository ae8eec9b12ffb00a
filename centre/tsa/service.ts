/** RFC 3161 over HTTP (§3.4). */
import type { Route } from '../http/route.ts';
import { answerTimeStamp, type TimeStamper } from './response.ts';

export function timeStampRoutes(timeStamper: TimeStamper): Route[] {
  return [
    {
      method: 'POST',
      path: '/',
      mediaType: 'application/timestamp-query',
      handle: ({ body }) => ({
        status: 200,
        mediaType: 'application/timestamp-reply',
        body: answerTimeStamp(timeStamper, body),
      }),
    },
  ];
}
