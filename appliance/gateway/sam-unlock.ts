/** Opens the SAM: online by the SP's grant, offline by an operator's card. The SAM verifies both itself. */
import { createHash } from 'node:crypto';
import { SekishoError, toSekishoError } from '#contract/errors.ts';
import type { Sam } from '#sam/sam.ts';
import type { GatewayCore } from './core.ts';
import type { GatewayParts } from './parts.ts';

/** Signs `message` with the operator card's authentication key; the card answers ECDSA raw, RSA PKCS#1 v1.5. */
export type OperatorSigner = (message: Uint8Array) => Promise<{ keyId: Uint8Array; signature: Uint8Array }>;

function fromHex(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex, 'hex'));
}

function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

export class SamUnlock {
  readonly #parts: GatewayParts;
  readonly #core: GatewayCore;

  constructor(parts: GatewayParts, core: GatewayCore) {
    this.#parts = parts;
    this.#core = core;
  }

  /** Challenge, grant, EXTERNAL AUTHENTICATE; then the tick anchor in the background. Rejects `centre.*`, `sam.*`. */
  async online(signal?: AbortSignal): Promise<void> {
    const sam = this.#parts.samHolder.require();
    const challenge = await sam.challenge();
    const grant = await this.#parts.centre.serviceProvider.unlockSam(
      { samId: sam.samId, challenge: toHex(challenge), networkId: this.#parts.networkId },
      signal,
    );
    await sam.unlockOnline(new Uint8Array(Buffer.from(grant.grant, 'base64')));
    await this.#opened(sam, 'online', undefined);
    await this.refreshRoster(signal);
  }

  async offline(sign: OperatorSigner, operatorId: string): Promise<void> {
    const sam = this.#parts.samHolder.require();
    const networkId = fromHex(this.#parts.networkId);
    const challenge = await sam.challenge();
    const { keyId, signature } = await sign(sam.offlineUnlockMessage(challenge, networkId));
    await sam.unlockOffline({ keyId, networkId, signature });
    await this.#opened(sam, 'offline', operatorId);
  }

  async #opened(sam: Sam, how: 'online' | 'offline', operatorId: string | undefined): Promise<void> {
    const { usesLeft } = await sam.status();
    this.#parts.samHolder.forgetCertificates();
    this.#core.apply({ type: 'samUnlocked', by: how, usesLeft });
    await this.#parts.ledger.append(
      {
        kind: 'sam-unlocked',
        at: this.#now(),
        how,
        samId: sam.samId,
        networkId: this.#parts.networkId,
        ...(operatorId === undefined ? {} : { operatorId }),
        maxUses: usesLeft,
      },
      { stamp: (digest) => sam.tickStamp(digest) },
    );
    this.#anchorTicks(sam);
  }

  /**
   * TickStamp1: has an RFC 3161 authority time-stamp a fresh tick stamp, so that every stamp of this power-up
   * gets a proven earliest and latest time. Without the authority the stamps still order everything.
   */
  #anchorTicks(sam: Sam): void {
    const anchor = async (): Promise<void> => {
      const { stamp, signature } = await sam.tickStamp(this.#parts.random.bytes(32));
      const digest = createHash('sha256').update(stamp, 'hex').update(signature, 'hex').digest();
      const token = await this.#parts.centre.timeStamps.timeStamp(new Uint8Array(digest));
      await this.#parts.ledger.append(
        {
          kind: 'tick-anchor',
          at: this.#now(),
          tickStamp: stamp + signature,
          token: Buffer.from(token).toString('base64'),
        },
        { stamp: (entryDigest) => sam.tickStamp(entryDigest) },
      );
    };
    anchor().catch((thrown: unknown) => {
      this.#parts.logger.warn('tick-anchor.missing', { error: toSekishoError(thrown).code });
    });
  }

  /** Fetches the SP's roster and gives it to the SAM when it is newer. An old one goes on working. */
  async refreshRoster(signal?: AbortSignal): Promise<void> {
    try {
      const roster = await this.#parts.centre.serviceProvider.roster(signal);
      const { rosterVersion } = await this.#parts.samHolder.require().status();
      if (roster.version > rosterVersion) {
        await this.#parts.samHolder.require().updateRoster(new Uint8Array(Buffer.from(roster.update, 'base64')));
      }
      this.#parts.roster.rememberRoster(roster);
    } catch (thrown) {
      this.#parts.logger.warn('roster.not-refreshed', { error: toSekishoError(thrown).code });
    }
  }

  #now(): string {
    return new Date(this.#parts.clock.nowMs()).toISOString();
  }

  /** Throws unless the SAM answers as unlocked right now; the SAM's word counts, not our memory. */
  async requireUnlocked(): Promise<void> {
    const { state } = await this.#parts.samHolder.require().status();
    if (state === 'disabled') throw new SekishoError('sam.disabled');
    if (state === 'locked' || state === 'blank') throw new SekishoError('sam.locked');
  }
}
