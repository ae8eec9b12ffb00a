/** Appends visits for ever and prints each acknowledged one, until somebody kills it. Run by `crash.test.ts`. */
import { writeSync } from 'node:fs';
import { ScriptedSam } from '#evidence/testdata/scripted-sam.ts';
import { sampleEffects, sampleRecord } from './sample-visit.ts';
import { openUnsealedStore } from './unsealed-store.ts';

const store = openUnsealedStore(process.argv[2] ?? '');
const sam = new ScriptedSam();

async function appendForEver(): Promise<never> {
  for (;;) {
    const number = (store.ledger.head()?.seq ?? 0) + 1;
    const effects = sampleEffects(number);
    const { seq, hash } = await store.ledger.append(sampleRecord(number), { stamp: sam.stamper, effects });
    writeSync(1, `${seq} ${hash}\n`);
  }
}

void appendForEver();
