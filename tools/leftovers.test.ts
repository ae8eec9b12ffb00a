import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { endLeftovers, findLeftovers, MARK, waitForLeftovers } from './leftovers.mjs';

it('finds and ends the grandchild of a run, also when its parent has ended', async () => {
  const script = 'setsid sleep 600 >/dev/null & echo $!';
  const child = spawn('sh', ['-c', script], { env: { ...process.env, ...MARK }, stdio: 'pipe' });
  const [text] = await once(child.stdout, 'data');
  await once(child, 'exit');
  const leftovers = findLeftovers();
  expect(leftovers).toEqual([{ pid: Number(text), command: expect.stringContaining('sleep 600') }]);
  endLeftovers(leftovers);
  expect(await waitForLeftovers()).toEqual([]);
});
