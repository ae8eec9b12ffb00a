/** Every vector file of section 4, through the public face of the room. */
import { describe, expect, it } from 'vitest';
import type { Suite } from '#card/suite.ts';
import type { Sam } from './sam.ts';
import { samAnswering } from './testdata/opened-sam.ts';
import { opensslVerifies } from './testdata/openssl.ts';
import { fromHex, readVectors, type Vector } from './testdata/vectors.ts';

const SUITE_NAMES: readonly Suite[] = ['rsa-2048-sha256', 'p384-sha384'];

/** Runs `call` against one vector: its error, or `check` of its result. */
function replay<Result>(
  file: string,
  call: (sam: Sam, vector: Vector) => Promise<Result>,
  check: (result: Result, vector: Vector) => void = () => {},
  select: (vector: Vector) => boolean = () => true,
): void {
  it.each(readVectors(file).vectors.filter(select))(`${file}: $name`, async (vector) => {
    const { sam, channel } = await samAnswering(vector);
    if (vector.error !== undefined) {
      await expect(call(sam, vector)).rejects.toMatchObject({ code: vector.error });
    } else {
      check(await call(sam, vector), vector);
    }
    expect(channel.remaining).toBe(0);
  });
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const named = (start: string) => (vector: Vector) => vector.name.startsWith(start);

describe('the vectors of the SAM profile', () => {
  replay(
    'get-data',
    (sam) => sam.deviceCertificate(),
    (result, vector) => expect(hex(result)).toBe(vector.value),
    named('device certificate'),
  );
  replay(
    'get-data',
    (sam) => sam.institutionCode(),
    (result, vector) => expect(result).toBe(vector.value),
    named('institution code'),
  );
  replay(
    'get-data',
    (sam) => sam.profileId(),
    (result, vector) => expect(result).toBe(vector.value),
    named('profile id'),
  );
  replay(
    'get-data',
    (sam, { command }) => sam.organisationCertificate(SUITE_NAMES[command.slice(4, 8) === 'df31' ? 1 : 0]!),
    (result, vector) => expect(hex(result)).toBe(vector.value),
    named('organisation certificate'),
  );
  replay(
    'get-challenge',
    (sam) => sam.challenge(),
    (result, vector) => expect(hex(result)).toBe(vector.challenge),
  );
  replay(
    'external-authenticate',
    (sam, { grant }) => sam.unlockOnline(fromHex(grant)),
    () => {},
    named('service provider'),
  );
  replay(
    'external-authenticate',
    (sam, { keyId, networkId, signature }) =>
      sam.unlockOffline({
        keyId: fromHex(keyId),
        networkId: fromHex(networkId),
        signature: fromHex(signature),
      }),
    () => {},
    named('operator'),
  );
  replay(
    'internal-authenticate',
    (sam, { data }) => sam.signDeviceProof(fromHex(data)),
    (result, vector) => expect(hex(result)).toBe(vector.signature),
  );
  replay(
    'derive-id',
    (sam, { data }) => sam.deriveId(fromHex(data)),
    (result, vector) => expect(hex(result)).toBe(vector.derived),
  );
  replay(
    'data-key',
    (sam) => sam.generateDataKey(),
    (result, { wrapped }) => expect(hex(result)).toBe(wrapped),
    named('generate'),
  );
  replay(
    'data-key',
    (sam, { recipientPoint, wrapped }) => sam.unwrapDataKey(fromHex(recipientPoint), fromHex(wrapped)),
    (result, { samPoint, sealed }) =>
      expect({ samPoint: hex(result.samPoint), sealed: hex(result.sealed) }).toEqual({ samPoint, sealed }),
    named('unwrap'),
  );
  replay('roster-update', (sam, { update }) => sam.updateRoster(fromHex(update)));
  replay('lock', (sam) => sam.lock());
  replay('disable', (sam, { order }) => sam.disable(fromHex(order)));
});

describe('status', () => {
  const statuses = readVectors('get-data').vectors.filter(named('status'));
  it.each(statuses.filter(({ state }) => state !== 'blank'))('is read as $state', async (vector) => {
    const { sam } = await samAnswering(vector);
    const status = await sam.status();
    expect({
      ...status,
      ticks: Number(status.ticks),
      tickNonce: hex(status.tickNonce),
      networkId: status.networkId && hex(status.networkId),
    }).toEqual({
      samId: '5345534b00000001',
      state: vector.state,
      useCounter: vector.useCounter,
      usesLeft: vector.usesLeft,
      ticks: vector.ticks,
      tickNonce: vector.tickNonce,
      tickPeriodMs: 1000,
      rosterVersion: 7,
      networkId: String(vector.state).startsWith('unlocked') ? vector.networkId : undefined,
    });
  });
});

describe('unlocking offline', () => {
  it('makes the message M2 that the operator card signs', async () => {
    const file = readVectors('external-authenticate');
    const operator = file.vectors.find(named('operator, operatorRsa'))!;
    const { sam } = await samAnswering();
    const message = sam.offlineUnlockMessage(fromHex(file.challenge), fromHex(operator.networkId));
    expect(hex(message)).toBe(operator.message);
  });
});

describe('signing for a card', () => {
  const file = readVectors('compute-organisation-signature');
  const request = (suite: Suite) => ({
    suite,
    cardChallenge: fromHex(file.cardChallenge),
    tapId: fromHex(file.tapId),
    consentDigest: fromHex(file.consentDigest),
  });

  replay(
    'compute-organisation-signature',
    (sam, { suite }) => sam.signForCard(request(SUITE_NAMES[Number(suite) - 1]!)),
    (result, vector) => {
      expect(result.useCounter).toBe(vector.useCounter);
      expect(result.ticks).toBe(BigInt(Number(vector.ticks)));
      expect(hex(result.tapChallenge)).toBe(vector.tapChallenge);
      expect(hex(result.signature)).toBe(vector.signature);
    },
  );

  it('gives an RSA signature that openssl accepts over the card challenge', async () => {
    const { sam } = await samAnswering(file.vectors[0]!);
    const { signature } = await sam.signForCard(request('rsa-2048-sha256'));
    const spki = fromHex((file.publicKeys as Record<string, string>)[1]);
    const signed = { message: fromHex(file.cardChallenge), signature, spki, digest: 'sha256' as const };
    expect(opensslVerifies(signed)).toBe(true);
    expect(opensslVerifies({ ...signed, message: fromHex(file.consentDigest) })).toBe(false);
  });

  it.each([
    ['another tap id', { tapId: new Uint8Array(16) }],
    ['another consent', { consentDigest: new Uint8Array(32) }],
    ['another card challenge', { cardChallenge: new Uint8Array(16) }],
  ])('refuses an answer that was made for %s', async (_, change) => {
    const asked = { ...request('rsa-2048-sha256'), ...change };
    const { sam } = await samAnswering({ command: commandFor(asked), answer: file.vectors[0]!.answer });
    await expect(sam.signForCard(asked)).rejects.toMatchObject({
      code: 'sam.failed',
      context: { malformed: 'tap challenge' },
    });
  });

  it('refuses the answer of the other suite', async () => {
    const { sam } = await samAnswering({
      command: file.vectors[0]!.command,
      answer: file.vectors[1]!.answer,
    });
    await expect(sam.signForCard(request('rsa-2048-sha256'))).rejects.toMatchObject({
      context: { malformed: 'organisation signature' },
    });
  });

  function commandFor({ cardChallenge, tapId, consentDigest }: ReturnType<typeof request>): string {
    const data = `8e01018110${hex(cardChallenge)}9110${hex(tapId)}8820${hex(consentDigest)}`;
    return `002a9e9a00004be549${data}0000`;
  }
});
