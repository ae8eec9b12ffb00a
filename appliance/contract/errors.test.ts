import { expect, test } from 'vitest';
import { ERRORS } from '#contract/errors.ts';
test('x', () => expect(ERRORS['card.removed'].wire).toBe(200));
