import { sign } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { concat, fromHex, uint } from '../bytes.ts';
import { CardTerminal, extended, loadCommands, openTestCards, type Suite } from '../testing/test-cards.ts';

const SELECT_JPKI = '00A4040C0AD392F000260100000001';
const SIGN_RSA = `802A029720${'22'.repeat(32)}00`;
const SIGN_P384 = `802A069730${'22'.repeat(48)}00`;

const cards = openTestCards();
const images = {
  '01': cards.myNumber('mihon-hanako'),
  '02': cards.myNumber('shiken-mirai'),
  phone: cards.myNumber('reiji-ken'),
};
afterAll(() => cards.pki.remove());

function signChallenge({ root, organisationKey }: Suite, challenge: Uint8Array): Uint8Array {
  return root.suite === '01'
    ? sign('sha256', challenge, organisationKey)
    : sign('sha384', challenge, { key: organisationKey, dsaEncoding: 'ieee-p1363' });
}

function authenticateCommand(signature: Uint8Array): Uint8Array {
  return signature.length > 255
    ? extended('00820000', signature)
    : concat(fromHex('00820000'), uint(signature.length, 1), signature);
}

function openTerminal(image = images['01']): CardTerminal {
  const terminal = new CardTerminal(image);
  terminal.data(SELECT_JPKI);
  return terminal;
}

/** All four steps. */
function authenticate(terminal: CardTerminal, suite: Suite): string {
  for (const command of loadCommands(suite)) terminal.data(command);
  return terminal.send(authenticateCommand(signChallenge(suite, terminal.data('0084000010'))));
}

describe.each([
  ['RSA-2048', '01', SIGN_RSA, 256],
  ['P-384', '02', SIGN_P384, 96],
] as const)('organisation authentication, %s', (_name, id, signCommand, signatureBytes) => {
  const suite = id === '01' ? cards.rsa : cards.p384;

  it('lets an accepted organisation sign without PIN, four times', () => {
    const terminal = openTerminal(images[id]);
    expect(terminal.send(signCommand)).toBe('6982');
    expect(authenticate(terminal, suite)).toBe('9000');
    for (let use = 0; use < 4; use += 1) expect(terminal.data(signCommand)).toHaveLength(signatureBytes);
    expect(terminal.send(signCommand)).toBe('6982');
  });

  it('never opens the signature key, nor the signature certificate', () => {
    const terminal = openTerminal(images[id]);
    authenticate(terminal, suite);
    expect(terminal.send(signCommand.replace('97', '9A'))).toBe('6982');
    expect(terminal.send('00B0810010')).toBe('6982');
  });

  it('ends with the field and with a new SELECT, but not with a warm reset', () => {
    const terminal = openTerminal(images[id]);
    authenticate(terminal, suite);
    terminal.card.warmReset();
    expect(terminal.send(signCommand)).toMatch(/9000$/);
    terminal.data(SELECT_JPKI);
    expect(terminal.send(signCommand)).toBe('6982');
    authenticate(terminal, suite);
    terminal.card.powerOff();
    terminal.card.powerOn();
    terminal.data(SELECT_JPKI);
    expect(terminal.send(signCommand)).toBe('6982');
  });

  it('takes a challenge once, and only a signature over it', () => {
    const terminal = openTerminal(images[id]);
    for (const command of loadCommands(suite)) terminal.data(command);
    const signature = signChallenge(suite, terminal.data('0084000010'));
    terminal.data(authenticateCommand(signature));
    expect(terminal.send(authenticateCommand(signature))).toBe('6985');
    terminal.data('0084000010');
    expect(terminal.send(authenticateCommand(signature))).toBe('6300');
    expect(terminal.send(signCommand)).toBe('6982');
  });

  it('refuses halves that do not belong together, and a signature that is wrong', () => {
    const terminal = openTerminal(images[id]);
    const [first, second] = loadCommands(suite);
    expect(terminal.send(second)).toBe('6985');
    terminal.data(first);
    const changed = Uint8Array.from(second);
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
    expect(terminal.send(changed)).toBe('6A80');
    expect(terminal.send(second)).toBe('6985');
  });

  it('refuses an expired certificate, and accepts its last month', () => {
    const nowMs = Date.UTC(2026, 6, 31, 23);
    const clock = { nowMs: () => nowMs, monotonicMs: () => 0, sleep: () => Promise.resolve() };
    const load = (expiry: string): string => {
      const terminal = new CardTerminal(images[id], { clock });
      terminal.data(SELECT_JPKI);
      const [first, second] = loadCommands(suite, expiry);
      terminal.data(first);
      return terminal.send(second);
    };
    expect(load('2607')).toBe('9000');
    expect(load('2606')).toBe('6985');
    expect(load('9912')).toBe('9000');
  });
});

describe('organisation authentication', () => {
  it.each([
    ['other P1P2', '80A20000', '6A86'],
    ['dummy data', `80A200C1 00 0100${'00'.repeat(256)}`, '6985'],
    ['a first half of the wrong length', '80A206C1 04 7F218202', '6700'],
    ['a first half without structure', `80A206C1 00 0133${'00'.repeat(307)}`, '6A80'],
  ])('answers %s with its status word', (_what, command, status) => {
    expect(openTerminal().send(command)).toBe(status);
  });

  it('refuses a certificate of a hierarchy that the card does not know', () => {
    const stranger = { ...cards.rsa, root: { ...cards.rsa.root, suite: '01' as const } };
    const [first] = loadCommands(stranger);
    first[7 + 5 + 5] = 0x39;
    expect(openTerminal().send(first)).toBe('6A80');
    expect(openTerminal().send(loadCommands(cards.p384)[0])).toBe('6A80');
  });

  it('needs a challenge of the right length and a loaded certificate', () => {
    const terminal = openTerminal();
    const nonsense = authenticateCommand(new Uint8Array(256));
    terminal.data('0084000010');
    expect(terminal.send(nonsense)).toBe('6985');
    for (const command of loadCommands(cards.rsa)) terminal.data(command);
    expect(terminal.send(nonsense)).toBe('6985');
    terminal.data('0084000008');
    expect(terminal.send(nonsense)).toBe('6985');
  });

  it('opens the authentication certificate of a phone', () => {
    const terminal = openTerminal(images.phone);
    expect(terminal.send('00B08A0004')).toBe('6982');
    expect(authenticate(terminal, cards.rsa)).toBe('9000');
    expect(terminal.send('00B08A0004')).toMatch(/^3082.{4}9000$/);
  });

  it('does not wear out while the PIN is verified', () => {
    const terminal = openTerminal();
    authenticate(terminal, cards.rsa);
    terminal.data('002000980431323334');
    for (let use = 0; use < 6; use += 1) terminal.data(SIGN_RSA);
    expect(terminal.card.work.take()).toContain('rsa-2048-private');
  });
});
