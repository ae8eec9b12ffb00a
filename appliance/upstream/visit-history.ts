/** 受診履歴管理サービス: a visit record is registered once, however often it is sent. */
import { VisitReceipt } from '#contract/centre/visit-history.ts';
import { SekishoError } from '#contract/errors.ts';
import type { Circuit } from './circuit.ts';
import { askJson } from './json-service.ts';
import type { VisitHistory } from './ports.ts';

export function makeVisitHistory(circuit: Circuit): VisitHistory {
  return {
    register: (message, signal) => {
      const path = `/v1/visits/${encodeURIComponent(message.visitId)}`;
      return askJson(circuit, VisitReceipt, { method: 'PUT', path, message }, signal, (receipt) => {
        if (receipt.visitId === message.visitId) return receipt;
        throw new SekishoError('centre.garbled', { context: { why: 'receipt of another visit' } });
      });
    },
  };
}
