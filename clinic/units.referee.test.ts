/** A real systemd judges the units: it starts, guards, kills and stops broker, gateway and anchor. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeVisit, signInWith } from './tap-run.ts';
import { ANCHOR, BROKER, GATEWAY, InstalledClinic, SOCKET } from './testing/machine/installed-clinic.ts';
import { whyNoMachine } from './testing/machine/machine.ts';

const reason = whyNoMachine();
if (reason !== undefined) process.stderr.write(`no systemd of its own on this machine: ${reason}\n`);

const SERVICES = [ANCHOR, BROKER, GATEWAY];
const BROKER_SOCKET = '/run/sekisho-broker/broker.sock';
/** @see sysexits.h, and RestartPreventExitStatus of the units */
const EX_CONFIG = '78';
/** With it the broker asks for the end of pcscd: EX_PROTOCOL. */
const EX_POWER_STAYS = '76';
const PCSCD = 'pcscd.service';
/** Of TEST-NET-3 (RFC 5737), which is nobody's clinic. */
const STRANGER = '203.0.113.9';

describe.skipIf(reason !== undefined)('under a systemd of its own', () => {
  let clinic: InstalledClinic;
  const sh = (command: string): Promise<string> => clinic.machine.must('sh', '-c', command);
  const property = (unit: string, name: string): Promise<string> => clinic.machine.property(unit, name);
  const systemctl = (...words: string[]): Promise<string> => clinic.machine.must('systemctl', ...words);
  const mainPid = (unit: string): Promise<string> => property(unit, 'MainPID');
  /** Runs in the file system that a service sees, as root. */
  const asSeenBy = async (unit: string, command: string): Promise<string> =>
    sh(`nsenter --target ${await mainPid(unit)} --mount sh -c '${command}'`);
  /** Does something to a service, and resolves when another process serves in its place. */
  const untilAnother = async (unit: string, action: () => Promise<unknown>): Promise<void> => {
    const before = await mainPid(unit);
    await action();
    await clinic.machine.until(`another ${unit}`, async () => {
      const [pid, state] = [await mainPid(unit), await property(unit, 'ActiveState')];
      return state === 'active' && pid !== '0' && pid !== before;
    });
  };
  /** Waits for the loss of the SAM's power or unlock that an action brings. */
  const untilSamLost = async (action: () => Promise<unknown>): Promise<void> => {
    const sinceMs = performance.now();
    await action();
    await clinic.sam.lossAfter(sinceMs);
  };

  beforeAll(async () => {
    clinic = await InstalledClinic.open();
    await clinic.start();
    await clinic.untilOpen();
  });
  afterAll(() => clinic?.close());

  test('all of them are active and fed, and what they refer to is there', async () => {
    for (const unit of [...SERVICES, SOCKET]) {
      expect(await property(unit, 'ActiveState')).toBe('active');
      expect(await property(unit, 'NeedDaemonReload')).toBe('no');
      for (const page of (await property(unit, 'Documentation')).split(' ').filter((each) => each !== ''))
        await sh(`test -r ${page.replace('file:', '')}`);
    }
    for (const unit of [BROKER, GATEWAY]) {
      const fed = await property(unit, 'WatchdogTimestampMonotonic');
      await clinic.machine.until(
        `${unit} feeds its watchdog`,
        async () => (await property(unit, 'WatchdogTimestampMonotonic')) !== fed,
      );
    }
    expect(await clinic.machine.journal(GATEWAY)).toContain('Started sekisho-gateway.service');
  });

  test.each(SERVICES)('%s has no right that it does not need', async (unit) => {
    const pid = await mainPid(unit);
    const status = await sh(`cat /proc/${pid}/status`);
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    expect(status).toMatch(/^Seccomp:\t2$/m);
    expect(status).toMatch(/^CapEff:\t0+$/m);
    expect(status).toMatch(/^CapBnd:\t0+$/m);
    expect(status).not.toMatch(/^Uid:\t0\t/m);
    expect(await sh(`cat /proc/${pid}/limits`)).toMatch(/^Max core file size +0 +0 /m);
    const hidden = ['/proc/meminfo', '/proc/sys/kernel/hostname', '/proc/kallsyms'];
    expect(await asSeenBy(unit, `ls ${hidden.join(' ')} 2>/dev/null; true`)).toBe('');
    expect(
      await asSeenBy(
        unit,
        'touch /usr/x /etc/x /var/x 2>/dev/null; ls /usr/x /etc/x /var/x 2>/dev/null; true',
      ),
    ).toBe('');
    expect(await asSeenBy(unit, 'ls -A /home')).toBe('');
    const [, user = ''] = /^Uid:\t(\d+)/m.exec(status) ?? [];
    const others = await asSeenBy(unit, `setpriv --reuid=${user} --regid=nogroup --clear-groups ls /proc`);
    expect(others.split('\n')).not.toContain('1');
    for (const [used, most] of [
      ['MemoryCurrent', 'MemoryMax'],
      ['TasksCurrent', 'TasksMax'],
    ] as const)
      expect(Number(await property(unit, used))).toBeLessThan(Number(await property(unit, most)));
  });

  test('the broker has no network, no devices, and users of its own', async () => {
    const pid = await mainPid(BROKER);
    for (const kind of ['net', 'user', 'ipc', 'mnt'])
      expect(await sh(`readlink /proc/${pid}/ns/${kind}`)).not.toBe(await sh(`readlink /proc/1/ns/${kind}`));
    expect(await sh(`nsenter --target ${pid} --net ip -brief link`)).toMatch(/^lo [^\n]*$/);
    expect(await asSeenBy(BROKER, 'find /dev -type b')).toBe('');
  });

  test("the socket of the broker is the gateway's, and nobody else can connect", async () => {
    expect(await sh(`stat -c '%F %U:%G %a' ${BROKER_SOCKET}`)).toBe(
      'socket sekisho-gateway:sekisho-gateway 600',
    );
    expect(await sh(`stat -c '%U:%G %a' $(dirname ${BROKER_SOCKET})`)).toBe('root:root 711');
    const connect = `require("net").connect("${BROKER_SOCKET}").on("connect",()=>process.exit(0)).on("error",(e)=>{console.log(e.code);process.exit(1)})`;
    for (const user of ['nobody', 'sekisho-broker'])
      expect(
        await clinic.machine.run(
          'setpriv',
          `--reuid=${user}`,
          '--regid=nogroup',
          '--clear-groups',
          'node',
          '-e',
          connect,
        ),
      ).toEqual({ code: 1, output: 'EACCES' });
  });

  test('an operator signs in and a patient comes, with card, photo, evidence and centre', async () => {
    await signInWith(clinic, clinic.client, 'kakuu-ishi');
    await clinic.control.run('insert mihon-taro');
    const number = clinic.wallet.get('mihon-taro')?.person.verificationNumberB;
    expect(await makeVisit(clinic, clinic.client, number)).toMatchObject({ outcome: 'accepted' });
    await clinic.control.run('remove');
  });

  test("only the clinic's own networks are heard", async () => {
    await clinic.machine.must('ip', 'addr', 'add', `${STRANGER}/32`, 'dev', 'lo');
    const ask = (from: string) =>
      clinic.machine.run(
        'curl',
        '-sk',
        '--max-time',
        '3',
        '-o',
        '/dev/null',
        '-w',
        '%{http_code}',
        '--interface',
        from,
        'https://127.0.0.1:8443/v1/snapshot',
      );
    expect((await ask('127.0.0.1')).output).toBe('200');
    expect((await ask(STRANGER)).output).toBe('000');
  });

  test('what they keep is readable for them alone', async () => {
    for (const [unit, folder, files] of [
      [GATEWAY, '/var/lib/sekisho', ['appliance.sqlite']],
      [BROKER, '/var/lib/sekisho-broker', ['roster.bin', 'uses.log']],
      [ANCHOR, '/var/lib/private/sekisho-anchor', ['anchor-key.pem', 'devices.json']],
    ] as const) {
      const user = await sh(`stat -c %u /proc/${await mainPid(unit)}`);
      expect(await sh(`stat -c '%u %a' ${folder}`)).toBe(`${user} 700`);
      expect(await sh(`find ${folder} -mindepth 1 '(' -not -uid ${user} -o -not -perm 600 ')'`)).toBe('');
      for (const file of files) await sh(`test -s ${folder}/${file}`);
    }
  });

  test('a cable that is pulled locks, and plugged in again the clinic is open', async () => {
    const broker = await mainPid(BROKER);
    // Whoever was locked has ended, as it should: nobody whom it knew is in the memory of the next one.
    await untilAnother(GATEWAY, () => untilSamLost(() => clinic.setCable('down')));
    expect(await clinic.machine.journal(GATEWAY)).not.toContain('Failed with result');
    await clinic.setCable('up');
    await clinic.untilOpen();
    expect(await mainPid(BROKER)).toBe(broker);
  });

  test('a gateway that is killed leaves no power on the SAM, and another one opens the clinic', async () => {
    await untilAnother(GATEWAY, () =>
      untilSamLost(() => systemctl('kill', '--signal=KILL', '--kill-whom=main', GATEWAY)),
    );
    await clinic.untilOpen();
  });

  test('a broker that is killed leaves no power on the SAM; another one comes, and another gateway with it', async () => {
    await untilAnother(GATEWAY, () =>
      untilAnother(BROKER, () =>
        untilSamLost(() => systemctl('kill', '--signal=KILL', '--kill-whom=main', BROKER)),
      ),
    );
    await clinic.untilOpen();
  });

  test('a process that holds the SAM for the broker dies alone: another one takes its place', async () => {
    const pid = await mainPid(BROKER);
    await untilSamLost(() => sh(`kill -KILL $(cat /proc/${pid}/task/${pid}/children)`));
    await clinic.untilOpen();
    expect(await mainPid(BROKER)).toBe(pid);
  });

  test('a SAM that hangs in a reader on no USB port loses its power with pcscd, which systemd ends and starts', async () => {
    const pcscd = await mainPid(PCSCD);
    await clinic.setCable('down');
    const hung = clinic.hangSam();
    await untilAnother(BROKER, async () => {
      await clinic.setCable('up');
      await hung;
      await untilSamLost(() => clinic.setCable('down'));
      await clinic.plugInAgain();
    });
    expect(await clinic.machine.journal(BROKER)).toContain(`status=${EX_POWER_STAYS}`);
    expect(await mainPid(PCSCD)).not.toBe(pcscd);
    await clinic.setCable('up');
    await clinic.untilOpen();
  });

  test('a gateway that hangs is killed by the watchdog, without a core file', async () => {
    await untilAnother(GATEWAY, () =>
      untilSamLost(() => systemctl('kill', '--signal=STOP', '--kill-whom=main', GATEWAY)),
    );
    const journal = await clinic.machine.journal(GATEWAY);
    expect(journal).toContain('Watchdog timeout');
    expect(journal).toContain('code=killed, status=6/ABRT');
    expect(journal).not.toContain('code=dumped');
    // Told to stop, it always went by itself: also with the broker gone, which starts again only after it.
    expect(journal).not.toContain('timed out. Killing');
    await clinic.untilOpen();
  });

  test('a configuration that is wrong is not tried again, and the gateway does not run without its broker', async () => {
    const simulator = { driver: 'simulated', cards: ['card.json'], stateFile: 'sam.json' };
    for (const [unit, file, device] of [
      [GATEWAY, '/etc/sekisho/appliance.json', 'reader'],
      [BROKER, '/etc/sekisho/broker.json', 'slot'],
    ] as const) {
      const right = await sh(`cat ${file}`);
      const wrong = { ...JSON.parse(right), profile: 'production', [device]: simulator };
      await clinic.machine.put(file, JSON.stringify(wrong));
      await clinic.machine.run('systemctl', 'restart', unit);
      await clinic.machine.until('it failed', async () => (await property(unit, 'ActiveState')) === 'failed');
      expect(await property(unit, 'ExecMainStatus')).toBe(EX_CONFIG);
      expect(await clinic.machine.journal(unit)).toContain(
        `${device}.driver: a production configuration cannot name a simulator`,
      );
      // One that is to be started again is not called failed, but waits for RestartSec as `activating`.
      expect(await property(unit, 'NRestarts')).toBe('0');
      expect(await property(unit, 'Job')).toBe('');
      expect(await property(GATEWAY, 'ActiveState')).not.toBe('active');
      await clinic.machine.put(file, right);
      await systemctl('start', GATEWAY);
      await clinic.untilOpen();
    }
  });

  test('stopping takes the power off the SAM: with the broker stops the gateway, with the gateway starts the broker', async () => {
    await untilSamLost(() => systemctl('stop', GATEWAY));
    expect(await property(BROKER, 'ActiveState')).toBe('active');
    await systemctl('start', GATEWAY);
    await clinic.untilOpen();
    await untilSamLost(() => systemctl('stop', BROKER));
    expect(await property(GATEWAY, 'ActiveState')).toBe('inactive');
    for (const unit of [BROKER, GATEWAY]) expect(await property(unit, 'Result')).toBe('success');
    await systemctl('start', GATEWAY);
    expect(await property(BROKER, 'ActiveState')).toBe('active');
    await clinic.untilOpen();
  });
});
