/** The cards that the command can put on the reader: issued now, or read from a file. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CentrePki, openCentrePki } from '#centre/pki/authority.ts';
import { openPlatformDatabase } from '#centre/platform-database.ts';
import { createSamKeyRegister } from '#centre/service-provider/sam-keys.ts';
import type { CardImage } from '#drivers/simulated/card/image.ts';
import { SimulatedCard } from '#drivers/simulated/card/simulated-card.ts';
import { openCardFile, openSamFile } from '#drivers/simulated/from-config.ts';
import { testRsaKey } from '#drivers/simulated/keys/test-keys.ts';
import { type Person, readPeople } from '#drivers/simulated/people.ts';
import { SimulatedSam } from '#drivers/simulated/sam/simulated-sam.ts';
import type { SamState } from '#drivers/simulated/sam/state.ts';
import type { VirtualCard } from '#drivers/simulated/virtual-card.ts';
import { castPeople } from '../cast.ts';
import { CommandProblem } from '../command.ts';
import { issueSam } from '../sam-issue.ts';
import { issueWallet } from '../wallet.ts';
import type { CardKind, CardOrder } from './order.ts';

export interface CardBox {
  /** By the id that a person types. */
  readonly cards: ReadonlyMap<string, VirtualCard>;
  readonly first: string;
  /** What the first one is, for the line that says that it is served. */
  readonly firstLabel: string;
  readonly exportable: CardImage | SamState;
  /** Slots of an installed vpcd. */
  readonly usualPort: number;
}

const PICC_PORT = 35963;
const SAM_PORT = 35964;
const USUAL_PERSON = { 'my-number': 'mihon-hanako', hpki: 'kakuu-ishi' } as const;
/** RSA keys 0 to 11 of the pool are people's, 19 and up have other holders (`wallet.ts`, `sam-issue.ts`). */
const FIRST_AUTHORITY_KEY = 12;

export function listPeople(): string[] {
  return [...readPeople().values()].map(({ id, variant, part, pin, name }) =>
    [id.padEnd(14), variant.padEnd(16), part.padEnd(8), `PIN ${pin}`, name].join(' '),
  );
}

/** Issues what the order asks for. Rejects with `CommandProblem`. */
export async function openCardBox(order: Extract<CardOrder, { does: 'card' }>): Promise<CardBox> {
  const person = order.kind === 'sam' ? undefined : choosePerson(order.kind, order.person);
  return withAuthorities(order.stateFolder, (pki) =>
    person === undefined ? issueSamBox(pki) : Promise.resolve(issueWalletBox(pki, person)),
  );
}

function choosePerson(kind: Exclude<CardKind, 'sam'>, id: string | undefined): Person {
  const people = readPeople();
  const person = people.get(id ?? USUAL_PERSON[kind]);
  const advice = {
    ja: '`npm run -s card -- --list` の ID を --person に指定してください。',
    en: 'Give --person one of the ids of `npm run -s card -- --list`.',
  };
  if (person === undefined) throw new CommandProblem('request.invalid', advice);
  if (kind === 'hpki' && person.variant !== 'hpki') throw new CommandProblem('card.not-hpki-card', advice);
  return person;
}

async function withAuthorities<Result>(
  stateFolder: string | undefined,
  work: (pki: CentrePki) => Promise<Result>,
): Promise<Result> {
  if (stateFolder !== undefined && !existsSync(join(stateFolder, 'centre', 'pki'))) {
    throw new CommandProblem('request.invalid', {
      ja: `${stateFolder} に診療所がありません。\`npm start\` が使うフォルダー（state）を --state に指定してください。`,
      en: `There is no clinic in ${stateFolder}. Give --state the folder that \`npm start\` uses (state).`,
    });
  }
  const folder = stateFolder ?? mkdtempSync(join(tmpdir(), 'sekisho-card-'));
  const rsaKeys = new Map<string, number>();
  const rsaKey = (label: string): ReturnType<typeof testRsaKey> => {
    if (!rsaKeys.has(label)) rsaKeys.set(label, FIRST_AUTHORITY_KEY + rsaKeys.size);
    return testRsaKey(rsaKeys.get(label) ?? FIRST_AUTHORITY_KEY);
  };
  try {
    return await work(openCentrePki(join(folder, 'centre', 'pki'), { rsaKey }));
  } finally {
    if (stateFolder === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

/** Certificates as the development clinic's centre knows them, so that its appliance takes the card for its own. */
function issueWalletBox(pki: CentrePki, first: Person): CardBox {
  const { seedOf } = castPeople(Date.now());
  const wallet = issueWallet(pki, ({ id }) => {
    const certificate = seedOf.get(id)?.certificates.at(-1);
    if (certificate === undefined) throw new RangeError(`no certificate for ${id}`);
    const { serial, notBefore, notAfter } = certificate;
    return { serial, notBeforeMs: Date.parse(notBefore), notAfterMs: Date.parse(notAfter) };
  });
  const chosen = wallet.get(first.id);
  if (chosen === undefined) throw new RangeError(`no card of ${first.id}`);
  return {
    cards: new Map([...wallet].map(([id, { image }]) => [id, new SimulatedCard(image)])),
    first: first.id,
    firstLabel: `${first.id}, ${chosen.image.kind}, PIN ${first.pin}`,
    exportable: chosen.image,
    usualPort: PICC_PORT,
  };
}

async function issueSamBox(pki: CentrePki): Promise<CardBox> {
  const samKeys = createSamKeyRegister(openPlatformDatabase(':memory:'));
  return boxOfSam(new SimulatedSam({ state: await issueSam({ pki, samKeys }) }), 'personalised');
}

function boxOfSam(sam: SimulatedSam, label: string): CardBox {
  return {
    cards: new Map([['sam', sam]]),
    first: 'sam',
    firstLabel: `sam, ${label}`,
    exportable: sam.state,
    usualPort: SAM_PORT,
  };
}

/** Serves what `--export` wrote. Throws `CommandProblem`. */
export function openCardBoxOfFile(path: string): CardBox {
  try {
    const content = JSON.parse(readFileSync(path, 'utf8')) as CardImage | SamState;
    if (content.format === 'sekisho-sam-state-1') return boxOfSam(openSamFile(path), path);
    return {
      cards: new Map([['card', openCardFile(path)]]),
      first: 'card',
      firstLabel: `${content.kind}, ${path}`,
      exportable: content,
      usualPort: PICC_PORT,
    };
  } catch (cause) {
    const advice = {
      ja: `${path} を読めません。\`npm run -s card -- --export FILE\` で作ったファイルを指定してください。`,
      en: `${path} cannot be read. Name a file that \`npm run -s card -- --export FILE\` wrote.`,
    };
    throw new CommandProblem('request.invalid', advice, cause);
  }
}
