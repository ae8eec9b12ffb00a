/** Writes what a technician would have installed on the appliance: TLS keys, trust files, the configuration file. */
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodePem } from '#centre/pki/key-folder.ts';
import { issueTlsClient, issueTlsServer } from '#centre/pki/role-certificate.ts';
import type { Centre } from '#centre/region.ts';
import type { ConfigFile } from '#config/schema.ts';
import { testFaceRoot, testTextRoot } from '#drivers/simulated/issue/card-signer.ts';
import { type KnownAnchor, networkConfig } from './anchor.ts';
import { CLINIC } from './identity.ts';
import { applianceFolder } from './state-folder.ts';

export interface InstalledAppliance {
  readonly configFile: string;
  /** What a browser or client of the appliance pins, PEM. */
  readonly caPem: string;
}

export interface InstallOptions {
  readonly stateFolder: string;
  readonly centre: Centre;
  readonly anchor: KnownAnchor;
  /** Of the lease; absent = as usual. */
  readonly graceMs?: number | undefined;
  readonly port: number;
  readonly reader: ConfigFile['reader'];
  readonly sam: ConfigFile['sam'];
  readonly limits?: ConfigFile['limits'];
  readonly http?: ConfigFile['http'];
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error';
}

function joinPem(files: readonly string[]): string {
  return files.map((file) => readFileSync(file, 'utf8')).join('\n');
}

function writeTls(folder: string, centre: Centre): void {
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const client = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const put = (name: string, text: string | Buffer): void =>
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  put('server.key', server.export({ type: 'pkcs8', format: 'pem' }));
  put('client.key', client.export({ type: 'pkcs8', format: 'pem' }));
  const serverCertificate = issueTlsServer(centre.pki, {
    hosts: ['localhost', '127.0.0.1'],
    publicKey: createPublicKey(server),
  });
  const clientCertificate = issueTlsClient(centre.pki, {
    institutionCode: CLINIC.institutionCode,
    publicKey: createPublicKey(client),
  });
  put('server.pem', encodePem(serverCertificate));
  put('client.pem', encodePem(clientCertificate));
}

/** Installs into `stateFolder/appliance`; doing it again replaces keys and configuration, never the database. */
export function installAppliance(options: InstallOptions): InstalledAppliance {
  const { centre } = options;
  const folder = applianceFolder(options.stateFolder);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeTls(folder, centre);
  const { trustFiles, urls } = centre;
  writeFileSync(join(folder, 'jpki.pem'), joinPem(trustFiles.jpkiAuthentication));
  writeFileSync(join(folder, 'hpki.pem'), joinPem([trustFiles.hpkiAuthentication, trustFiles.hpkiRoot]));
  for (const [name, key] of [
    ['card-face-root.pem', testFaceRoot()],
    ['card-text-root.pem', testTextRoot()],
  ] as const) {
    writeFileSync(join(folder, name), createPublicKey(key).export({ type: 'spki', format: 'pem' }));
  }
  const spKey = centre.pki.serviceProviderPublicKey.export({ type: 'spki', format: 'pem' });
  writeFileSync(join(folder, 'service-provider.pem'), spKey);
  writeFileSync(join(folder, 'anchor.pem'), options.anchor.identity.publicKeyPem);
  const config: ConfigFile = {
    profile: 'development',
    listen: { host: '127.0.0.1', port: options.port },
    tls: { keyPath: 'server.key', certificatePath: 'server.pem' },
    centre: {
      serviceProviderUrl: urls.serviceProvider,
      eligibilityUrl: urls.eligibility,
      historyUrl: urls.visitHistory,
      ocspUrl: urls.ocsp,
      crlUrls: [...Object.values(centre.pki.jpkiAuthentication), centre.pki.hpkiAuthentication].map(
        ({ certificate }) => `${urls.crl}/crl/${certificate.keyId}.crl`,
      ),
      timeStampUrl: urls.tsa,
      caPath: trustFiles.centreTls,
      clientKeyPath: 'client.key',
      clientCertificatePath: 'client.pem',
      auditCertificatePath: trustFiles.audit,
    },
    trust: {
      jpkiAnchorsPath: 'jpki.pem',
      hpkiAnchorsPath: 'hpki.pem',
      samDeviceAnchorsPath: trustFiles.samDevice,
      cardFaceRootPath: 'card-face-root.pem',
      cardTextRootPath: 'card-text-root.pem',
      serviceProviderKeyPath: 'service-provider.pem',
      timeStampAnchorsPath: trustFiles.timeStampRoot,
    },
    reader: options.reader,
    sam: options.sam,
    store: { folder: '.' },
    network: networkConfig(options.anchor, 'anchor.pem', options.graceMs),
    texts: { clinicNameJa: CLINIC.nameJa, clinicNameEn: CLINIC.nameEn },
    ...(options.limits === undefined ? {} : { limits: options.limits }),
    ...(options.http === undefined ? {} : { http: options.http }),
    log: { level: options.logLevel ?? 'info' },
  };
  const configFile = join(folder, 'config.json');
  writeFileSync(configFile, JSON.stringify(config, null, 2));
  return { configFile, caPem: readFileSync(trustFiles.centreTls, 'utf8') };
}
