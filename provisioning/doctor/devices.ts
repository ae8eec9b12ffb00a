/** What this machine has that may be a reader or a panel. */

import { isSekishoError, toSekishoError } from '#contract/errors.ts';
import { listKeypads } from '#drivers/panel/index.ts';
import { listSlots } from '#drivers/pcsc/index.ts';
import { findSerialDevices } from '#drivers/pn532/index.ts';
import { type FindingSink, nextOf } from './finding.ts';

/** The way to one reader: a serial device, or the name of a PC/SC slot. */
export type Candidate =
  | { readonly by: 'pn532'; readonly device: string }
  | { readonly by: 'pcsc'; readonly device: string };

const NO_READER = {
  ja: 'リーダーのケーブルと電源を確かめ、`--device` で場所を指定してください（docs/hardware.md）。',
  en: 'Check cable and power of the reader, or name it with `--device` (docs/hardware.md).',
};
const CONSOLE = {
  ja: 'Linuxのコンソールが使っています。`raspi-config` の Serial Port でログインシェルを切ってください。',
  en: 'The console of Linux is on it: switch the login shell off (`raspi-config`, Serial Port).',
};
const MINI_UART = {
  ja: 'ミニUARTです。`/boot/firmware/config.txt` に `dtoverlay=disable-bt` を書き、`/dev/ttyAMA0` を使ってください。',
  en: 'A mini UART: write `dtoverlay=disable-bt` into `/boot/firmware/config.txt` and use `/dev/ttyAMA0`.',
};
const NO_ACCESS = {
  ja: '`provisioning/udev/60-sekisho-panel.rules` を入れてください。',
  en: 'Install `provisioning/udev/60-sekisho-panel.rules`.',
};

const NO_PCSCD = {
  ja: 'pcscdが動いていません。PC/SCリーダーを使うなら `sudo apt install pcscd` と `sudo systemctl restart pcscd` を実行してください。PN532だけなら要りません。',
  en: 'pcscd is not running. For a PC/SC reader run `sudo apt install pcscd` and `sudo systemctl restart pcscd`; a PN532 alone does not need it.',
};

/** pcscd numbers the slots of a reader; of several with one name, the one with a card in it is taken. */
const SLOT_NUMBER = / [0-9A-F]{2}$/;

/** Names everything, and returns what a card can be laid on. `tell` hears of each. */
export async function findCandidates(tell: FindingSink, sysfsFolder?: string): Promise<readonly Candidate[]> {
  const candidates = [...(await pcscSlots(tell)), ...(await serialDevices(tell, sysfsFolder))];
  for (const { node, usbId, name, mayOpen } of await listKeypads(sysfsFolder)) {
    const title = { ja: 'キーパッド', en: 'keypad' };
    const seen = { check: 'panel', device: `/dev/${node}`, title, detail: `${usbId} ${name}` };
    tell(mayOpen ? { ...seen, result: 'pass' } : { ...seen, result: 'limit', next: NO_ACCESS });
  }
  if (candidates.length === 0) {
    tell({ check: 'reader', title: { ja: 'リーダー', en: 'reader' }, result: 'fail', next: NO_READER });
  }
  return candidates;
}

async function pcscSlots(tell: FindingSink): Promise<Candidate[]> {
  const title = { ja: 'PC/SCリーダー', en: 'PC/SC reader' };
  try {
    const slots = await listSlots();
    for (const { name, role } of slots) {
      tell({ check: 'pcsc', device: name, title, result: 'pass', detail: role ?? 'card or SAM' });
    }
    const antennas = slots
      .filter(({ role }) => role !== 'sam')
      .map(({ name }) => name.replace(SLOT_NUMBER, ''));
    return [...new Set(antennas)].map((device) => ({ by: 'pcsc', device }));
  } catch (thrown) {
    const error = toSekishoError(thrown);
    // A box with a PN532 needs no pcscd.
    const next = isSekishoError(error, 'reader.unreachable') ? NO_PCSCD : nextOf(error);
    tell({ check: 'pcsc', title, result: 'limit', next });
    return [];
  }
}

async function serialDevices(tell: FindingSink, sysfsFolder?: string): Promise<Candidate[]> {
  const candidates: Candidate[] = [];
  for (const { path, kind, isConsole, isMiniUart } of await findSerialDevices(sysfsFolder)) {
    const seen = {
      check: 'serial',
      device: path,
      title: { ja: 'シリアル', en: 'serial device' },
      detail: kind,
    };
    const trouble = isConsole ? CONSOLE : isMiniUart ? MINI_UART : undefined;
    tell(trouble === undefined ? { ...seen, result: 'pass' } : { ...seen, result: 'limit', next: trouble });
    // What is written to a console is a command line for somebody.
    if (!isConsole) candidates.push({ by: 'pn532', device: path });
  }
  return candidates;
}
