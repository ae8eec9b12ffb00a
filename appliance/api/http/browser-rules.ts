/** What we tell browsers, and what we let them send: strict headers, no other site, no embedding. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SekishoError } from '#contract/errors.ts';

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');

const HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': CONTENT_SECURITY_POLICY,
  'Strict-Transport-Security': 'max-age=31536000',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), microphone=(), geolocation=(), usb=(), serial=(), hid=()',
  'Cache-Control': 'no-store',
};

export function setSecurityHeaders(response: ServerResponse): void {
  for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
}

/**
 * Refuses what a page of another site sends through somebody's browser. A client without these headers
 * (curl, a phone app) carries no cookie that it did not set itself, so nothing can be forged through it.
 */
export function refuseCrossSite(request: IncomingMessage): void {
  const { origin, host, 'sec-fetch-site': site, 'sec-fetch-mode': mode } = request.headers;
  const isReading = request.method === 'GET' || request.method === 'HEAD';
  // Following a link to the counter page is how people get here; it changes nothing.
  const isVisit = isReading && mode === 'navigate';
  if (site !== undefined && site !== 'same-origin' && site !== 'none' && !isVisit) {
    throw new SekishoError('request.cross-site');
  }
  if (origin !== undefined && origin !== `https://${host}`) throw new SekishoError('request.cross-site');
}
