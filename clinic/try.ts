import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clinicCa, startClinic } from './clinic.ts';
import { CounterClient } from './counter-client.ts';

const folder = mkdtempSync(join(tmpdir(), 'clinic-'));
const t0 = performance.now();
const clinic = await startClinic({ stateFolder: folder, reader: (process.argv[2] ?? 'inprocess') as 'pcsc', timing: (process.argv[3] ?? 'zero') as 'zero', log: (l) => process.stderr.write(l) });
console.log('started', performance.now() - t0, clinic.appliance.url);
const client = new CounterClient(clinic.appliance.url, clinicCa(clinic));
console.log(JSON.stringify(await client.snapshot()));
await clinic.control.run('insert kakuu-ishi');
await client.signIn('hpki', '1470');
await clinic.control.run('insert mihon-taro');
for (let i = 0; i < 3; i++) {
  const t1 = performance.now();
  const { tapId } = await client.startTap();
  await client.consent(tapId, 'ok');
  const p = await client.waitForTap(tapId, 20000);
  console.log(p.state, p.error, performance.now() - t1);
  const v = await client.faceCheck(tapId, 'printed-photo', 'match');
  console.log(JSON.stringify(v), performance.now() - t1);
}
client.close();
await clinic.close();
