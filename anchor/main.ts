/** `npm run -s anchor -- …`, and the bundled program on the clinic's PC: starts the anchor, shows it, keeps its devices. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DeviceBook, type DeviceState, isDeviceId } from './device-book.ts';
import { hasIdentity, type Identity, openIdentity, qrText, spellFingerprint } from './identity.ts';
import { openProviderLine, type ProviderLine } from './revoked-devices.ts';
import { DEFAULT_PORT } from './service.ts';
import { startAnchor } from './start.ts';
import { inFolder, UnusableFolder } from './state-folder.ts';

const USAGE = `anchor start    [--folder DIR] [--host 0.0.0.0] [--port ${DEFAULT_PORT}] [--hops 1]
                [--sp-url URL --sp-ca PEM --sp-key PEM --sp-certificate PEM]
anchor show     [--folder DIR] [--host ADDRESS] [--port N] [--json]
anchor register DEVICE [--folder DIR]
anchor revoke   DEVICE [--folder DIR]
anchor devices  [--folder DIR] [--json]

  start     答え始めます / answers devices of this network until it is stopped
  show      公開鍵・指紋・QR コードの文字列 / public key, fingerprint, text for a QR code
  register  装置を登録 / lets a device (16 hex digits: the SAM id) have leases
  revoke    装置を拒否 / refuses it from now on
  devices   装置の一覧 / the devices and what is answered to each
  --folder  鍵と一覧の場所 / where key and lists are
  --hops    答えが越えられるルーターの数 + 1 / routers that an answer may pass, plus one
  --host    この機器のアドレス / address of this machine: start answers there, show puts it into the QR code
  --port    UDP のポート / UDP port
  --json    一つの JSON で / as one JSON object
  --sp-…    失効した装置の一覧を取得 / follows the service provider's list of revoked devices

終了コード: 0 済み、1 できなかった、2 書き方の誤り
Exit code: 0 done, 1 it could not be done, 2 wrongly written.`;

const text = { type: 'string' } as const;
const OPTIONS = {
  folder: text,
  host: text,
  port: text,
  hops: text,
  'sp-url': text,
  'sp-ca': text,
  'sp-key': text,
  'sp-certificate': text,
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false, short: 'h' },
} as const;

const parseWords = (words: readonly string[]) =>
  parseArgs({ args: [...words], options: OPTIONS, allowPositionals: true });
type Values = ReturnType<typeof parseWords>['values'];

/** The command was written wrongly. */
class UsageProblem extends Error {}

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const complain = (...lines: readonly string[]): void => void process.stderr.write(`${lines.join('\n')}\n`);
const log = (event: string, fields: Readonly<Record<string, unknown>>): void =>
  void process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), event, ...fields })}\n`);

/** What the service manager gives, else what the system has for programs. */
function defaultFolder(): string {
  const { STATE_DIRECTORY, ProgramData, XDG_STATE_HOME, HOME } = process.env;
  if (STATE_DIRECTORY !== undefined) return STATE_DIRECTORY;
  if (ProgramData !== undefined) return join(ProgramData, 'Sekisho', 'anchor');
  return join(XDG_STATE_HOME ?? join(HOME ?? '.', '.local', 'state'), 'sekisho-anchor');
}

function integer(name: string, value: string | undefined, initial: number, max: number): number {
  if (value === undefined) return initial;
  const number = Number(value);
  if (!/^\d+$/.test(value) || number > max) throw new UsageProblem(`--${name} is a number up to ${max}`);
  return number;
}

function providerOf(values: Values): ProviderLine | undefined {
  const url = values['sp-url'];
  const [caPath, keyPath, certificatePath] = [values['sp-ca'], values['sp-key'], values['sp-certificate']];
  if (url === undefined) {
    if (caPath ?? keyPath ?? certificatePath) throw new UsageProblem('--sp-url is missing');
    return undefined;
  }
  if (!url.startsWith('https://')) throw new UsageProblem('--sp-url begins with https://');
  if (caPath === undefined || keyPath === undefined || certificatePath === undefined) {
    throw new UsageProblem('--sp-url needs --sp-ca, --sp-key and --sp-certificate');
  }
  return openProviderLine({ url, caPath, keyPath, certificatePath });
}

/** What happened since the last line, once a minute, and only when something did that is not everyday. */
const REPORT_EVERY_MS = 60_000;

async function start(folder: string, values: Values): Promise<number> {
  const hops = integer('hops', values.hops, 1, 8);
  if (hops === 0) throw new UsageProblem('--hops is at least 1');
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  const anchor = await startAnchor({
    folder,
    host: values.host ?? '0.0.0.0',
    port: integer('port', values.port, DEFAULT_PORT, 65_535),
    hops,
    provider: providerOf(values),
    log,
    onFailure: (error) => fail(error),
  });
  const networkId = anchor.identity.networkId.toString('hex');
  log('started', { port: anchor.port, networkId, devices: anchor.devices.list().length });
  const unusual = (): string => JSON.stringify({ ...anchor.counters, granted: undefined });
  let told = unusual();
  const report = (): void => {
    if (unusual() === told) return;
    told = unusual();
    log('answered', anchor.counters);
  };
  const reporting = setInterval(report, REPORT_EVERY_MS);
  try {
    await Promise.race([untilStopped(), failed]);
  } finally {
    clearInterval(reporting);
    await anchor.close();
  }
  log('stopped', anchor.counters);
  return 0;
}

function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

/** Whoever looks into the wrong folder must not take the key that is made there for the clinic's. */
function identityIn(folder: string): Identity {
  const isNew = !hasIdentity(folder);
  const identity = openIdentity(folder);
  if (isNew) {
    complain(
      `新しい鍵を ${folder} に作りました。動いているアンカーがあるなら、その --folder を指定してください。`,
      `A new key was made in ${folder}. If an anchor runs already, name its --folder.`,
    );
  }
  return identity;
}

function show(folder: string, values: Values): number {
  const identity = identityIn(folder);
  const networkId = identity.networkId.toString('hex');
  const host = values.host ?? '';
  const qr = qrText(identity, { host, port: integer('port', values.port, DEFAULT_PORT, 65_535) });
  const fingerprint = spellFingerprint(identity);
  if (values.json) {
    say(JSON.stringify({ networkId, fingerprint, publicKeyPem: identity.publicKeyPem, qr }));
    return 0;
  }
  say(`指紋 Fingerprint (SHA-256)\n  ${fingerprint}\nネットワーク ID Network id\n  ${networkId}`);
  say(`公開鍵 Public key\n${identity.publicKeyPem}QR コードの文字列 Text for a QR code\n  ${qr}`);
  return 0;
}

function setDevice(folder: string, deviceId: string | undefined, state: DeviceState): number {
  if (deviceId === undefined) throw new UsageProblem('DEVICE is missing');
  if (!isDeviceId(deviceId.toLowerCase())) throw new UsageProblem(`DEVICE ${deviceId}: 16 hex digits`);
  identityIn(folder);
  inFolder(folder, () => new DeviceBook(folder).set(deviceId.toLowerCase(), state));
  say(
    state === 'registered' ? `登録しました / registered: ${deviceId}` : `拒否します / revoked: ${deviceId}`,
  );
  return 0;
}

function listDevices(folder: string, values: Values): number {
  const devices = inFolder(folder, () => new DeviceBook(folder).list());
  if (values.json) say(JSON.stringify({ devices }));
  else for (const { deviceId, verdict } of devices) say(`${deviceId}  ${verdict}`);
  return 0;
}

async function run(words: readonly string[]): Promise<number> {
  const { values, positionals } = parseWords(words);
  if (values.help) {
    say(USAGE);
    return 0;
  }
  const [verb, deviceId, ...rest] = positionals;
  const folder = values.folder ?? defaultFolder();
  if (rest.length > 0) throw new UsageProblem(`too many words: ${rest.join(' ')}`);
  switch (verb) {
    case 'start':
      return start(folder, values);
    case 'show':
      return show(folder, values);
    case 'register':
      return setDevice(folder, deviceId, 'registered');
    case 'revoke':
      return setDevice(folder, deviceId, 'revoked');
    case 'devices':
      return listDevices(folder, values);
    default:
      throw new UsageProblem('start, show, register, revoke or devices?');
  }
}

/** What whoever typed the command does about it. */
function nextStep(thrown: unknown): readonly string[] {
  if (thrown instanceof UnusableFolder) {
    return [
      `フォルダー ${thrown.folder} が使えません。読み書きできるフォルダーを --folder で指定してください。`,
      `The folder ${thrown.folder} cannot be used. Name one with --folder that you may read and write.`,
    ];
  }
  const syscall = thrown instanceof Error && 'syscall' in thrown ? thrown.syscall : undefined;
  if (syscall === 'bind' || syscall === 'getaddrinfo')
    return ['--host と --port を確かめてください / check --host and --port'];
  return [];
}

const words = process.argv.slice(2);
// `npm run x -- y` and `node x.js -- y` mean the same.
while (words[0] === '--') words.shift();
try {
  process.exitCode = await run(words);
} catch (thrown) {
  const isWrongWord =
    thrown instanceof UsageProblem ||
    (thrown instanceof TypeError && 'code' in thrown && String(thrown.code).startsWith('ERR_PARSE_ARGS'));
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  if (isWrongWord) complain(`コマンドの書き方が違います / wrong words: ${message}`, USAGE);
  else complain(`できませんでした / failed: ${message}`, ...nextStep(thrown));
  process.exitCode = isWrongWord ? 2 : 1;
}
