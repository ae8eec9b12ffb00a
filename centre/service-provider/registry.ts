/** What the SP knows: devices with their networks and limits, operators by institution, roster versions. */
import type { RosterOperator } from '#contract/centre/service-provider.ts';
import { OperatorRole } from '#contract/centre/service-provider.ts';
import type { CentreDatabase } from '../database.ts';
import { createDisableOrders, type DisableOrders } from './disable-orders.ts';

export interface DeviceRecord {
  /** 16 lower-case hex digits. */
  readonly samId: string;
  readonly institutionCode: string;
  /** Serial of the device certificate. */
  readonly serial: Uint8Array;
  readonly networkIds: readonly string[];
  readonly maxUses: number;
  /** 0 = no limit. */
  readonly maxTicks: number;
  readonly revoked: boolean;
}

export interface OperatorRecord extends RosterOperator {
  /** DER SubjectPublicKeyInfo whose SHA-256 is keyId. */
  readonly publicKey: Uint8Array;
}

export interface Roster {
  readonly version: number;
  readonly operators: readonly OperatorRecord[];
}

export interface Registry {
  readonly disableOrders: DisableOrders;
  putDevice(device: DeviceRecord): void;
  findDevice(samId: string): DeviceRecord | undefined;
  /** SAM ids, in order. */
  revokedDevices(institutionCode: string): readonly string[];
  /** Adds or replaces; every change makes a new roster version. */
  putOperator(institutionCode: string, operator: OperatorRecord): void;
  findOperator(institutionCode: string, keyId: string): OperatorRecord | undefined;
  /** Makes a new roster version, too. */
  removeOperator(institutionCode: string, keyId: string): void;
  /** All of `work` or nothing; nobody else changes a roster meanwhile. */
  transaction<Result>(work: () => Result): Result;
  roster(institutionCode: string): Roster;
  logGrant(samId: string, networkId: string, maxUses: number, issuedAtMs: number): void;
  grantCount(samId: string): number;
  logRewrap(fromSamId: string, toSamId: string, atMs: number): void;
}

interface DeviceRow {
  readonly sam_id: string;
  readonly institution_code: string;
  readonly serial: Buffer;
  readonly max_uses: number;
  readonly max_ticks: number;
  readonly revoked: number;
}

interface OperatorRow {
  readonly key_id: string;
  readonly public_key: Buffer;
  readonly display_name: string;
  readonly roles: string;
  readonly suspended: number;
  readonly card_kind: string;
}

const toOperator = (row: OperatorRow): OperatorRecord => ({
  keyId: row.key_id,
  publicKey: row.public_key,
  displayName: row.display_name,
  roles: row.roles.split(',').map((role) => OperatorRole.parse(role)),
  suspended: row.suspended !== 0,
  cardKind: row.card_kind === 'hpki' ? 'hpki' : 'my-number',
});

export function createRegistry(database: CentreDatabase): Registry {
  return {
    disableOrders: createDisableOrders(database),
    putDevice: (device) => putDevice(database, device),
    findDevice: (samId) => findDevice(database, samId),
    revokedDevices(institutionCode) {
      const sql = 'SELECT sam_id FROM device WHERE institution_code = ? AND revoked <> 0 ORDER BY sam_id';
      return database.all<{ sam_id: string }>(sql, institutionCode).map((row) => row.sam_id);
    },
    putOperator: (institutionCode, operator) => putOperator(database, institutionCode, operator),
    findOperator(institutionCode, keyId) {
      const sql = 'SELECT * FROM operator WHERE institution_code = ? AND key_id = ?';
      const row = database.get<OperatorRow>(sql, institutionCode, keyId);
      return row === undefined ? undefined : toOperator(row);
    },
    removeOperator(institutionCode, keyId) {
      database.transaction(() => {
        const sql = 'DELETE FROM operator WHERE institution_code = ? AND key_id = ?';
        if (database.run(sql, institutionCode, keyId) > 0) raiseVersion(database, institutionCode);
      });
    },
    transaction: (work) => database.transaction(work),
    roster: (institutionCode) => database.transaction(() => readRoster(database, institutionCode)),
    logGrant(samId, networkId, maxUses, issuedAtMs) {
      database.run('INSERT INTO grant_log VALUES (?, ?, ?, ?)', samId, networkId, maxUses, issuedAtMs);
    },
    logRewrap(fromSamId, toSamId, atMs) {
      database.run('INSERT INTO rewrap_log VALUES (?, ?, ?)', fromSamId, toSamId, atMs);
    },
    grantCount: (samId) =>
      database.get<{ count: number }>('SELECT count(*) AS count FROM grant_log WHERE sam_id = ?', samId)
        ?.count ?? 0,
  };
}

function putDevice(database: CentreDatabase, device: DeviceRecord): void {
  database.transaction(() => {
    database.run('DELETE FROM device WHERE sam_id = ?', device.samId);
    database.run(
      'INSERT INTO device VALUES (?, ?, ?, ?, ?, ?)',
      device.samId,
      device.institutionCode,
      device.serial,
      device.maxUses,
      device.maxTicks,
      device.revoked ? 1 : 0,
    );
    for (const networkId of device.networkIds) {
      database.run('INSERT INTO network VALUES (?, ?)', device.samId, networkId);
    }
  });
}

function findDevice(database: CentreDatabase, samId: string): DeviceRecord | undefined {
  const row = database.get<DeviceRow>('SELECT * FROM device WHERE sam_id = ?', samId);
  if (row === undefined) return undefined;
  const sql = 'SELECT network_id FROM network WHERE sam_id = ? ORDER BY network_id';
  return {
    samId: row.sam_id,
    institutionCode: row.institution_code,
    serial: row.serial,
    networkIds: database.all<{ network_id: string }>(sql, samId).map((network) => network.network_id),
    maxUses: row.max_uses,
    maxTicks: row.max_ticks,
    revoked: row.revoked !== 0,
  };
}

/** The SAM holds no more (`docs/sam-profile.md` 4.10). */
export const MAX_OPERATORS = 100;

function putOperator(database: CentreDatabase, institutionCode: string, operator: OperatorRecord): void {
  database.transaction(() => {
    database.run(
      'INSERT OR REPLACE INTO operator VALUES (?, ?, ?, ?, ?, ?, ?)',
      institutionCode,
      operator.keyId,
      operator.publicKey,
      operator.displayName,
      operator.roles.join(','),
      operator.suspended ? 1 : 0,
      operator.cardKind,
    );
    if (readRoster(database, institutionCode).operators.length > MAX_OPERATORS) {
      throw new RangeError(`a roster has at most ${MAX_OPERATORS} operators`);
    }
    raiseVersion(database, institutionCode);
  });
}

function raiseVersion(database: CentreDatabase, institutionCode: string): void {
  const sql = 'INSERT INTO roster VALUES (?, 2) ON CONFLICT DO UPDATE SET version = version + 1';
  database.run(sql, institutionCode);
}

/** Version 1 is the empty roster of an institution without operators. */
function readRoster(database: CentreDatabase, institutionCode: string): Roster {
  const version = database.get<{ version: number }>(
    'SELECT version FROM roster WHERE institution_code = ?',
    institutionCode,
  )?.version;
  const operators = database
    .all<OperatorRow>('SELECT * FROM operator WHERE institution_code = ? ORDER BY key_id', institutionCode)
    .map(toOperator);
  return { version: version ?? 1, operators };
}
