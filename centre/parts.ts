/** What the services of a centre are made of, opened from one folder: hierarchy, databases, administration. */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CentreDatabase } from './database.ts';
import { createProofMemory, type ProofMemory } from './eligibility/proof-memory.ts';
import { createEligibilityStore, type EligibilityStore } from './eligibility/store.ts';
import type { ServiceTls, TlsIdentity } from './http/service.ts';
import { generatePrivateKey } from './pki/algorithm.ts';
import { type Authority, type CentrePki, HIERARCHY_VALIDITY, openCentrePki } from './pki/authority.ts';
import { randomSerial, signCertificate } from './pki/certificate.ts';
import { hostNames, keyUsage } from './pki/extension.ts';
import { encodePem } from './pki/key-folder.ts';
import { encodeName } from './pki/name.ts';
import { openRevocationRegister, type RevocationRegister } from './pki/revocation-register.ts';
import { issueTlsServer } from './pki/role-certificate.ts';
import { openPlatformDatabase } from './platform-database.ts';
import { type Administration, createAdministration } from './service-provider/administration.ts';
import { createRegistry, type Registry } from './service-provider/registry.ts';
import { createRosterLog, type RosterLog } from './service-provider/roster-log.ts';
import { createSamKeyRegister, type SamKeyRegister } from './service-provider/sam-keys.ts';
import { openVisitStore, type VisitStore } from './visit-history/store.ts';

export interface CentreParts {
  readonly pki: CentrePki;
  /** Authorities whose certificates OCSP and CRLs speak about. */
  readonly authorities: readonly Authority[];
  readonly revocations: RevocationRegister;
  readonly registry: Registry;
  readonly administration: Administration;
  readonly samKeys: SamKeyRegister;
  readonly rosterLog: RosterLog;
  readonly eligibility: EligibilityStore;
  readonly proofs: ProofMemory;
  readonly visits: VisitStore;
  readonly nowMs: () => number;
  close(): void;
}

export interface CentrePartsOptions {
  readonly folder: string;
  readonly nowMs?: (() => number) | undefined;
  /** Gives RSA keys by label; generated when left out. */
  readonly rsaKey?: ((label: string) => KeyObject) | undefined;
}

/** Several processes may open the same folder, once one of them has created it. */
export function openCentreParts({ folder, nowMs = Date.now, rsaKey }: CentrePartsOptions): CentreParts {
  const pki = openCentrePki(join(folder, 'pki'), rsaKey === undefined ? {} : { rsaKey });
  const revocations = openRevocationRegister(join(folder, 'authority.db'));
  const platform: CentreDatabase = openPlatformDatabase(join(folder, 'platform.db'));
  const visits = openVisitStore(join(folder, 'visits.db'));
  const registry = createRegistry(platform);
  return {
    pki,
    authorities: [
      ...Object.values(pki.jpkiAuthentication),
      pki.jpkiSigning,
      pki.hpkiAuthentication,
      pki.samDevice,
      pki.centreTls,
    ],
    revocations,
    registry,
    administration: createAdministration({
      registry,
      revocations,
      deviceAuthorityKeyId: pki.samDevice.certificate.keyId,
      signingKey: pki.serviceProviderKey,
      nowMs,
    }),
    samKeys: createSamKeyRegister(platform),
    rosterLog: createRosterLog(platform),
    eligibility: createEligibilityStore(platform),
    proofs: createProofMemory(platform),
    visits,
    nowMs,
    close() {
      visits.close();
      platform.close();
      revocations.close();
    },
  };
}

const exportKey = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

/** TLS material for a listener: a fresh key with a certificate of the centre, and a self-made one for the fault. */
export function createServiceTls(pki: CentrePki, host: string, mutual: boolean): ServiceTls {
  const hosts = [...new Set([host, 'localhost', '127.0.0.1'])];
  const key = generatePrivateKey('p-256');
  const certificate = encodePem(issueTlsServer(pki, { hosts, publicKey: createPublicKey(key) }));
  return {
    identity: { key: exportKey(key), certificate },
    wrongIdentity: createStrayIdentity(hosts),
    clientAuthority: mutual ? readFileSync(pki.centreTls.certificateFile, 'utf8') : undefined,
  };
}

function createStrayIdentity(hosts: readonly string[]): TlsIdentity {
  const key = generatePrivateKey('p-256');
  const name = encodeName([['CN', 'Nobody']]);
  const certificate = signCertificate(
    {
      serial: randomSerial(),
      issuer: name,
      subject: name,
      publicKey: createPublicKey(key),
      extensions: [keyUsage(0), hostNames(hosts)],
      ...HIERARCHY_VALIDITY,
    },
    key,
  );
  return { key: exportKey(key), certificate: encodePem(certificate) };
}
