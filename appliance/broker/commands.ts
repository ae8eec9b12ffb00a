/**
 * Everything that can be asked of the broker, and what it answers. Nothing else passes: no raw command to the SAM, no
 * field that is not named here. Bytes travel as lower-case hexadecimal, 64-bit numbers as decimal text.
 */
import { z } from 'zod';
import { HexOf } from '#contract/centre/wire.ts';
import { MAX_PERMIT_BYTES } from './permit-message.ts';
import { EndedPermit } from './permit-record.ts';

/** At most this many bytes. */
const Hex = (maxBytes: number): z.ZodString =>
  z
    .string()
    .max(maxBytes * 2)
    .regex(/^(?:[0-9a-f]{2})*$/);
const Suite = z.enum(['rsa-2048-sha256', 'p384-sha384']);
const Nothing = z.strictObject({});
/** For a log and an evidence record, never for a person. */
const Reason = z.string().regex(/^[a-z][a-z0-9.-]{0,63}$/);

/** One power-up of the SAM: a command for an earlier one is refused. */
const PowerUp = z.strictObject({ powerUp: z.number().int().min(1) });
const forPowerUp = <T extends z.ZodRawShape>(shape: T) => PowerUp.extend(shape);

const Consent = z.strictObject({
  purpose: z.literal('insurance-eligibility'),
  textVersion: z.string().min(1).max(40),
  decision: z.enum(['ok', 'refused']),
  decidedAt: z.iso.datetime({ precision: 3 }),
  input: z.enum(['screen', 'button']),
});

const SignForCardAsk = forPowerUp({
  suite: Suite,
  cardChallenge: Hex(32).min(16),
  tapId: z.uuid({ version: 'v4' }),
  consent: Consent,
  /** First digits of the key id of who is signed in. */
  operatorId: HexOf(8),
});
export type SignForCardAsk = z.output<typeof SignForCardAsk>;

const Opened = PowerUp.extend({
  samId: HexOf(8),
  institutionCode: z.string(),
  tickNonce: HexOf(16),
});

const Status = z.strictObject({
  samId: HexOf(8),
  state: z.enum(['blank', 'locked', 'unlocked-online', 'unlocked-offline', 'disabled']),
  useCounter: z.number().int(),
  usesLeft: z.number().int(),
  ticks: z.string(),
  tickNonce: HexOf(16),
  tickPeriodMs: z.number().int(),
  /** The SAM's. */
  rosterVersion: z.number().int(),
  /** The broker's own, by which sign-ins are judged. */
  brokerRosterVersion: z.number().int(),
  networkId: HexOf(16).optional(),
});

const PermitStatus = z.strictObject({
  held: z
    .strictObject({
      permitId: HexOf(32),
      untilS: z.number().int(),
      usesLeft: z.number().int(),
      operators: z.array(HexOf(32)),
      grantedBy: HexOf(32),
      /** Something was done under it away from home. */
      isUsed: z.boolean(),
    })
    .optional(),
  /** Until its end is on record. */
  ended: EndedPermit.optional(),
});

const command = <A extends z.ZodType, B extends z.ZodType>(ask: A, answer: B) => ({ ask, answer });

export const COMMANDS = {
  /** Powers the SAM, unless that is done; `isFresh` takes the power off first. */
  open: command(z.strictObject({ isFresh: z.boolean() }), Opened),
  /** Nobody waits for `open` any more. */
  cancelOpen: command(Nothing, Nothing),
  powerOff: command(Nothing, Nothing),
  status: command(PowerUp, Status),
  deviceCertificate: command(PowerUp, z.strictObject({ certificate: Hex(8_192) })),
  signDeviceProof: command(forPowerUp({ data: HexOf(32) }), z.strictObject({ signature: Hex(128) })),
  challenge: command(PowerUp, z.strictObject({ challenge: HexOf(32) })),
  unlockOnline: command(forPowerUp({ grant: Hex(512) }), Nothing),
  unlockOffline: command(
    forPowerUp({ keyId: HexOf(32), networkId: HexOf(16), signature: Hex(512) }),
    Nothing,
  ),
  lock: command(PowerUp, Nothing),
  disable: command(forPowerUp({ order: Hex(512) }), Nothing),
  updateRoster: command(forPowerUp({ update: Hex(65_536) }), Nothing),
  organisationCertificate: command(forPowerUp({ suite: Suite }), z.strictObject({ certificate: Hex(8_192) })),
  signForCard: command(
    SignForCardAsk,
    z.strictObject({
      useCounter: z.number().int(),
      ticks: z.string(),
      tapChallenge: HexOf(32),
      signature: Hex(512),
      consentDigest: HexOf(32),
    }),
  ),
  tickStamp: command(
    forPowerUp({ digest: HexOf(32) }),
    z.strictObject({ stamp: Hex(512), signature: Hex(128) }),
  ),
  deriveId: command(forPowerUp({ data: Hex(64).min(2) }), z.strictObject({ derived: HexOf(32) })),
  generateDataKey: command(PowerUp, z.strictObject({ wrapped: HexOf(40) })),
  /** A data key in clear passes in neither direction: the SAM seals it to the key of `recipientPoint`. */
  unwrapDataKey: command(
    forPowerUp({ recipientPoint: HexOf(65), wrapped: HexOf(40) }),
    z.strictObject({ samPoint: HexOf(65), sealed: HexOf(40) }),
  ),
  /** The datagram for the anchor. */
  leaseQuestion: command(Nothing, z.strictObject({ question: HexOf(192) })),
  /** Whatever datagram came; only the anchor's 176 bytes mean something. */
  leaseAnswer: command(
    z.strictObject({ answer: Hex(1_500) }),
    z.strictObject({
      verdict: z.enum(['granted', 'not-registered', 'revoked', 'wrong-key', 'ignored']),
      ageMs: z.number(),
    }),
  ),
  endLease: command(z.strictObject({ reason: Reason }), Nothing),
  signInChallenge: command(Nothing, z.strictObject({ challenge: HexOf(32) })),
  signIn: command(z.strictObject({ keyId: HexOf(32), signature: Hex(512) }), Nothing),
  operatorActive: command(Nothing, Nothing),
  signOut: command(Nothing, Nothing),
  wipe: command(z.strictObject({ reason: Reason }), Nothing),
  /** For the next permit. */
  permitNonce: command(Nothing, z.strictObject({ nonce: HexOf(32) })),
  grantPermit: command(
    z.strictObject({ message: Hex(MAX_PERMIT_BYTES), keyId: HexOf(32), signature: Hex(512) }),
    Nothing,
  ),
  permit: command(Nothing, PermitStatus),
  endPermit: command(z.strictObject({ reason: z.enum(['ended-by-hand', 'revoked', 'tampered']) }), Nothing),
  /** The end of this permit is on record. */
  permitEndNoted: command(z.strictObject({ permitId: HexOf(32) }), Nothing),
} as const;

export type CommandName = keyof typeof COMMANDS;
export type Ask<Name extends CommandName> = z.output<(typeof COMMANDS)[Name]['ask']>;
export type Answer<Name extends CommandName> = z.output<(typeof COMMANDS)[Name]['answer']>;

/** What the broker says unasked. */
export const BrokerEvent = z.discriminatedUnion('event', [
  /** The SAM left or answers no more. */
  z.strictObject({ event: z.literal('samLost'), powerUp: z.number().int() }),
  /** The broker took the power off by itself, or when told to wipe. */
  z.strictObject({ event: z.literal('wiped'), reason: Reason }),
  /** One begins, counts down or ends: ask how it is. */
  z.strictObject({ event: z.literal('permitChanged') }),
]);
export type BrokerEvent = z.output<typeof BrokerEvent>;
