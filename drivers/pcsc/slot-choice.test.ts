import { describe, expect, it } from 'vitest';
import type { ReaderState } from './binding.ts';
import { chooseSlot, type SlotRole, type SlotWish } from './slot-choice.ts';

const CONTACTLESS_ATR = Uint8Array.from(Buffer.from('3B888001000041E0B381A1003B', 'hex'));
/** A contact card of the same kind. @see docs/protocol-facts.md 1.2 */
const CONTACT_ATR = Uint8Array.from(Buffer.from('3BDA13FF8131FE45', 'hex'));

const slot = (name: string, atr?: Uint8Array): ReaderState => ({ name, state: 0, atr });

/** As Linux names it. @see docs/protocol-facts.md 6 */
const PICC = slot('ACS ACR1252 Dual Reader [ACR1252 Dual Reader PICC] 00 00');
const SAM = slot('ACS ACR1252 Dual Reader [ACR1252 Dual Reader SAM] 01 00');
/** As other systems do, and as it happens in the field. */
const FIRST = slot('ACS ACR1252 1S CL Reader 00 00');
const NAMELESS = [slot('Vendor Dual 00 00'), slot('Vendor Dual 00 01')] as const;

function choose(readers: readonly ReaderState[], role: SlotRole, name?: SlotWish['name']): [string, string] {
  const { reader, by } = chooseSlot(readers, { role, name });
  return [reader.name, by];
}

describe('which slot is which', () => {
  it('is told by name, in whatever order', () => {
    for (const readers of [
      [PICC, SAM],
      [SAM, PICC],
    ]) {
      expect(choose(readers, 'card')).toEqual([PICC.name, 'name']);
      expect(choose(readers, 'sam')).toEqual([SAM.name, 'name']);
      // The beginning of both names, as an older configuration has it.
      expect(choose(readers, 'card', 'ACS ACR1252')).toEqual([PICC.name, 'name']);
      expect(choose(readers, 'sam', 'ACS ACR1252')).toEqual([SAM.name, 'name']);
    }
  });

  it('is what the configuration says, against every rule', () => {
    expect(choose([PICC, SAM], 'card', 'SAM')).toEqual([SAM.name, 'config']);
    expect(choose([PICC, SAM], 'sam', /PICC/)).toEqual([PICC.name, 'config']);
    expect(choose([...NAMELESS], 'sam', '00 01')).toEqual([NAMELESS[1].name, 'config']);
  });

  it('takes the only one there is, unless its name says that it is the other', () => {
    expect(choose([slot('Vendor 00 00')], 'card')).toEqual(['Vendor 00 00', 'only']);
    expect(choose([slot('Vendor 00 00'), SAM], 'card')).toEqual(['Vendor 00 00', 'only']);
    expect(choose([FIRST, slot('ACS ACR1252 1S CL Reader SAM 01 00')], 'card')).toEqual([FIRST.name, 'name']);
    expect(() => choose([PICC], 'sam')).toThrow('Unknown reader');
    expect(() => choose([SAM], 'card')).toThrow('Unknown reader');
    expect(() => choose([], 'card')).toThrow('Unknown reader');
    expect(() => choose([PICC, SAM], 'card', 'SCM')).toThrow('Unknown reader');
  });

  it('takes the occupied slot of a reader with several that all say the same, then the first', () => {
    const slots = [slot('Virtual SAM 00 01'), slot('Virtual SAM 00 00')];
    expect(choose(slots, 'sam')).toEqual(['Virtual SAM 00 00', 'name']);
    expect(choose([slot('Virtual SAM 00 00'), slot('Virtual SAM 00 01', CONTACT_ATR)], 'sam')).toEqual([
      'Virtual SAM 00 01',
      'name',
    ]);
  });

  it('is probed by what lies in the slots when no name helps', () => {
    const [first, second] = NAMELESS;
    const withSam = [slot(first.name), slot(second.name, CONTACT_ATR)];
    expect(choose(withSam, 'card')).toEqual([first.name, 'probe']);
    expect(choose(withSam, 'sam')).toEqual([second.name, 'probe']);
    const withBoth = [slot(first.name, CONTACT_ATR), slot(second.name, CONTACTLESS_ATR)];
    expect(choose(withBoth, 'card')).toEqual([second.name, 'probe']);
    expect(choose(withBoth, 'sam')).toEqual([first.name, 'probe']);
  });

  it.each<[string, SlotRole, readonly ReaderState[]]>([
    ['two empty slots', 'card', NAMELESS],
    ['two empty slots', 'sam', NAMELESS],
    ['two contact cards', 'sam', NAMELESS.map(({ name }) => slot(name, CONTACT_ATR))],
    ['two readers of one kind', 'card', [PICC, slot(PICC.name.replace('00 00', '02 00')), SAM]],
  ])('is not guessed with %s for the %s', (_, role, readers) => {
    expect(() => choose(readers, role)).toThrow(expect.objectContaining({ code: 'reader.undecided' }));
  });
});
