/**
 * One command in, one whole answer out, for every driver: one at a time, 61xx and 6Cxx, command chaining.
 * @see ISO 7816-4 §5.3.3 (command chaining), §5.3.4 (response chaining), §5.6 (61xx, 6Cxx), §11.8.1 (GET RESPONSE)
 */
import { type CommandApdu, encodedCommandBytes, type ResponseApdu } from './apdu.ts';
import { concatBytes } from './bytes.ts';
import type { CardChannel } from './channel.ts';
import { INS } from './instruction.ts';
import { type ApduMeter, type ExchangeOptions, Line, type SendOptions } from './line.ts';
import { SW } from './status-word.ts';

export type { ApduMeter, ApduTrace, ExchangeOptions, SendOptions } from './line.ts';

export interface CardExchange {
  readonly meter: ApduMeter;
  /** The most data to ask for in one command, when the reader needs less than the usual 256 bytes. */
  readonly maxReadBlockBytes?: number | undefined;
  /** Resolves with whatever status the card gave; rejects when there was no usable answer. */
  send(command: CommandApdu, options?: SendOptions): Promise<ResponseApdu>;
}

/** CLA bit 5: the command is not the last link of its chain. @see ISO 7816-4 §5.4.1 */
const CHAIN_BIT = 0x10;
const SHORT_DATA_BYTES = 255;
const SHORT_EXPECTED_BYTES = 256;
/** Header, Lc and Le of a short command. */
const SHORT_OVERHEAD_BYTES = 6;
const MAX_ANSWER_BYTES = 65_536;

export function openExchange(channel: CardChannel, options: ExchangeOptions = {}): CardExchange {
  const line = new Line(channel, options);
  let previous: Promise<unknown> = Promise.resolve();
  return {
    maxReadBlockBytes: line.maxReadBlockBytes,
    get meter() {
      return line.meter;
    },
    send: (command, sendOptions = {}) => {
      const next = previous.then(() => sendWhole(line, command, sendOptions));
      // The next command waits for this one, whatever became of it.
      previous = next.catch(() => undefined);
      return next;
    },
  };
}

async function sendWhole(line: Line, command: CommandApdu, send: SendOptions): Promise<ResponseApdu> {
  if (encodedCommandBytes(command) <= line.maxCommandBytes) return receiveWhole(line, command, send);
  const { links, last } = splitCommand(line, command);
  for (const [index, link] of links.entries()) {
    const response = await line.transmit(link, send);
    if (index === 0 && refusesChaining(response.sw)) throw line.tooLong();
    if (response.sw !== SW.ok) return response;
  }
  return receiveWhole(line, last, send);
}

function splitCommand(line: Line, command: CommandApdu): { links: CommandApdu[]; last: CommandApdu } {
  const { cla, ins, p1, p2, data = new Uint8Array(), expectedBytes } = command;
  const linkBytes = Math.min(SHORT_DATA_BYTES, line.maxCommandBytes - SHORT_OVERHEAD_BYTES);
  if (linkBytes < 1 || data.length === 0 || (expectedBytes ?? 0) > SHORT_EXPECTED_BYTES) throw line.tooLong();
  const links: CommandApdu[] = [];
  let at = 0;
  for (; at + linkBytes < data.length; at += linkBytes) {
    links.push({ cla: cla | CHAIN_BIT, ins, p1, p2, data: data.subarray(at, at + linkBytes) });
  }
  return { links, last: { cla, ins, p1, p2, data: data.subarray(at), expectedBytes } };
}

/** Whether a card can chain is found out by trying: over a contactless reader it does not show its capabilities. */
function refusesChaining(sw: number): boolean {
  return sw === SW.chainingUnsupported || sw === SW.channelUnsupported || sw === SW.classUnsupported;
}

/** Resends on 6Cxx, and fetches on 61xx until the answer is whole. */
async function receiveWhole(line: Line, command: CommandApdu, send: SendOptions): Promise<ResponseApdu> {
  let response = await transmitExact(line, command, send);
  const parts = [response.data];
  let answerBytes = response.data.length;
  while (response.sw >> 8 === 0x61) {
    const waitingBytes = response.sw & 0xff || SHORT_EXPECTED_BYTES;
    const expectedBytes = Math.min(waitingBytes, line.maxReadBlockBytes ?? SHORT_EXPECTED_BYTES);
    const fetch = { cla: 0x00, ins: INS.getResponse, p1: 0x00, p2: 0x00, expectedBytes };
    response = await transmitExact(line, fetch, send);
    answerBytes += response.data.length;
    if (response.sw >> 8 === 0x61 && response.data.length === 0)
      throw line.garbled('GET RESPONSE gives nothing');
    if (answerBytes > MAX_ANSWER_BYTES) throw line.garbled('GET RESPONSE does not end');
    parts.push(response.data);
  }
  return parts.length === 1 ? response : { data: concatBytes(...parts), sw: response.sw };
}

async function transmitExact(line: Line, command: CommandApdu, send: SendOptions): Promise<ResponseApdu> {
  const response = await line.transmit(command, send);
  if (response.sw >> 8 !== 0x6c) return response;
  return line.transmit({ ...command, expectedBytes: response.sw & 0xff || SHORT_EXPECTED_BYTES }, send);
}
