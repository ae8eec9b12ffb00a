/**
 * The appliance as a program: `main.js CONFIG`. Loads the configuration, loads only the drivers that it names, runs
 * until it is told to stop.
 */
import { fileURLToPath } from 'node:url';
import type { SamSlot } from '#broker/sam-power.ts';
import type { CardReader } from '#card/channel.ts';
import { loadConfig } from '#config/load.ts';
import type { Config } from '#config/schema.ts';
import { beat } from '#liveness/heartbeat.ts';
import { finish, RENEWED, Renewal } from '#liveness/renewal.ts';
import { systemdSupervisor } from '#liveness/systemd.ts';
import { systemClock } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';
import type { Panel } from '#ports/panel.ts';
import { systemRandom } from '#ports/random.ts';
import { startAppliance } from './appliance.ts';
import { createLogger } from './log.ts';
import { runProgram } from './program.ts';

/** The built counter page, beside the built program. */
const UI_FOLDER = fileURLToPath(new URL('../ui', import.meta.url));

/**
 * A broker that is gone, and starts again only when we have stopped, answers nobody. What is acknowledged is on the disk,
 * and the SAM loses its power with its client.
 */
const STOP_PATIENCE_MS = 3_000;

/** For the answers that are under way when it is locked. */
const LOCKED_GRACE_MS = 500;

interface OpenedReader {
  readonly reader: CardReader;
  readonly restartReader?: () => Promise<boolean>;
}

/** Its supervision waits for it to come back; it need not, too. */
const RECOVERY_TIMEOUT_MS = 300;

/** A simulator's code is not even loaded where the configuration does not name it. */
async function openReader(config: Config['reader'], logger: Logger): Promise<OpenedReader> {
  switch (config.driver) {
    case 'pcsc': {
      const { PcscReader, restartUsbReader } = await import('#drivers/pcsc/index.ts');
      const { readerName, maxReadBlockBytes, usbRestart, usbId } = config;
      const reader = new PcscReader({
        slot: readerName,
        maxReadBlockBytes,
        frontEnd: config,
        recoveryTimeoutMs: RECOVERY_TIMEOUT_MS,
        logger,
      });
      const restartReader = async (): Promise<boolean> => {
        const deviceName = reader.report().device;
        return (await restartUsbReader({ usbId, deviceName, clock: systemClock, logger })) === 'done';
      };
      return usbRestart ? { reader, restartReader } : { reader };
    }
    case 'pn532': {
      const { Pn532Reader, serialPortLine } = await import('#drivers/pn532/index.ts');
      const { device, baudRate, exchangeTimeoutMs, pollPauseMs } = config;
      const reader = new Pn532Reader({
        device,
        openLine: serialPortLine(device),
        baudRate,
        exchangeTimeoutMs,
        pollPauseMs,
        recoveryTimeoutMs: RECOVERY_TIMEOUT_MS,
        logger,
      });
      return { reader };
    }
    case 'simulated': {
      const { openSimulatedReader } = await import('#drivers/simulated/from-config.ts');
      return { reader: await openSimulatedReader(config) };
    }
  }
}

async function openSlot(sam: Config['sam'], logger: Logger): Promise<SamSlot | undefined> {
  switch (sam.driver) {
    case 'broker':
      return undefined;
    case 'pcsc': {
      const { openSamSlot } = await import('#drivers/sam-slot/index.ts');
      return openSamSlot({ ...sam, logger });
    }
    case 'simulated': {
      const { openSimulatedSamSlot } = await import('#drivers/simulated/from-config.ts');
      return openSimulatedSamSlot(sam);
    }
  }
}

async function openPanel(config: Config['panel'], logger: Logger): Promise<Panel | undefined> {
  if (config === undefined) return undefined;
  const { HidPanel } = await import('#drivers/panel/index.ts');
  const { usbId, okKeys, cancelKeys, backKeys } = config;
  const keys = { ok: okKeys, cancel: cancelKeys, back: backKeys };
  return new HidPanel({ usbId, keys, clock: systemClock, logger });
}

async function run(configPath: string): Promise<void> {
  const config = loadConfig(configPath);
  const logger = createLogger({ level: config.log.level });
  const renewal = new Renewal();
  const appliance = await startAppliance({
    config,
    ...(await openReader(config.reader, logger.child({ room: 'reader' }))),
    panel: await openPanel(config.panel, logger.child({ room: 'panel' })),
    samSlot: await openSlot(config.sam, logger.child({ room: 'sam-slot' })),
    clock: systemClock,
    random: systemRandom,
    logger,
    uiFolder: UI_FOLDER,
    life: renewal,
  });
  const supervisor = systemdSupervisor();
  const end = new AbortController();
  const { selfChecks: checks } = appliance;
  void beat(
    { supervisor, checks, clock: systemClock, logger: logger.child({ room: 'liveness' }) },
    end.signal,
  );
  logger.info('appliance.ready', { url: appliance.url });
  const stop = (): void => {
    supervisor.stopping();
    end.abort();
    const giveUp = (): void => {
      logger.warn('appliance.stopped-late');
      process.exit(0);
    };
    setTimeout(giveUp, STOP_PATIENCE_MS);
    appliance.close().then(
      () => process.exit(0),
      () => process.exit(1),
    );
  };
  void renewal.due.then(async () => {
    logger.info('appliance.renewed');
    await finish(() => appliance.close(LOCKED_GRACE_MS), systemClock, logger);
    process.exit(RENEWED);
  });
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

runProgram(run);
