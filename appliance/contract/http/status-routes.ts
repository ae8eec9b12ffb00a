/** What anyone on the clinic's network may ask: state, texts, description, health. */
import { GatewaySnapshot } from '../snapshot.ts';
import * as messages from './messages.ts';
import { type HttpRoute, json } from './route.ts';

export const STATUS_ROUTES = {
  readSnapshot: {
    method: 'GET',
    path: '/v1/snapshot',
    auth: 'none',
    logs: 'nothing',
    ja: '今の状態。患者の情報は含まない',
    en: 'The state now; no patient data in it',
    answer: json(GatewaySnapshot),
    errors: [],
  },
  streamSnapshots: {
    method: 'GET',
    path: '/v1/events',
    auth: 'none',
    logs: 'nothing',
    ja: '状態の変化を受け取り続ける',
    en: 'Every new state, as server-sent events',
    answer: { kind: 'events', schema: GatewaySnapshot },
    errors: [],
  },
  listErrors: {
    method: 'GET',
    path: '/v1/errors',
    auth: 'none',
    logs: 'nothing',
    ja: 'エラーの一覧と、次にすること',
    en: 'Every error and its next step',
    answer: json(messages.ErrorList),
    errors: [],
  },
  readOpenApi: {
    method: 'GET',
    path: '/openapi.json',
    auth: 'none',
    logs: 'nothing',
    ja: 'この API の説明（OpenAPI 3.1）',
    en: 'This description (OpenAPI 3.1)',
    answer: { kind: 'document' },
    errors: [],
  },
  readHealth: {
    method: 'GET',
    path: '/healthz',
    auth: 'none',
    logs: 'nothing',
    ja: '動いているか',
    en: 'Whether the appliance is alive',
    answer: json(messages.Health),
    errors: [],
  },
  readMetrics: {
    method: 'GET',
    path: '/metrics',
    auth: 'none',
    logs: 'nothing',
    ja: '計測値（Prometheus）',
    en: 'Metrics for Prometheus',
    answer: { kind: 'text' },
    errors: [],
  },
} as const satisfies Readonly<Record<string, HttpRoute>>;
