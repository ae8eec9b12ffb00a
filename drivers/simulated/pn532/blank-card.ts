/** A card with nothing on it: it can be found in a field, and refuses every command. */
import type { Random } from '#ports/random.ts';
import { atqbOf } from '../card/identity.ts';
import type { LinkImage } from '../card/image.ts';
import { refuse, SW } from '../command.ts';
import { WorkLog } from '../virtual-card.ts';
import type { ContactlessCard } from './card-work.ts';

export function blankCard(link: LinkImage, random: Random): ContactlessCard {
  let pupi = random.bytes(4);
  return {
    device: 'card',
    atr: new Uint8Array(),
    work: new WorkLog(),
    link,
    get atqb() {
      return atqbOf(link, pupi);
    },
    powerOn: () => {
      pupi = random.bytes(4);
    },
    powerOff: () => {},
    warmReset: () => {},
    process: () => refuse(SW.fileNotFound),
  };
}
