/** Debian's OpenSC, a real pcscd and openssl judge the simulated card. None of them knows that it is simulated. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  isPrivatePcscdAvailable,
  type PrivatePcscd,
  startPrivatePcscd,
} from '#drivers/pcsc/private-pcscd.ts';
import { fromHex } from '../bytes.ts';
import { SimulatedCard } from '../card/simulated-card.ts';
import { SimulatedSam } from '../sam/simulated-sam.ts';
import { openTestCards } from '../testing/test-cards.ts';
import type { VirtualCard } from '../virtual-card.ts';
import { VpcdSlot } from '../vpcd-slot.ts';

const run = promisify(execFile);

const cards = openTestCards();
const folder = mkdtempSync(join(tmpdir(), 'sekisho-referee-'));
let pcscd: PrivatePcscd;
let picc: VpcdSlot;
let samSlot: VpcdSlot;

/** The card answers in this process, so the tools must run beside it, not block it. */
async function tool(program: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, PCSCLITE_CSOCK_NAME: pcscd.socketPath, OPENSC_CONF: '/dev/null', LANG: 'C' };
  const { stdout, stderr } = await run(program, args, { cwd: cards.pki.folder, env, timeout: 30_000 });
  return stdout + stderr;
}

async function failureOf(program: string, ...args: string[]): Promise<string> {
  return tool(program, ...args).then(
    () => 'succeeded',
    (thrown: { stdout: string; stderr: string }) => thrown.stdout + thrown.stderr,
  );
}

const reader = (slot: 'PICC' | 'SAM'): string => {
  const name = pcscd.readerNames.find((candidate) => candidate.includes(slot));
  if (name === undefined) throw new Error(`no slot ${slot}`);
  return name;
};

/**
 * Resolves when pcscd has seen the card: it looks for new ones every 0.4 s. Asks again and again, because `--wait` of
 * opensc-tool waits for ever for a card that comes between its first look and its waiting.
 */
async function insert(slot: VpcdSlot, card: VirtualCard): Promise<void> {
  await slot.insert(card);
  const name = reader(slot === picc ? 'PICC' : 'SAM');
  await vi.waitFor(() => tool('opensc-tool', '-r', name, '--atr'), { timeout: 20_000, interval: 100 });
}

function insertPerson(personId: string): Promise<void> {
  return insert(picc, new SimulatedCard(cards.myNumber(personId)));
}

/** On the files `data`, `signature` and `public.pem`. */
const opensslsVerdict = (): string => {
  const files = ['-verify', 'public.pem', '-signature', 'signature', 'data'];
  return cards.pki.openssl('dgst', '-sha256', ...files);
};

describe.skipIf(!isPrivatePcscdAvailable())('a simulated My Number card behind a real pcscd', () => {
  beforeAll(async () => {
    pcscd = await startPrivatePcscd({ folder });
    const [piccPort = 0, samPort = 0] = pcscd.vpcdPorts;
    picc = new VpcdSlot({ port: piccPort });
    samSlot = new VpcdSlot({ port: samPort });
  });
  afterEach(async () => {
    await picc.remove();
    await samSlot.remove();
  });
  afterAll(async () => {
    await pcscd.stop();
    cards.pki.remove();
    rmSync(folder, { recursive: true, force: true });
  });

  it('is taken for a JPKI card, by name and by ATR', async () => {
    await insertPerson('mihon-hanako');
    expect(await tool('opensc-tool', '-r', reader('PICC'), '--name')).toBe('jpki\n');
    const atr = await tool('opensc-tool', '-r', reader('PICC'), '--atr');
    expect(atr.trim()).toBe('3b:88:80:01:00:00:41:e0:b3:81:a1:00:3b');
  });

  it('shows its PINs, keys and certificates to pkcs15-tool', async () => {
    await insertPerson('mihon-hanako');
    const dump = await tool('pkcs15-tool', '--reader', reader('PICC'), '--dump');
    for (const object of [
      'User Authentication PIN',
      'Digital Signature PIN',
      'User Authentication Certificate',
    ]) {
      expect(dump).toContain(object);
    }
    expect(dump.match(/Tries left\s+: (\d)/g)).toEqual(['Tries left     : 3', 'Tries left     : 5']);
  });

  it('gives the certificate that was issued, and it verifies under its CA', async () => {
    await insertPerson('mihon-hanako');
    await tool('pkcs15-tool', '--reader', reader('PICC'), '--read-certificate', '1', '-o', 'read.pem');
    expect(cards.pki.openssl('x509', '-in', 'read.pem', '-noout', '-subject')).toContain('CN = mihon-hanako');
    expect(cards.pki.openssl('verify', '-CAfile', 'authentication-ca.pem', 'read.pem')).toBe('read.pem: OK');
  });

  it('signs for pkcs11-tool after the PIN, and openssl verifies', async () => {
    await insertPerson('mihon-hanako');
    cards.pki.write('data', 'what the person agrees to');
    cards.pki.write('public.pem', cards.pki.openssl('x509', '-in', 'mihon-hanako.pem', '-noout', '-pubkey'));
    const common = ['--token-label', 'JPKI (User Authentication PIN)'];
    const signing = ['--login', '--pin', '1234', '--sign', '--mechanism', 'SHA256-RSA-PKCS'];
    await tool('pkcs11-tool', ...common, ...signing, '--id', '01', '-i', 'data', '-o', 'signature');
    expect(opensslsVerdict()).toBe('Verified OK');
  });

  it('signs with the signature key after its password', async () => {
    await insertPerson('mihon-hanako');
    cards.pki.write('data', 'a contract');
    cards.pki.write(
      'public.pem',
      cards.pki.openssl('x509', '-in', 'mihon-hanako-sign.pem', '-noout', '-pubkey'),
    );
    const common = ['--token-label', 'JPKI (Digital Signature PIN)'];
    const signing = ['--login', '--pin', 'MIHON1', '--sign', '--mechanism', 'SHA256-RSA-PKCS'];
    await tool('pkcs11-tool', ...common, ...signing, '-i', 'data', '-o', 'signature');
    expect(opensslsVerdict()).toBe('Verified OK');
  });

  it('refuses a wrong PIN, and still binds when the PIN is blocked', async () => {
    const card = new SimulatedCard(cards.myNumber('mihon-taro'));
    await insert(picc, card);
    const login = ['--token-label', 'JPKI (User Authentication PIN)', '--login', '--pin', '0000', '-O'];
    expect(await failureOf('pkcs11-tool', ...login)).toContain('CKR_PIN_INCORRECT');
    card.powerOn();
    card.process(fromHex('00A4040C0AD392F000260100000001'));
    for (let tries = 0; tries < 3; tries += 1) card.process(fromHex('002000980430303030'));
    const dump = await tool('pkcs15-tool', '--reader', reader('PICC'), '--dump');
    expect(dump).toContain('Tries left     : 0');
  });

  it('lists the card of a child, which has no signature', async () => {
    await insertPerson('mihon-koharu');
    const dump = await tool('pkcs15-tool', '--reader', reader('PICC'), '--dump');
    expect(dump).toContain('User Authentication Certificate');
    expect(dump).toContain('Tries left     : 0');
  });

  it('carries a SAM in the second slot, with extended length', async () => {
    await insert(samSlot, new SimulatedSam());
    const atr = await tool('opensc-tool', '-r', reader('SAM'), '--atr');
    expect(atr.trim()).toMatch(/^3b:9c:95:81:31:fe:9f:00:66:46:53/);
    const script = cards.pki.write('script', '00A4040009F053454B4953484F0100\n00840000000020\n');
    const select = await tool('scriptor', '-r', reader('SAM'), script);
    expect(select).toContain('84 09 F0 53 45 4B 49 53 48 4F 01');
    expect(select.match(/90 00 : Normal/g)).toHaveLength(2);
  });
});
