/** Runs the centre as a program: one service per process, or all of them in one. */
import { readFileSync } from 'node:fs';
import { isSekishoError } from '#contract/errors.ts';
import { type Administrate, parseCommand, type ServeConfig, USAGE, UsageError } from './command.ts';
import { type CentreParts, openCentreParts } from './parts.ts';
import { parseCertificate } from './pki/certificate.ts';
import { parsePem } from './pki/key-folder.ts';
import { startCentre } from './region.ts';
import { toDate } from './seed/calendar.ts';
import { loadSeed } from './seed/load.ts';
import { openPeople } from './seed/people-file.ts';
import { startCentreService } from './services.ts';

const say = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
const complain = (event: string, error: unknown): void => {
  // The message of an unexpected error may quote what was sent: only its kind is told, and what the system said.
  const kind = error instanceof Error ? error.name : typeof error;
  const code = isSekishoError(error) ? error.code : undefined;
  process.stderr.write(`${JSON.stringify({ event, error: kind, code, system: systemWords(error) })}\n`);
};

/** A system error names a file or an address, and nothing that anybody sent. */
function systemWords(error: unknown): string | undefined {
  const cause = isSekishoError(error) ? error.cause : error;
  return cause instanceof Error && 'syscall' in cause ? cause.message : undefined;
}

function init(folder: string, count: number, asOf: string | undefined): void {
  const parts = openCentreParts({ folder });
  const people = openPeople(folder, { asOf: asOf ?? toDate(Date.now()), count });
  loadSeed(parts, people);
  parts.close();
  say({ folder, people: people.length });
}

async function serve(config: ServeConfig): Promise<void> {
  const { folder, host, ports, service } = config;
  if (service === 'all') {
    const centre = await startCentre({
      folder,
      host,
      ports,
      onError: (name, error) => complain(name, error),
    });
    closeOnSignal(() => centre.close());
    say({ urls: centre.urls });
    return;
  }
  const parts = openCentreParts({ folder });
  const port = ports[service] ?? 0;
  const running = await startCentreService(service, parts, {
    host,
    port,
    onError: (error) => complain(service, error),
  });
  closeOnSignal(() => running.close().then(() => parts.close()));
  say({ urls: { [service]: running.url } });
}

function closeOnSignal(close: () => Promise<void>): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void close());
}

function administrate(parts: CentreParts, order: Administrate): unknown {
  const { administration } = parts;
  const readCertificate = (file: string): Buffer => parsePem(readFileSync(file, 'utf8'));
  switch (order.action) {
    case 'register-device':
      return {
        samId: administration.registerDevice({
          deviceCertificate: readCertificate(order.certificate),
          institutionCode: order.institution,
          networkIds: order.network,
          maxUses: order.maxUses,
          maxTicks: order.maxTicks,
        }),
      };
    case 'revoke-device':
      administration.revokeDevice(order.sam);
      return { revoked: order.sam };
    case 'disable-device':
      administration.disableDevice(order.sam);
      return { disabled: order.sam };
    case 'disable-order':
      return { order: administration.orderDisable(order.sam, order.challenge).toString('hex') };
    case 'add-operator':
      return {
        keyId: administration.addOperator(order.institution, {
          publicKey: parseCertificate(readCertificate(order.certificate)).spki,
          displayName: order.name,
          roles: order.role,
          cardKind: order.cardKind,
        }),
      };
    case 'suspend-operator':
    case 'restore-operator':
      administration.suspendOperator(order.institution, order.key, order.action === 'suspend-operator');
      return { keyId: order.key };
  }
}

async function run(args: readonly string[]): Promise<void> {
  const command = parseCommand(args);
  switch (command.verb) {
    case 'help':
      process.stdout.write(`${USAGE}\n`);
      return;
    case 'init':
      init(command.folder, command.people, command.asOf);
      return;
    case 'serve':
      await serve(command.config);
      return;
    case 'admin': {
      const parts = openCentreParts({ folder: command.folder });
      try {
        say(administrate(parts, command.order));
      } finally {
        parts.close();
      }
    }
  }
}

try {
  await run(process.argv.slice(2));
} catch (thrown) {
  if (thrown instanceof UsageError)
    process.stderr.write(`コマンドの書き方が違います / wrong words: ${thrown.message}\n${USAGE}\n`);
  else if (thrown instanceof RangeError) process.stderr.write(`${thrown.message}\n`);
  else complain('failed', thrown);
  process.exitCode = thrown instanceof UsageError ? 2 : 1;
}
