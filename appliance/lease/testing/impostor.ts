/** Stands where the anchor should be, with everything but its key. A process of its own; tests only. */

import { generateKeyPairSync, sign } from 'node:crypto';
import { createSocket } from 'node:dgram';

const { host, port, recordings } = JSON.parse(process.argv[2] ?? '') as {
  readonly host: string;
  readonly port: number;
  /** Genuine answers to other questions, hex. */
  readonly recordings: readonly string[];
};
const { privateKey } = generateKeyPairSync('ed25519');
const say = (fields: object): void => void process.stdout.write(`${JSON.stringify(fields)}\n`);
let answered = 0;

function answerTo(question: Buffer): Buffer {
  const recorded = Buffer.from(recordings[answered % recordings.length] ?? '', 'hex');
  const echo = Buffer.alloc(176);
  echo.write('SEKISHO-LEASE-A1', 'latin1');
  question.copy(echo, 16, 16, 72);
  echo.writeBigUInt64BE(BigInt(answered + 1), 88);
  switch (answered % 4) {
    case 0: // signed by another key
      sign(null, echo.subarray(0, 112), privateKey).copy(echo, 112);
      return echo;
    case 1: // not signed
      return echo;
    case 2: // of another moment
      return recorded;
    default: // of another moment, made to fit
      question.copy(recorded, 40, 40, 72);
      return recorded;
  }
}

const socket = createSocket('udp4');
socket.on('message', (question, from) => {
  socket.send(answerTo(question), from.port, from.address);
  answered += 1;
  if (answered % 100 === 0) say({ answered });
});
socket.bind(port, host, () => say({ event: 'started' }));
