/** A real polkit, running while we install, judges the rule; it is asked as pcscd asks it since Debian 13. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildPrograms, ROOT } from '#clinic/testing/appliance-process.ts';
import { Machine, whyNoMachine } from '#clinic/testing/machine/machine.ts';

const reason = whyNoMachine();
if (reason !== undefined) process.stderr.write(`no polkit of its own on this machine: ${reason}\n`);

/** As pcsc-lite has them: only an active session, which no service has. @see doc/org.debian.pcsc-lite.policy of pcsc-lite */
const ACTIONS = ['org.debian.pcsc-lite.access_pcsc', 'org.debian.pcsc-lite.access_card'];
/** @see pkcheck(1), return value */
const [AUTHORISED, NOT_AUTHORISED, PASSWORD_WANTED] = [0, 1, 2];
const OTHER_ACTION = 'org.freedesktop.systemd1.manage-units';
const POLICY = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE policyconfig PUBLIC "-//freedesktop//DTD PolicyKit Policy Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/PolicyKit/1/policyconfig.dtd">
<policyconfig>${ACTIONS.map(
  (id) => `<action id="${id}"><description>cards</description><message>cards</message>
  <defaults><allow_any>no</allow_any><allow_inactive>no</allow_inactive><allow_active>yes</allow_active></defaults></action>`,
).join('')}</policyconfig>`;

let machine: Machine;
beforeAll(async () => {
  if (reason !== undefined) return;
  buildPrograms();
  machine = await Machine.boot({ '/source': ROOT, '/usr/bin/node': process.execPath });
  await machine.put('/usr/share/polkit-1/actions/org.debian.pcsc-lite.policy', POLICY);
  await machine.must('systemd-sysusers', '/source/provisioning/sysusers/sekisho.conf');
  for (const user of ['sekisho-broker', 'sekisho-gateway', 'nobody'])
    await machine.must('systemd-run', `--uid=${user}`, `--unit=as-${user}`, 'sleep', 'infinity');
  await machine.must('systemctl', 'start', 'polkit.service');
});
afterAll(() => machine?.stop());

/** As a process of the user asks. */
async function mayDo(user: string, action: string): Promise<boolean> {
  const pid = await machine.property(`as-${user}.service`, 'MainPID');
  const { code, output } = await machine.run('pkcheck', '--action-id', action, '--process', pid);
  if (![AUTHORISED, NOT_AUTHORISED, PASSWORD_WANTED].includes(code)) throw new Error(output);
  return code === AUTHORISED;
}

test.skipIf(reason !== undefined)(
  'the two services may use cards, and nothing else; others may not',
  async () => {
    for (const action of ACTIONS) expect(await mayDo('sekisho-broker', action)).toBe(false);
    await machine.must('node', '/source/provisioning/install.mjs');
    await machine.until('polkit has read the rule', () => mayDo('sekisho-broker', ACTIONS[0] ?? ''));
    for (const action of ACTIONS) {
      expect(await mayDo('sekisho-broker', action)).toBe(true);
      expect(await mayDo('sekisho-gateway', action)).toBe(true);
      expect(await mayDo('nobody', action)).toBe(false);
    }
    for (const user of ['sekisho-broker', 'sekisho-gateway'])
      expect(await mayDo(user, OTHER_ACTION)).toBe(false);
  },
);
