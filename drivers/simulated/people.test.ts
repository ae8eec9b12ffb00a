import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Person, readCardFaceImages, readPeople, readPerson } from './people.ts';

const people = [...readPeople().values()];
const plastic = people.filter(({ variant }) => variant !== 'hpki');

/** @see 行政手続における特定の個人を識別するための番号の利用等に関する法律施行規則 (省令85号) 第5条 */
function checkDigit(number: string): number {
  const weights = [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
  const rest = weights.reduce((sum, weight, at) => sum + weight * Number(number[at]), 0) % 11;
  return rest <= 1 ? 0 : 11 - rest;
}

describe('invented people', () => {
  it('are a dozen, with every kind of card and every part', () => {
    expect(people).toHaveLength(12);
    const variants = new Set(people.map(({ variant }) => variant));
    expect([...variants].sort()).toEqual(
      ['android', 'hpki', 'iphone', 'next-generation', 'vendor-1', 'vendor-2'].sort(),
    );
    const parts = people.map(({ part }) => part).filter((part) => part !== 'patient');
    expect(parts.sort()).toEqual(['clerk', 'doctor', 'nurse']);
  });

  it.each(plastic.map((person) => [person.id, person] as const))(
    '%s has numbers that check',
    (_id, person) => {
      expect(Number(person.individualNumber?.at(-1))).toBe(checkDigit(person.individualNumber ?? ''));
      expect(person.verificationNumberB.slice(2, 6)).toBe(person.birth.slice(5).replace('-', ''));
      expect(person.verificationNumberB.slice(6, 10)).toBe(person.cardExpiry.slice(0, 4));
      expect(person.cardExpiry.slice(5)).toBe(person.birth.slice(5));
    },
  );

  it('knows the example of the law’s check digit', () => {
    expect(checkDigit('537686677188')).toBe(8);
  });

  it('refuses a person with a field too many or a PIN that is none', () => {
    const person = readPerson('mihon-hanako');
    expect(Person.safeParse({ ...person, nickname: 'x' }).success).toBe(false);
    expect(Person.safeParse({ ...person, pin: '12a4' }).success).toBe(false);
    expect(() => readPerson('nobody')).toThrow(RangeError);
  });

  it.each(plastic.map(({ id }) => id))('%s has a photo and printed fields as a card keeps them', (id) => {
    const { photoJp2, namePng, addressPng, numberPng, securityCodePng } = readCardFaceImages(id);
    expect(Buffer.from(photoJp2.subarray(4, 12)).toString('latin1')).toBe('jP  \r\n\x87\n');
    expect(photoJp2.length).toBeLessThan(5000);
    for (const png of [namePng, addressPng, numberPng, securityCodePng]) {
      // IHDR: bit depth 1, greyscale.
      expect([...png.subarray(24, 26)]).toEqual([1, 0]);
    }
  });

  it('has photos that OpenJPEG decodes to 200 × 250 grey', (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'sekisho-photo-'));
    try {
      writeFileSync(join(folder, 'photo.jp2'), readCardFaceImages('kakuu-ume').photoJp2);
      const dump = execFileSync('opj_dump', ['-i', 'photo.jp2'], { cwd: folder, encoding: 'utf8' });
      expect(dump).toMatch(/x1=200, y1=250/);
      expect(dump).toMatch(/numcomps=1/);
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'ENOENT') throw thrown;
      context.skip('libopenjp2-tools is not installed');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
