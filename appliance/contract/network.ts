/** Where the appliance is, and what ends its lease. */
import { z } from 'zod';
import { Instant } from './centre/wire.ts';

export const NetworkFact = z.enum(['registered', 'foreign', 'absent']);
export type NetworkFact = z.infer<typeof NetworkFact>;

export const LeaseEnd = z.enum([
  'link-down',
  'address-changed',
  'gateway-changed',
  'wireless-changed',
  'dhcp-server-changed',
  'anchor-silent',
  'anchor-replaced',
  'device-not-registered',
  'device-revoked',
  'suspended',
  'clock-jumped',
  'tampered',
  'watch-blind',
]);
export type LeaseEnd = z.infer<typeof LeaseEnd>;

/** What screens show of the lease. */
export const LeaseStatus = z.strictObject({
  /** Since when it is as `facts.network` says. */
  since: Instant,
  /** How long the anchor may be silent. */
  graceMs: z.number().int().min(1),
  /** The last time that a lease ended. */
  lastEnd: z.strictObject({ reason: LeaseEnd, at: Instant }).optional(),
});
export type LeaseStatus = z.infer<typeof LeaseStatus>;
