/**
 * The broker as a program: `main.js CONFIG`. It has no network, holds the SAM alone, and takes the power off on every
 * way out; where it is killed without a word, the kernel ends the process that holds the slot, and pcscd resets the SAM.
 */
import { createLogger } from '#appliance/log.ts';
import { runProgram } from '#appliance/program.ts';
import type { BrokerConfig } from '#config/broker-schema.ts';
import { loadBrokerConfig } from '#config/load.ts';
import { toSekishoError } from '#contract/errors.ts';
import { beat } from '#liveness/heartbeat.ts';
import { systemdSupervisor } from '#liveness/systemd.ts';
import { systemClock } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';
import { systemRandom } from '#ports/random.ts';
import { openBroker } from './open-broker.ts';
import type { SamSlot } from './sam-power.ts';
import { serveBroker } from './socket-server.ts';

const EX_SOFTWARE = 70;
/** Asks systemd to end pcscd, which this process may not: `ExecStopPost=` of its unit. EX_PROTOCOL of sysexits.h. */
const EX_POWER_STAYS = 76;
/** Longer than a SAM that works takes for its longest command. */
const LAST_RESORT_AFTER_MS = 1_000;
const STOP_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** A simulator's code is not even loaded where the configuration does not name it. */
async function openSlot({ slot }: BrokerConfig, logger: Logger): Promise<SamSlot> {
  switch (slot.driver) {
    case 'pcsc': {
      const { openSamSlot } = await import('#drivers/sam-slot/index.ts');
      return openSamSlot({ ...slot, logger, lastResort: endOfProgram(logger) });
    }
    case 'simulated': {
      const { openSimulatedSamSlot } = await import('#drivers/simulated/from-config.ts');
      return openSimulatedSamSlot(slot);
    }
  }
}

/** Where no USB port can be switched off. Whoever comes next clears the slot before anything else. */
function endOfProgram(logger: Logger) {
  return {
    name: 'end-of-program',
    afterMs: LAST_RESORT_AFTER_MS,
    cut: async (): Promise<void> => {
      logger.error('broker.power-stays');
      process.exit(EX_POWER_STAYS);
    },
  };
}

async function run(configPath: string): Promise<void> {
  const config = loadBrokerConfig(configPath);
  const logger = createLogger({ level: config.log.level });
  const slot = await openSlot(config, logger.child({ room: 'sam-slot' }));
  const broker = openBroker(config, slot, { clock: systemClock, random: systemRandom, logger });
  const fail = (thrown: unknown): void => {
    // Nothing is waited for: the end of this process takes the slot away from whoever holds it for us.
    void slot.cut?.();
    logger.error('broker.failed', { error: toSekishoError(thrown) });
    process.exit(EX_SOFTWARE);
  };
  process.on('uncaughtException', fail);
  process.on('unhandledRejection', fail);
  await broker.clear();
  const server = await serveBroker(broker, config.socketPath, logger);
  const supervisor = systemdSupervisor();
  const stopping = new AbortController();
  const stop = async (signal: string): Promise<void> => {
    supervisor.stopping();
    stopping.abort();
    await broker.wipe('stopped');
    await server.close();
    await broker.close();
    logger.info('broker.stopped', { signal });
    process.exit(0);
  };
  for (const signal of STOP_SIGNALS) process.once(signal, () => void stop(signal));
  const checks = [{ name: 'open-without-place', run: () => broker.checkConsistency() }];
  void beat({ supervisor, checks, clock: systemClock, logger }, stopping.signal);
  logger.info('broker.ready', { socketPath: config.socketPath });
}

runProgram(run);
