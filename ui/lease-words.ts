/** The lease of the network in both languages: since when, and why the last one ended. */
import type { LeaseEnd } from '#contract/network.ts';
import { speak, type Text } from './language.ts';

const ENDS: Readonly<Record<LeaseEnd, Text>> = {
  'link-down': ['ケーブルまたは電波が切れました', 'the cable or the radio link was cut'],
  'address-changed': ['装置のアドレスが変わりました', 'the address of the appliance changed'],
  'gateway-changed': ['ルーターが変わりました', 'the router changed'],
  'wireless-changed': ['Wi-Fi の名前が変わりました', 'the Wi-Fi name changed'],
  'dhcp-server-changed': ['アドレスを配る機器が変わりました', 'another device gives out addresses'],
  'anchor-silent': ['アンカーの応答がありません', 'the anchor does not answer'],
  'anchor-replaced': ['アンカーの鍵が違います', 'the anchor has another key'],
  'device-not-registered': [
    'この装置はアンカーに登録されていません',
    'the anchor does not know this appliance',
  ],
  'device-revoked': ['この装置は使用を止められています', 'this appliance is revoked'],
  suspended: ['装置が休止しました', 'the appliance slept'],
  'clock-jumped': ['装置の時計が変わりました', 'the clock of the appliance was set'],
  tampered: ['装置のふたが開きました', 'the enclosure was opened'],
  'watch-blind': ['ネットワークを監視できません', 'the network cannot be watched'],
};

/** `since` and `when` are written out already. */
export const leaseSinceText = (since: string): string => speak([`${since} から`, `since ${since}`]);

export const leaseEndText = (reason: LeaseEnd, when: string): string =>
  speak([`前回の切断: ${speak(ENDS[reason])}（${when}）`, `Last lost: ${speak(ENDS[reason])} (${when})`]);
