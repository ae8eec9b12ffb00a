/** Everything an upstream test needs around it: authorities by openssl, credentials, a device that signs. */
import { sign } from 'node:crypto';
import { systemClock } from '#ports/clock.ts';
import { silentLogger } from '#ports/logger.ts';
import { systemRandom } from '#ports/random.ts';
import {
  type IssuedCertificate,
  type OpensslAuthority,
  openFolder,
  openRoot,
} from '#trust/testdata/openssl-authority.ts';
import type { CentreOptions, CentreUrls } from '../centre.ts';
import type { DeviceSigner } from '../ports.ts';

export interface TestRegion {
  readonly directory: string;
  readonly tls: OpensslAuthority;
  readonly server: IssuedCertificate;
  readonly client: IssuedCertificate;
  readonly signer: DeviceSigner & { signatures: number };
  /** Options of a server that is what it should be. */
  readonly serverTls: { cert: string; key: string; ca: string };
  options(urls: Partial<CentreUrls>): CentreOptions;
  remove(): void;
}

const NOWHERE = 'https://localhost:1';

export function openRegion(): TestRegion {
  const folder = openFolder();
  const tls = openRoot(folder.directory, 'tls', {});
  const server = tls.issue('server', {
    extensions: 'subjectAltName=DNS:localhost\nextendedKeyUsage=serverAuth',
  });
  const client = tls.issue('client', {
    subject: '/CN=1312345678',
    extensions: 'extendedKeyUsage=clientAuth',
  });
  const device = openRoot(folder.directory, 'devices', {}).issue('0011223344556677');
  const signer = {
    signatures: 0,
    deviceCertificate: async () => device.der,
    async signDeviceProof(data: Uint8Array) {
      signer.signatures += 1;
      return sign('sha256', Buffer.concat([Buffer.from('SEKISHO-DEVICE-1'), data]), device.keyPem);
    },
  };
  return {
    directory: folder.directory,
    tls,
    server,
    client,
    signer,
    serverTls: { cert: server.pem, key: server.keyPem, ca: tls.certificate.pem },
    options: (urls) => ({
      urls: {
        serviceProvider: NOWHERE,
        eligibility: NOWHERE,
        history: NOWHERE,
        ocsp: 'http://localhost:1/ocsp',
        crls: [],
        timeStamps: 'http://localhost:1/tsa',
        ...urls,
      },
      credentials: { authority: tls.certificate.pem, certificate: client.pem, key: client.keyPem },
      timeStampAuthorities: { anchors: [] },
      cardAuthorities: [],
      signer,
      clock: systemClock,
      random: systemRandom,
      logger: silentLogger,
    }),
    remove: folder.remove,
  };
}
