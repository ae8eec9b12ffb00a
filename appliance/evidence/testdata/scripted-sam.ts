/** A SAM for tests that stamps and nothing else; it lays out its own bytes, so that it can disagree with us. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import type { TickStamp } from '../ledger.ts';

export class ScriptedSam {
  readonly samId: string;
  readonly keys: { readonly privateKey: KeyObject; readonly publicKey: KeyObject };
  tickNonce = '11'.repeat(16);
  ticks = 1_000;
  useCounter = 7;
  tickPeriodMs = 1_000;
  stamps = 0;

  constructor(samId = '53414d3030303031') {
    this.samId = samId;
    this.keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  }

  get privateKeyPem(): string {
    return this.keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  }

  readonly stamper = (digest: Uint8Array): Promise<TickStamp> => Promise.resolve(this.stamp(digest));

  stamp(digest: Uint8Array): TickStamp {
    this.stamps += 1;
    this.ticks += 1;
    const content = Buffer.from(
      [
        ['8008', this.samId],
        ['8408', this.ticks.toString(16).padStart(16, '0')],
        ['8510', this.tickNonce],
        ['8304', this.useCounter.toString(16).padStart(8, '0')],
        ['8a02', this.tickPeriodMs.toString(16).padStart(4, '0')],
        ['8820', Buffer.from(digest).toString('hex')],
      ]
        .flat()
        .join(''),
      'hex',
    );
    const object = Buffer.concat([Buffer.from([0xe7, content.length]), content]);
    return {
      stamp: object.toString('hex'),
      signature: sign('sha256', object, this.keys.privateKey).toString('hex'),
    };
  }

  /** E7 object ‖ 9E object, as the SAM answers TICK STAMP. */
  completeStamp(digest: Uint8Array): Buffer {
    const { stamp, signature } = this.stamp(digest);
    const bytes = Buffer.from(signature, 'hex');
    return Buffer.concat([Buffer.from(stamp, 'hex'), Buffer.from([0x9e, bytes.length]), bytes]);
  }
}
