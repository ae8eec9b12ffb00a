import { generateKeyPairSync } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { fromHex, toHex, uint } from '../bytes.ts';
import { openOpensslPki } from '../testing/openssl-pki.ts';
import {
  generateDeviceKey,
  makeDgis,
  openPersonaliser,
  personaliseSam,
  spki,
  storeDgis,
} from '../testing/personalised-sam.ts';
import { PersonaliserSession, SAM_ID, SamTerminal, SELECT_SAM } from '../testing/sam-personaliser.ts';
import { SimulatedSam } from './simulated-sam.ts';
import type { SamState } from './state.ts';

const pki = openOpensslPki();
afterAll(() => pki.remove());

describe('personalisation of the SAM', () => {
  it('shows a blank SAM as blank, without identity', () => {
    const terminal = new SamTerminal(new SimulatedSam());
    expect(terminal.send('00CADF2000')).toBe('6985');
    const blank = `6F1C8409F053454B4953484F01A50F8008${'00'.repeat(8)}9F080200029000`;
    expect(terminal.send(SELECT_SAM)).toBe(blank);
    expect(terminal.send('00CADF2000')).toMatch(/^DF20..8008(00){8}890100830400000000/);
    for (const tag of ['21', '22', '23', '30']) expect(terminal.send(`00CADF${tag}00`)).toBe('6985');
  });

  it('commits everything at the last block, and saves it', () => {
    const saved: SamState[] = [];
    const terminal = new SamTerminal(new SimulatedSam({ save: (state) => saved.push(state) }));
    const session = openPersonaliser(terminal);
    const certificate = generateDeviceKey(session, pki);
    expect(storeDgis(session, makeDgis(certificate))).toBe('9000');
    expect(saved.at(-1)?.lifeCycle).toBe('personalised');
    terminal.sam.powerOff();
    terminal.sam.powerOn();
    expect(terminal.send(SELECT_SAM)).toContain(`8008${SAM_ID}`);
    expect(terminal.send('00CADF2000')).toContain('890101');
    expect(toHex(terminal.data('00CADF2100'))).toContain(toHex(certificate));
    expect(terminal.send('00CADF2200')).toMatch(/^DF220C930A.*9000$/);
    expect(Buffer.from(terminal.data('00CADF2300').slice(3)).toString()).toBe('sekisho-ref-1');
    expect(terminal.send('00CADF3000')).toBe('6982');
  });

  it.each([
    ['without a mandatory object', '8140', undefined, '6985'],
    ['with a short SAM id', '0101', '001122', '6A80'],
    ['with key data that is not encrypted', '8140', '00'.repeat(32), '6A80'],
    ['with an SP key that is no key', '0105', '3000', '6A80'],
    ['with a certificate that is none', '0104', '3000', '6A80'],
  ])('refuses to commit %s, and stays blank', (_what, id, value, status) => {
    const terminal = new SamTerminal(new SimulatedSam());
    const session = openPersonaliser(terminal);
    const dgis = makeDgis(generateDeviceKey(session, pki));
    if (value === undefined) dgis.delete(id);
    else dgis.set(id, fromHex(value));
    expect(storeDgis(session, dgis)).toBe(status);
    expect(terminal.sam.state.lifeCycle).toBe('blank');
  });

  it('refuses the certificate of another device and an SP key of another curve', () => {
    const terminal = new SamTerminal(new SimulatedSam());
    const session = openPersonaliser(terminal);
    const foreign = generateDeviceKey(session, pki);
    const own = generateDeviceKey(session, pki);
    expect(storeDgis(session, makeDgis(foreign))).toBe('6988');
    const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
    expect(storeDgis(session, makeDgis(own).set('0105', spki(p384)))).toBe('6A80');
    expect(storeDgis(session, makeDgis(own))).toBe('9000');
  });

  it('keeps use counter and device key over a second personalisation, and forgets the roster', () => {
    const { state, deviceCertificate } = personaliseSam(pki);
    const entry = { keyId: '00'.repeat(32), roles: 1, publicKey: '' };
    const used: SamState = { ...state, useCounter: 41, rosterVersion: 7, roster: [entry] };
    const terminal = new SamTerminal(new SimulatedSam({ state: used }));
    expect(storeDgis(openPersonaliser(terminal), makeDgis(deviceCertificate))).toBe('9000');
    const after = terminal.sam.state;
    expect([after.useCounter, after.rosterVersion, after.roster.length]).toEqual([41, 0, 0]);
    expect(after.personalisation?.deviceKey).toBe(state.personalisation?.deviceKey);
  });

  it('needs the full channel: not less, not none, and in order', () => {
    const terminal = new SamTerminal(new SimulatedSam());
    terminal.data(SELECT_SAM);
    expect(terminal.send('8446800100')).toBe('6982');
    expect(terminal.send('84E2800000')).toBe('6982');
    expect(terminal.send('8050310008000000000000000000')).toBe('6A88');
    const session = openPersonaliser(terminal);
    expect(session.send('84E20001', fromHex('0101')).sw).toBe('6A86');
    expect(session.send('84E28000', fromHex('0101FF')).sw).toBe('6A80');
    expect(session.send('84460001', new Uint8Array()).sw).toBe('6A86');
    expect(session.send('84F20000', new Uint8Array()).sw).toBe('6D00');
  });

  it('refuses a lower level for the commands, and closes on a wrong MAC', () => {
    const terminal = new SamTerminal(new SimulatedSam());
    terminal.data(SELECT_SAM);
    const plain = new PersonaliserSession(terminal);
    expect(plain.authenticate('01')).toBe('9000');
    expect(plain.authenticate('07')).toBe('6A86');
    const session = openPersonaliser(terminal);
    expect(terminal.send('84E28000080000000000000000')).toBe('6988');
    expect(session.send('84468001', new Uint8Array()).sw).toBe('6982');
  });

  it('counts its channels, so that no challenge returns', () => {
    const sam = new SimulatedSam();
    const terminal = new SamTerminal(sam);
    terminal.data(SELECT_SAM);
    const challenges = new Set<string>();
    for (let round = 0; round < 5; round += 1) {
      const answer = terminal.data('8050300008000000000000000000');
      challenges.add(toHex(answer.slice(13, 21)));
      expect(toHex(answer.slice(-3))).toBe(toHex(uint(round + 1, 3)));
    }
    expect(challenges.size).toBe(5);
    expect(sam.state.scpSequence).toBe(5);
  });
});
