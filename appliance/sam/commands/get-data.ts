/** GET DATA: status, certificates, institution. @see docs/sam-profile.md 4.2, ISO 7816-4 §11.4.3 */
import { toHex } from '#card/bytes.ts';
import type { Suite } from '#card/suite.ts';
import type { SamLine } from '../line.ts';
import {
  bigOf,
  malformed,
  numberOf,
  ORGANISATION_TAGS,
  parseObjects,
  parseTemplate,
  TEMPLATES,
} from '../messages.ts';

export type SamState = 'blank' | 'locked' | 'unlocked-online' | 'unlocked-offline' | 'disabled';

const STATES: readonly SamState[] = ['blank', 'locked', 'unlocked-online', 'unlocked-offline', 'disabled'];

export interface SamStatus {
  /** Lower-case hexadecimal; zeros while the SAM is blank. */
  readonly samId: string;
  readonly state: SamState;
  /** Organisation-key operations since personalisation. */
  readonly useCounter: number;
  /** Organisation-key operations left in this unlock. */
  readonly usesLeft: number;
  readonly ticks: bigint;
  /** New at each power-up: a different one means that the SAM was reset in between. */
  readonly tickNonce: Uint8Array;
  /** 0: ticks count stamps, not time. */
  readonly tickPeriodMs: number;
  readonly rosterVersion: number;
  /** The network that the unlock is for; undefined unless unlocked. */
  readonly networkId: Uint8Array | undefined;
}

const SHORT = 256;
/** Certificates outgrow a short answer. */
const EXTENDED = 65_536;

function getData(line: SamLine, tag: number, expectedBytes: number): Promise<Uint8Array> {
  return line.request({ cla: 0x00, ins: 0xca, p1: tag >> 8, p2: tag & 0xff, expectedBytes });
}

export async function getStatus(line: SamLine): Promise<SamStatus> {
  return parseStatus(await getData(line, TEMPLATES.status, SHORT));
}

export function parseStatus(answer: Uint8Array): SamStatus {
  const objects = parseObjects(parseTemplate(answer, TEMPLATES.status), [
    'samId',
    'state',
    'useCounter',
    'usesLeft',
    'ticks',
    'tickNonce',
    'tickPeriodMs',
    'version',
    'networkId',
  ]);
  const state = STATES[numberOf(objects.state)];
  if (state === undefined) {
    throw malformed('state');
  }
  const unlocked = state === 'unlocked-online' || state === 'unlocked-offline';
  return {
    samId: toHex(objects.samId),
    state,
    useCounter: numberOf(objects.useCounter),
    usesLeft: numberOf(objects.usesLeft),
    ticks: bigOf(objects.ticks),
    tickNonce: objects.tickNonce,
    tickPeriodMs: numberOf(objects.tickPeriodMs),
    rosterVersion: numberOf(objects.version),
    networkId: unlocked ? objects.networkId : undefined,
  };
}

/** X.509 DER. */
export async function getDeviceCertificate(line: SamLine): Promise<Uint8Array> {
  const tag = TEMPLATES.deviceCertificate;
  return parseTemplate(await getData(line, tag, EXTENDED), tag);
}

/** Ten digits. */
export async function getInstitutionCode(line: SamLine): Promise<string> {
  const content = parseTemplate(await getData(line, TEMPLATES.institution, SHORT), TEMPLATES.institution);
  const code = textOf(parseObjects(content, ['institutionCode']).institutionCode);
  if (!/^\d{10}$/.test(code)) {
    throw malformed('institution code');
  }
  return code;
}

export async function getProfileId(line: SamLine): Promise<string> {
  const profileId = textOf(
    parseTemplate(await getData(line, TEMPLATES.profileId, SHORT), TEMPLATES.profileId),
  );
  if (!/^[\x21-\x7e]+$/.test(profileId)) {
    throw malformed('profile id');
  }
  return profileId;
}

/** The complete 7F21 object, as a card wants it. Readable only while unlocked. */
export async function getOrganisationCertificate(line: SamLine, suite: Suite): Promise<Uint8Array> {
  const answer = await getData(line, 0xdf00 | ORGANISATION_TAGS[suite], EXTENDED);
  parseTemplate(answer, TEMPLATES.organisationCertificate);
  return answer;
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}
