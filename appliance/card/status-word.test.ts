import { describe, expect, it } from 'vitest';
import { describeStatus, requireOk, SW, statusToError } from './status-word.ts';

describe('status words', () => {
  it('become the error of the general table', () => {
    expect(statusToError(0x6982).code).toBe('card.security-status');
    expect(statusToError(0x6a82).code).toBe('card.file-not-found');
  });

  it('become card.unexpected-status with the status in the context when nobody knows them', () => {
    const error = statusToError(0x6f42);
    expect(error.code).toBe('card.unexpected-status');
    expect(error.context).toEqual({ sw: '6F42', meaning: 'unknown status' });
  });

  it('follow the table of the command first', () => {
    expect(statusToError(0x6a82, { [SW.notFound]: 'card.not-hpki-card' }).code).toBe('card.not-hpki-card');
    expect(statusToError(0x6982, { otherwise: 'sam.failed' }).code).toBe('sam.failed');
    expect(statusToError(0x6982, { [SW.securityStatus]: 'sam.locked', otherwise: 'sam.failed' }).code).toBe(
      'sam.locked',
    );
  });

  it('9000 alone is success', () => {
    expect(() => requireOk({ sw: 0x9000 })).not.toThrow();
    expect(() => requireOk({ sw: 0x9001 })).toThrow('card.unexpected-status');
    expect(() => requireOk({ sw: 0x6282 })).toThrow('card.unexpected-status');
  });

  it('tell the tries that are left', () => {
    expect(describeStatus(0x63c2)).toBe('2 tries left');
  });
});
