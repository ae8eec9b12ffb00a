/**
 * Which devices this anchor knows: its own list, kept by the clinic's administrator, and the service provider's list of
 * revoked devices. Whoever is on either list as revoked is revoked.
 */
import { join } from 'node:path';
import type { Verdict } from './protocol.ts';
import { readReplacedFile, replaceFile, versionOf } from './replaced-file.ts';

const OWN_FILE = 'devices.json';
const PROVIDER_FILE = 'revoked-by-provider.json';
/** How long a change by another process (the command line) may go unnoticed. */
const LOOK_EVERY_MS = 250;

export type DeviceState = 'registered' | 'revoked';

/** 16 lower-case hex digits, as the SAM and the service provider write them. */
export function isDeviceId(text: unknown): text is string {
  return typeof text === 'string' && /^[0-9a-f]{16}$/.test(text);
}

export class DeviceBook {
  readonly #ownFile: string;
  readonly #providerFile: string;
  readonly #monotonicMs: () => number;
  readonly #onDamage: (error: unknown) => void;
  #own: ReadonlyMap<string, DeviceState>;
  #revokedByProvider: ReadonlySet<string>;
  #version: string;
  #lookedAtMs: number;

  /** Throws when a list is damaged; one that is damaged later is told to `onDamage`, and the last good one stays. */
  constructor(
    folder: string,
    monotonicMs: () => number = () => performance.now(),
    onDamage: (error: unknown) => void = () => {},
  ) {
    this.#ownFile = join(folder, OWN_FILE);
    this.#providerFile = join(folder, PROVIDER_FILE);
    this.#monotonicMs = monotonicMs;
    this.#onDamage = onDamage;
    this.#lookedAtMs = monotonicMs();
    this.#version = this.#readVersion();
    this.#own = readOwn(this.#ownFile);
    this.#revokedByProvider = readRevoked(this.#providerFile);
  }

  verdictOn(deviceId: string): Verdict {
    this.#look();
    if (this.#revokedByProvider.has(deviceId)) return 'revoked';
    const state = this.#own.get(deviceId);
    if (state === undefined) return 'not-registered';
    return state === 'revoked' ? 'revoked' : 'granted';
  }

  list(): readonly { readonly deviceId: string; readonly verdict: Verdict }[] {
    const ids = new Set([...this.#own.keys(), ...this.#revokedByProvider]);
    return [...ids].sort().map((deviceId) => ({ deviceId, verdict: this.verdictOn(deviceId) }));
  }

  /** By the administrator. Throws for a device that the service provider revoked: only the provider takes that back. */
  set(deviceId: string, state: DeviceState): void {
    if (!isDeviceId(deviceId)) throw new RangeError('a device id has 16 lower-case hex digits');
    this.#read();
    if (state === 'registered' && this.#revokedByProvider.has(deviceId)) {
      throw new RangeError('the service provider has revoked this device');
    }
    const next = new Map(this.#own).set(deviceId, state);
    replaceFile(this.#ownFile, { devices: Object.fromEntries([...next].sort()) });
    this.#read();
  }

  /** The service provider's whole list; replaces the one before and survives a restart. */
  putRevokedByProvider(asOf: string, deviceIds: readonly string[]): void {
    replaceFile(this.#providerFile, { asOf, devices: [...deviceIds].sort() });
    this.#read();
  }

  #readVersion(): string {
    return `${versionOf(this.#ownFile)}/${versionOf(this.#providerFile)}`;
  }

  #look(): void {
    const nowMs = this.#monotonicMs();
    if (nowMs - this.#lookedAtMs < LOOK_EVERY_MS) return;
    this.#lookedAtMs = nowMs;
    if (this.#readVersion() === this.#version) return;
    try {
      this.#read();
    } catch (thrown) {
      this.#onDamage(thrown);
    }
  }

  #read(): void {
    this.#version = this.#readVersion();
    const own = readOwn(this.#ownFile);
    this.#revokedByProvider = readRevoked(this.#providerFile);
    this.#own = own;
  }
}

function devicesOf(value: unknown): unknown {
  if (typeof value === 'object' && value !== null && 'devices' in value) return value.devices;
  throw new TypeError('the list has no "devices"');
}

function readOwn(file: string): ReadonlyMap<string, DeviceState> {
  const value = readReplacedFile(file);
  if (value === undefined) return new Map();
  const entries = Object.entries(devicesOf(value) as object);
  for (const [id, state] of entries) {
    if (!isDeviceId(id) || (state !== 'registered' && state !== 'revoked')) {
      throw new TypeError(`${file}: an entry is neither registered nor revoked`);
    }
  }
  return new Map(entries);
}

function readRevoked(file: string): ReadonlySet<string> {
  const value = readReplacedFile(file);
  if (value === undefined) return new Set();
  const devices = devicesOf(value);
  if (!Array.isArray(devices) || !devices.every(isDeviceId)) throw new TypeError(`${file} is damaged`);
  return new Set(devices);
}
