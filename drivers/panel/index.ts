/** The front panel: a USB keypad or button, or one in process. */
export { HidPanel, type HidPanelOptions } from './hid-panel.ts';
export { type Keypad, listKeypads } from './keypads.ts';
export { VirtualPanel } from './virtual-panel.ts';
