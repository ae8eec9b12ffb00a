/** `read-and-sign-program SLOT PIN DATA`: as a process from start to exit, as OpenSC's tools are. */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { PcscReader } from '#drivers/pcsc/reader.ts';
import { readAndSign } from './read-and-sign.ts';

const [slot = '', pin = '', dataFile = ''] = process.argv.slice(2);
const reader = new PcscReader({ slot });
try {
  const digest = createHash('sha256').update(readFileSync(dataFile)).digest();
  const { certificate, signature } = await readAndSign(reader, pin, digest);
  writeFileSync(`${dataFile}.certificate`, certificate);
  writeFileSync(`${dataFile}.signature`, signature);
} finally {
  await reader.close();
}
