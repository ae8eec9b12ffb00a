/**
 * Personalisation over SCP03, in two steps because the SAM makes its device key itself:
 * `personaliseSam` answers the public key, the caller has it certified, `finish` stores everything at once.
 * @see docs/sam-profile.md 5
 */
import { createPublicKey } from 'node:crypto';
import type { CommandApdu } from '#card/apdu.ts';
import { concatBytes } from '#card/bytes.ts';
import type { CardChannel } from '#card/channel.ts';
import { requireOk } from '#card/status-word.ts';
import { isSekishoError, SekishoError } from '#contract/errors.ts';
import type { Random } from '#ports/random.ts';
import { selectSam } from './commands/select.ts';
import { openLine } from './line.ts';
import { parseObjects, parseTemplate, TEMPLATES } from './messages.ts';
import type { StaticKeys } from './scp03/kdf.ts';
import { MAX_PLAIN_BYTES } from './scp03/protection.ts';
import { openScp03, type Scp03Session } from './scp03/session.ts';
import { STATUS } from './status.ts';
import { encodeDgis, type SamPersonalisation, splitBlocks } from './store-data.ts';

export type { StaticKeys } from './scp03/kdf.ts';
export type { OrganisationCredential, SamPersonalisation } from './store-data.ts';

export interface PersonalisationKeys {
  /** AES-128 keys of key version 30, as the SAM's maker delivers them. */
  readonly staticKeys: StaticKeys;
  /** Gives the host challenge. */
  readonly random: Random;
}

export interface OpenPersonalisation {
  /** DER SubjectPublicKeyInfo (P-256) of the key that the SAM has just made. */
  readonly devicePublicKey: Uint8Array;
  /** Stores and commits; until it resolves, the SAM is what it was before. */
  finish(profile: SamPersonalisation): Promise<void>;
}

const KEY_VERSION = 0x30;
const LEVEL_MAC_AND_ENCRYPTION_BOTH_WAYS = 0x33;

/** SubjectPublicKeyInfo of an uncompressed P-256 point, up to the point. @see RFC 5480 §2 */
const P256_SPKI_PREFIX = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');

/** Rejects with `sam.personalisation-failed`, or with the error of a lost line. The caller still owns `channel`. */
export async function personaliseSam(
  channel: CardChannel,
  keys: PersonalisationKeys,
): Promise<OpenPersonalisation> {
  const line = openLine(channel);
  const session = await asPersonalisation(async () => {
    await selectSam(line, { table: STATUS.personalisation });
    return openScp03(line.exchange, {
      ...keys,
      keyVersion: KEY_VERSION,
      level: LEVEL_MAC_AND_ENCRYPTION_BOTH_WAYS,
    });
  });
  const devicePublicKey = await asPersonalisation(() => generateDeviceKey(session));
  return { devicePublicKey, finish: (profile) => asPersonalisation(() => storeAll(session, profile)) };
}

async function generateDeviceKey(session: Scp03Session): Promise<Uint8Array> {
  const command = { cla: 0x84, ins: 0x46, p1: 0x80, p2: 0x01, expectedBytes: 256 };
  const content = parseTemplate(await request(session, command), TEMPLATES.publicKey);
  const { publicPoint } = parseObjects(content, ['publicPoint']);
  const spki = concatBytes(P256_SPKI_PREFIX, publicPoint);
  try {
    createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  } catch (cause) {
    throw new SekishoError('sam.personalisation-failed', {
      context: { deviceKey: 'not on the curve' },
      cause,
    });
  }
  return spki;
}

async function storeAll(session: Scp03Session, profile: SamPersonalisation): Promise<void> {
  const dgis = encodeDgis(profile, session.encryptKeyData);
  for (const block of splitBlocks(dgis, MAX_PLAIN_BYTES)) {
    await request(session, { cla: 0x84, ins: 0xe2, ...block });
  }
}

async function request(session: Scp03Session, command: CommandApdu): Promise<Uint8Array> {
  const answer = await session.send(command);
  requireOk(answer, STATUS.personalisation);
  return answer.data;
}

/** A wrong answer of the SAM means "start again from the first step" here, not "broken". */
async function asPersonalisation<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (thrown) {
    if (isSekishoError(thrown, 'sam.failed')) {
      throw new SekishoError('sam.personalisation-failed', { context: thrown.context, cause: thrown });
    }
    throw thrown;
  }
}
