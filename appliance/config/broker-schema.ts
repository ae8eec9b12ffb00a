/** The settings of the SAM broker: of its own file, and of one that runs inside a development gateway. */
import { z } from 'zod';

const FilePath = z.string().min(1);
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const milliseconds = (initialMs: number, minMs: number, maxMs: number): z.ZodDefault<z.ZodNumber> =>
  z.number().int().min(minMs).max(maxMs).default(initialMs);
const count = (initial: number, max: number): z.ZodDefault<z.ZodNumber> =>
  z.number().int().min(1).max(max).default(initial);

/** As `lsusb` shows it. */
export const UsbId = z.string().regex(/^[0-9a-f]{4}:[0-9a-f]{4}$/);

export const PcscSlot = z.strictObject({
  driver: z.literal('pcsc'),
  readerName: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Part of the name of the slot that holds the SAM. Absent: found by its name (SAM) or by what lies in it.',
    ),
  usbId: UsbId.optional().describe(
    'The reader whose USB port is switched off when the SAM does not let go, as `lsusb` shows it. Absent: the one that the slot is called after.',
  ),
  sysfsFolder: FilePath.optional().describe(
    'Where USB ports are looked for instead of `/sys`. For tests: production refuses it.',
  ),
});

export const SimulatedSlot = z.strictObject({
  driver: z.literal('simulated'),
  stateFile: FilePath.describe('Where the simulated SAM keeps its keys and counter.'),
});

export const UsesPerMinute = count(30, 100_000).describe('Uses of the organisation key in a minute.');
export const UsesPerDay = count(2_000, 1_000_000).describe('Uses of it in 24 hours of running time.');
export const PermitMaxMs = milliseconds(24 * HOUR_MS, MINUTE_MS, 7 * 24 * HOUR_MS).describe(
  'Longest carry-out permit for home visits.',
);
export const PermitMaxUses = count(50, 1_000).describe('Most uses that a carry-out permit may allow.');

const BrokerLimits = z
  .strictObject({
    leaseGraceMs: milliseconds(3_000, 1_000, 15_000).describe('From a question to the end of its lease.'),
    leaseMaxRoundTripMs: milliseconds(500, 10, 3_000).describe('Longest way of an answer of the anchor.'),
    operatorIdleMs: milliseconds(15 * MINUTE_MS, MINUTE_MS, HOUR_MS).describe('Sign-out after no action.'),
    operatorAbsoluteMs: milliseconds(8 * HOUR_MS, MINUTE_MS, 24 * HOUR_MS).describe('Sign-out after all.'),
    consentMaxAgeMs: milliseconds(5 * MINUTE_MS, 5_000, HOUR_MS).describe(
      'From the OK to the use of the key.',
    ),
    usesPerMinute: UsesPerMinute,
    usesPerDay: UsesPerDay,
    permitMaxMs: PermitMaxMs,
    permitMaxUses: PermitMaxUses,
  })
  .prefault({});

export const ServiceProviderKeyPath = FilePath.describe(
  'Public key of the SP, PEM: it signs the roster of operators.',
);
const AnchorKeyPath = FilePath.describe('Public key of the anchor of the registered network, PEM.');

export const BrokerConfigSchema = z.strictObject({
  profile: z.enum(['production', 'development']).describe('`production` refuses every simulator.'),
  slot: z.discriminatedUnion('driver', [PcscSlot, SimulatedSlot]).describe('Where the SAM is.'),
  socketPath: FilePath.describe('Unix socket for the gateway, in a folder that only this user may write to.'),
  stateFolder: FilePath.describe('Uses and roster; created when missing, readable by nobody else.'),
  serviceProviderKeyPath: ServiceProviderKeyPath,
  anchorKeyPath: AnchorKeyPath,
  limits: BrokerLimits,
  log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error']).default('info') }).prefault({}),
});

export type BrokerConfig = z.output<typeof BrokerConfigSchema>;
/** As a person writes it, before defaults. */
export type BrokerConfigFile = z.input<typeof BrokerConfigSchema>;
