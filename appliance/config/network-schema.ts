/** The registered network: whose answers make it, what ends the lease, who watches. */
import { isIPv6 } from 'node:net';
import { z } from 'zod';

const FilePath = z.string().min(1);
const milliseconds = (initialMs: number, minMs: number, maxMs: number): z.ZodDefault<z.ZodNumber> =>
  z.number().int().min(minMs).max(maxMs).default(initialMs);

const GpioSwitch = z.strictObject({
  driver: z.literal('gpio'),
  chip: z.string().min(1).default('gpiochip0').describe('As `gpiodetect` shows it.'),
  line: z.number().int().min(0).max(1_023).describe('Offset of the line on its chip.'),
  closedLevel: z
    .union([z.literal(0), z.literal(1)])
    .default(0)
    .describe('Level while the enclosure is closed; a loop to ground that is cut reads 1.'),
});

const FileSwitch = z.strictObject({
  driver: z.literal('file'),
  file: FilePath.describe('A file that holds the level, as `/sys/class/gpio/gpioN/value` does.'),
  closedText: z.string().min(1).default('0').describe('What it holds while the enclosure is closed.'),
});

/** The prefix of a provider's addresses is not the clinic's own; a link-local address is none without its network card. */
const LOCAL_IPV6 = /^(?:fe[89ab][0-9a-f]:[0-9a-f:]*%[\w.-]{1,15}|f[cd][0-9a-f]{2}:[0-9a-f:]*|::1)$/i;

const AnchorHost = z
  .string()
  .min(1)
  .refine((host) => !isIPv6(host) || LOCAL_IPV6.test(host), {
    error:
      'an IPv6 address of an anchor is unique local (fc00::/7), or link-local with its network card (fe80::1%eth0)',
  })
  .describe(
    'Address of an anchor: IPv4, or IPv6 of the clinic alone (`fd…`, or `fe80::…%eth0`). All anchors of one family, which is then watched.',
  );

const hasOneFamily = (anchors: readonly { readonly host: string }[]): boolean =>
  new Set(anchors.map(({ host }) => isIPv6(host))).size <= 1;

export const NetworkSection = z.strictObject({
  publicKeyPath: FilePath.describe(
    'Public key of the clinic’s anchor, PEM (`anchor show`). Unlocks are bound to its hash, the network id.',
  ),
  anchors: z
    .array(
      z.strictObject({
        host: AnchorHost,
        port: z.number().int().min(1).max(65_535).default(26_460).describe('Its UDP port.'),
      }),
    )
    .min(1)
    .max(4)
    .refine(hasOneFamily, { error: 'all anchors have IPv4 addresses, or all IPv6' })
    .describe('Several answer under one key; one is enough.'),
  graceMs: milliseconds(3_000, 1_000, 15_000).describe('How long the anchors may be silent.'),
  askEveryMs: milliseconds(1_000, 200, 5_000).describe('How often they are asked.'),
  roundTripMs: milliseconds(500, 10, 3_000).describe(
    'An answer that takes longer was not given in the house.',
  ),
  hops: z.number().int().min(1).max(8).default(1).describe('Routers between here and the anchors, plus one.'),
  interface: z
    .string()
    .regex(/^[\w.-]{1,15}$/)
    .optional()
    .describe('Network card whose carrier, address and gateway are watched. `production` needs one.'),
  dhcpLeaseFile: z
    .string()
    .startsWith('/')
    .optional()
    .describe('Where the DHCP client keeps its lease; another server ends the lease of the network.'),
  tamper: z
    .discriminatedUnion('driver', [GpioSwitch, FileSwitch])
    .optional()
    .describe('The switch of the enclosure; without it the enclosure counts as closed.'),
});
