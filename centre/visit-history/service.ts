/** Registration of visits, idempotent by visit id. */
import { type VisitReceipt, VisitRecord } from '#contract/centre/visit-history.ts';
import { createDeviceGate, type ProvenDevice } from '../http/device-gate.ts';
import { parseJson } from '../http/json.ts';
import { CentreRefusal, jsonReply } from '../http/problem.ts';
import type { Route } from '../http/route.ts';
import type { Certificate } from '../pki/certificate.ts';
import type { RevocationRegister } from '../pki/revocation-register.ts';
import type { VisitStore } from './store.ts';

export interface VisitHistoryOptions {
  readonly store: VisitStore;
  readonly revocations: RevocationRegister;
  readonly deviceAuthority: Certificate;
  /** Throws for a device that may not ask. */
  readonly admit: (device: ProvenDevice) => void;
  /** The SP wants something of it. */
  readonly hasOrders: (device: ProvenDevice) => boolean;
  readonly nowMs: () => number;
}

export function visitHistoryRoutes(options: VisitHistoryOptions): Route[] {
  const gate = createDeviceGate(options);
  return gate.withProof([
    {
      method: 'PUT',
      path: '/v1/visits/:visitId',
      mediaType: 'application/json',
      handle(call) {
        const device = gate.deviceOf(call);
        const record = parseJson(VisitRecord, call.body);
        if (record.visitId !== call.parameters.visitId) {
          throw new CentreRefusal('message-invalid', 'The address and the record name different visits.');
        }
        if (record.institutionCode !== device.institutionCode) {
          throw new CentreRefusal('message-invalid', 'The institution code is not that of the connection.');
        }
        const { outcome, receivedAtMs } = options.store.register(record, options.nowMs());
        if (outcome === 'conflict') {
          throw new CentreRefusal('conflict', 'Another record with this visit id is already kept.');
        }
        const receipt: VisitReceipt = {
          visitId: record.visitId,
          receivedAt: new Date(receivedAtMs).toISOString(),
        };
        return jsonReply(outcome === 'created' ? 201 : 200, receipt);
      },
    },
  ]);
}
