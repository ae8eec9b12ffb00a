/**
 * The one configuration schema. Unknown keys are errors, units stand in names, secrets are paths of files.
 * `docs/config.md` is generated from here: description, default, range and unit live on the field.
 */
import { z } from 'zod';
import {
  PcscSlot,
  PermitMaxMs,
  PermitMaxUses,
  ServiceProviderKeyPath,
  SimulatedSlot,
  UsbId,
  UsesPerDay,
  UsesPerMinute,
} from './broker-schema.ts';
import { NetworkSection } from './network-schema.ts';

const FilePath = z.string().min(1);
const HttpsUrl = z.url({ protocol: /^https$/ });
/** OCSP, CRL and time stamps are signed objects; RFC 6960 and RFC 3161 responders are commonly plain http. */
const SignedObjectUrl = z.url({ protocol: /^https?$/ });

const milliseconds = (initialMs: number, minMs: number, maxMs: number): z.ZodDefault<z.ZodNumber> =>
  z.number().int().min(minMs).max(maxMs).default(initialMs);

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const ReaderName = z.string().min(1).optional();

const PcscReader = z.strictObject({
  driver: z.literal('pcsc'),
  readerName: ReaderName.describe(
    'Part of the name that `pcsc_scan` shows. Absent: found by its name (PICC) or by what lies in it; the status says how.',
  ),
  maxReadBlockBytes: z
    .number()
    .int()
    .min(16)
    .max(256)
    .default(256)
    .describe('Largest answer to ask for; 240 for readers that get exactly 256 bytes wrong.'),
  pollingIntervalMs: z
    .literal([250, 500, 1_000, 2_500])
    .optional()
    .describe('How often the reader looks for a card (ACS readers). Absent: as it is.'),
  cardBeep: z
    .boolean()
    .optional()
    .describe('Whether the reader itself beeps at every card (ACS readers). Absent: as it is.'),
  signals: z
    .boolean()
    .default(true)
    .describe('Light and sound at the end of a tap, where the reader has them.'),
  usbRestart: z
    .boolean()
    .default(true)
    .describe(
      'Restart a reader that stays away on its USB bus; a SAM in the same housing loses its power too.',
    ),
  usbId: UsbId.optional().describe(
    'The device to restart, as `lsusb` shows it. Absent: the one that the reader is called after.',
  ),
});

/** @see UM0701-02 §7.2.9 */
const PN532_BAUD_RATES = [
  9_600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600, 1_288_000,
] as const;

const Pn532Reader = z.strictObject({
  driver: z.literal('pn532'),
  device: FilePath.describe('Serial device of the PN532: `/dev/serial0`, or a name in `/dev/serial/by-id`.'),
  baudRate: z
    .literal(PN532_BAUD_RATES)
    .default(115_200)
    .describe(
      'The chip is told to switch. Above 115200 only on a PL011 or a USB adapter, never a mini UART.',
    ),
  exchangeTimeoutMs: milliseconds(5_000, 3_500, 30_000).describe(
    'Longest answer of a card when nobody says less; the chip itself waits 3.28 s.',
  ),
  pollPauseMs: milliseconds(40, 15, 1_000).describe('Field off between two calls for a card.'),
});

const SimulatedReader = z.strictObject({
  driver: z.literal('simulated'),
  cards: z.array(FilePath).min(1).describe('Files of simulated people (`drivers/simulated`).'),
  timing: z
    .enum(['zero', 'real'])
    .default('zero')
    .describe('`real` waits as long as air and card would; measurements need it.'),
});

/** Usages of the HID keyboard page. */
const Keys = z.array(z.number().int().min(4).max(231)).min(1).optional();

const Panel = z.strictObject({
  usbId: UsbId.describe('The keypad or button on the box, as `lsusb` shows it. Its keys reach nobody else.'),
  pinEntryMs: milliseconds(60_000, 10_000, 5 * MINUTE_MS).describe('Time to enter a PIN on the keys.'),
  okKeys: Keys.describe('Keys that mean OK, as HID usages. Absent: both Enter keys.'),
  cancelKeys: Keys.describe('Keys that mean cancel. Absent: Escape and keypad minus.'),
  backKeys: Keys.describe('Keys that take a digit back. Absent: Backspace, Delete and keypad dot.'),
});

const BrokerProcess = z.strictObject({
  driver: z.literal('broker'),
  socketPath: FilePath.describe('Unix socket of the SAM broker.'),
});

export const ConfigSchema = z.strictObject({
  profile: z
    .enum(['production', 'development'])
    .describe('`production` refuses every simulator and is the only profile an image may carry.'),
  listen: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1').describe('Address of the local network card.'),
      port: z.number().int().min(0).max(65_535).default(8443).describe('0 takes any free port.'),
    })
    .prefault({}),
  tls: z.strictObject({
    keyPath: FilePath.describe('Private key of the HTTPS server, PEM.'),
    certificatePath: FilePath.describe('Its certificate chain, PEM.'),
  }),
  centre: z.strictObject({
    serviceProviderUrl: HttpsUrl,
    eligibilityUrl: HttpsUrl,
    historyUrl: HttpsUrl,
    ocspUrl: SignedObjectUrl,
    crlUrls: z.array(SignedObjectUrl).min(1).describe('One revocation list for each CA that issues cards.'),
    timeStampUrl: SignedObjectUrl,
    caPath: FilePath.describe('The pinned CA of the centre, PEM. No other CA is trusted for it.'),
    clientKeyPath: FilePath.describe('Private key for mutual TLS with the centre, PEM.'),
    clientCertificatePath: FilePath.describe('Its certificate, PEM.'),
    auditCertificatePath: FilePath.describe('The SP certificate that evidence seals certificates for, PEM.'),
    timeoutMs: milliseconds(3_000, 100, 60_000).describe(
      'Deadline of one call; then the tap goes on without.',
    ),
  }),
  trust: z.strictObject({
    jpkiAnchorsPath: FilePath.describe('CA certificates of patient and operator My Number Cards, PEM.'),
    hpkiAnchorsPath: FilePath.describe('CA certificates of HPKI cards, PEM.'),
    samDeviceAnchorsPath: FilePath.describe('CA certificates of SAM device certificates, PEM.'),
    cardFaceRootPath: FilePath.describe(
      'Public key over the certificates of card-face signers, PEM: it vouches for the photo.',
    ),
    cardTextRootPath: FilePath.optional().describe(
      'Public key over the certificates of those who sign name and address on the card, PEM; without it they are not read.',
    ),
    serviceProviderKeyPath: ServiceProviderKeyPath,
    timeStampAnchorsPath: FilePath.describe('CA certificates of the time stamp authority, PEM.'),
  }),
  reader: z
    .discriminatedUnion('driver', [PcscReader, Pn532Reader, SimulatedReader])
    .describe('The contactless reader that patients tap on.'),
  sam: z
    .discriminatedUnion('driver', [BrokerProcess, PcscSlot, SimulatedSlot])
    .describe('Who holds the SAM: `production` has a broker, in development this program may.'),
  /** Keys on the box, for consent and for PINs; absent: both come from screens. */
  panel: Panel.optional(),
  store: z.strictObject({
    folder: FilePath.describe('Folder of the database; created when missing, readable by nobody else.'),
  }),
  network: NetworkSection,
  faceCheck: z
    .strictObject({
      cardPhoto: z
        .boolean()
        .default(true)
        .describe('Show the photo from the card when 照合番号B is given; `false` = printed photo only.'),
    })
    .prefault({}),
  texts: z.strictObject({
    clinicNameJa: z.string().min(1).max(60).describe('Who asks, in the Japanese consent text.'),
    clinicNameEn: z.string().min(1).max(60).describe('Who asks, in the English consent text.'),
  }),
  limits: z
    .strictObject({
      operatorIdleMs: milliseconds(15 * MINUTE_MS, MINUTE_MS, HOUR_MS).describe('Sign-out after no action.'),
      operatorAbsoluteMs: milliseconds(8 * HOUR_MS, MINUTE_MS, 24 * HOUR_MS).describe('Sign-out after all.'),
      operatorFailures: z
        .number()
        .int()
        .min(1)
        .max(10)
        .default(5)
        .describe('Failed sign-ins in a row before a lock-out.'),
      operatorLockOutMs: milliseconds(5 * MINUTE_MS, 1_000, HOUR_MS).describe('How long a lock-out lasts.'),
      consentTimeoutMs: milliseconds(2 * MINUTE_MS, 5_000, 10 * MINUTE_MS).describe('Time to press OK.'),
      cardWaitMs: milliseconds(30_000, 3_000, 5 * MINUTE_MS).describe('Time to place the card.'),
      cardAnswerMs: milliseconds(3_000, 3_000, 30_000).describe('Longest answer of a card to one command.'),
      tapTimeoutMs: milliseconds(2 * MINUTE_MS, 10_000, 10 * MINUTE_MS).describe('Card placed to card read.'),
      faceCheckTimeoutMs: milliseconds(3 * MINUTE_MS, 10_000, 15 * MINUTE_MS).describe(
        'Time to compare the face.',
      ),
      usesPerMinute: UsesPerMinute,
      usesPerDay: UsesPerDay,
      permitMaxMs: PermitMaxMs,
      permitMaxUses: PermitMaxUses,
      tapsPerCardPerDay: z
        .number()
        .int()
        .min(1)
        .max(1_000)
        .default(20)
        .describe(
          'Uses of the organisation key for one card in 24 hours of running time, whatever comes of them.',
        ),
    })
    .prefault({}),
  http: z
    .strictObject({
      bodyBytes: z.number().int().min(1_024).max(1_048_576).default(16_384).describe('Largest request body.'),
      connections: z.number().int().min(8).max(10_000).default(2_048).describe('More are answered 503.'),
      requestsPerSecond: z.number().int().min(1).max(10_000).default(200).describe('For one client address.'),
      requestTimeoutMs: milliseconds(10_000, 500, 2 * MINUTE_MS).describe('A request must arrive within.'),
    })
    .prefault({}),
  log: z.strictObject({ level: z.enum(['debug', 'info', 'warn', 'error']).default('info') }).prefault({}),
});

export type Config = z.output<typeof ConfigSchema>;
/** As a person writes it, before defaults. */
export type ConfigFile = z.input<typeof ConfigSchema>;
