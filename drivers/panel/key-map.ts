/** What the keys of a keypad mean to us. Numbers are usages of the HID keyboard page. @see HID usage tables §10 */
import type { PanelKey } from '#ports/panel.ts';

/** Usages for a device whose keys are others: a button that types "a", a foot switch. */
export interface KeyMapOptions {
  readonly ok?: readonly number[] | undefined;
  readonly cancel?: readonly number[] | undefined;
  readonly back?: readonly number[] | undefined;
}

export type KeyMap = ReadonlyMap<number, PanelKey>;

/** Enter, keypad Enter; Escape, keypad minus; Backspace, Delete, keypad dot. */
const OK = [0x28, 0x58];
const CANCEL = [0x29, 0x56];
const BACK = [0x2a, 0x4c, 0x63];
/** '1' to '9' and then '0', in both places. */
const FIRST_DIGITS = [0x1e, 0x59];
const DIGITS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 0];
const ASCII_ZERO = 0x30;

export function makeKeyMap({ ok = OK, cancel = CANCEL, back = BACK }: KeyMapOptions = {}): KeyMap {
  const map = new Map<number, PanelKey>();
  for (const first of FIRST_DIGITS) {
    for (const [index, digit] of DIGITS.entries()) map.set(first + index, ASCII_ZERO + digit);
  }
  for (const usage of back) map.set(usage, 'back');
  for (const usage of cancel) map.set(usage, 'cancel');
  for (const usage of ok) map.set(usage, 'ok');
  return map;
}

/** The report says that more keys are down than it can tell apart: nothing in it counts. */
const ERROR_ROLL_OVER = 0x01;

/** Turns reports into presses: a key that is held down is pressed once. */
export class KeyPresses {
  readonly #map: KeyMap;
  #down: ReadonlySet<number> = new Set();

  constructor(map: KeyMap) {
    this.#map = map;
  }

  next(down: ReadonlySet<number>): PanelKey[] {
    if (down.has(ERROR_ROLL_OVER)) return [];
    const pressed = [...down].filter((usage) => !this.#down.has(usage));
    this.#down = down;
    return pressed.flatMap((usage) => this.#map.get(usage) ?? []);
  }
}
