import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { consentText, digestConsent } from './consent.ts';

test('the digest is over the canonical JSON, which anybody can write down', () => {
  const tapId = '5bbdc851-1c1b-41e6-8a0a-0f072984bb94';
  // As `printf %s '…' | sha256sum` takes it: names sorted, no blanks. @see RFC 8785
  const canonical =
    '{"consent":{"decidedAt":"2026-11-20T00:00:00.000Z","decision":"ok","input":"button",' +
    `"purpose":"insurance-eligibility","textVersion":"2026-11"},"tapId":"${tapId}"}`;
  const digest = digestConsent(tapId, {
    purpose: 'insurance-eligibility',
    textVersion: '2026-11',
    decision: 'ok',
    decidedAt: '2026-11-20T00:00:00.000Z',
    input: 'button',
  });
  expect(Buffer.from(digest)).toEqual(createHash('sha256').update(canonical).digest());
});

test('the text says who asks, for what, and carries its version', () => {
  const text = consentText({ ja: '見本診療所', en: 'Sample Clinic' });
  expect(text.ja).toMatch(/^見本診療所が、.*健康保険の資格/);
  expect(text.en).toMatch(/^Sample Clinic .*health insurance/);
  expect(text.version).toMatch(/^\d{4}-\d{2}$/);
});
