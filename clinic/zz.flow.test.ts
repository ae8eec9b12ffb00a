import { expect, it } from 'vitest';
import { TrialClinic } from './testdata/trial-clinic.ts';
import { makeVisit } from './tap-run.ts';
import { readFileSync } from 'node:fs';
it('x', async () => {
  const trial = await TrialClinic.open();
  await trial.place('mihon-taro');
  for (let i = 0; i < 3; i++) {
    const r = await makeVisit(trial.clinic, trial.client);
    if (i===0) await trial.client.link(r.visit!.cardId!, '000001');
    const v = await trial.verifyEvidence();
    console.log(v.ok, v.firstProblem);
    if (!v.ok) console.log(readFileSync(trial.folder+'/evidence.txt','utf8').split('\n').slice(v.firstProblem!.line-3, v.firstProblem!.line+1).join('\n'));
  }
  await trial.close();
});
