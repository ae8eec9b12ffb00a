import { expect, test } from 'vitest';
import { systemRandom } from '#ports/random.ts';
import { recogniseScreen } from './screen-cookie.ts';

test('a browser is the same with its cookie, and another one without it or with an invented one', () => {
  const first = recogniseScreen(undefined, systemRandom);
  const pair = String(first.cookie).split(';')[0];
  expect(first.cookie).toMatch(
    /^__Host-sekisho-screen=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict$/,
  );
  const again = recogniseScreen(`__Host-sekisho=abc; ${pair}`, systemRandom);
  expect(again).toEqual({ client: first.client, cookie: undefined });
  expect(pair).not.toContain(first.client);
  for (const header of [undefined, '', '__Host-sekisho-screen=short', `x${pair}`]) {
    const other = recogniseScreen(header, systemRandom);
    expect(other.client).not.toBe(first.client);
    expect(other.cookie).toBeDefined();
  }
});
