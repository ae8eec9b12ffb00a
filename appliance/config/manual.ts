/** Renders the schema as the manual page `docs/config.md`. */
import { z } from 'zod';
import { BrokerConfigSchema } from './broker-schema.ts';
import { ConfigSchema } from './schema.ts';

/** The part of JSON Schema that zod writes for our schema. */
interface Node {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: Node;
  readonly oneOf?: readonly Node[];
  readonly anyOf?: readonly Node[];
  readonly properties?: Readonly<Record<string, Node>>;
  readonly required?: readonly string[];
}

function renderTable(from: z.ZodType): string {
  const schema = z.toJSONSchema(from, { io: 'input' }) as Node;
  const rows = Object.entries(schema.properties ?? {}).map(([name, node]) =>
    renderSetting(name, node, isRequired(schema, name)),
  );
  return `| setting | type and range | default | unit | meaning |
|---|---|---|---|---|
${rows.join('')}`;
}

export function renderConfigManual(): string {
  return `# 設定 / Configuration

<!-- Generated from schema.ts and broker-schema.ts of appliance/config. UPDATE_GOLDEN=1 npx vitest run appliance/config rewrites it. -->

One JSON file. An unknown key is an error; a production file that names a simulator is an error; all problems are listed
at once. Units stand in names (\`…Ms\` milliseconds, \`…Bytes\` bytes). Secrets are never values, only paths of files;
paths are relative to the configuration file, and every \`…Path\` must be readable at start. In a production file none of them
may hold a key that is published with this software: test vectors, simulated cards and authorities (known by fingerprint,
\`appliance/config/published-keys.generated.ts\`).

${renderTable(ConfigSchema)}
## The SAM broker

A file of its own, by the same rules; only the user that the broker runs as may read or write what it names.

${renderTable(BrokerConfigSchema)}`;
}

function isRequired(parent: Node, name: string): boolean {
  return parent.required?.includes(name) ?? false;
}

function renderSetting(path: string, node: Node, required: boolean): string {
  if (node.oneOf !== undefined) {
    return node.oneOf.map((choice) => renderChoice(path, node, choice)).join('');
  }
  if (node.items?.properties !== undefined) return renderSetting(`${path}[]`, node.items, true);
  if (node.properties !== undefined) {
    return Object.entries(node.properties)
      .map(([name, child]) => renderSetting(`${path}.${name}`, child, isRequired(node, name)))
      .join('');
  }
  const absent = required ? '*required*' : '*absent*';
  const initial = node.default === undefined ? absent : `\`${JSON.stringify(node.default)}\``;
  return `| \`${path}\` | ${renderType(node)} | ${initial} | ${unitOf(path)} | ${node.description ?? ''} |\n`;
}

function renderChoice(path: string, union: Node, choice: Node): string {
  const { driver, ...rest } = choice.properties ?? {};
  const head = `| \`${path}.driver\` | \`"${String(driver?.const)}"\` | *required* | | ${union.description ?? ''} |\n`;
  return (
    head +
    Object.entries(rest)
      .map(([name, child]) => renderSetting(`${path}.${name}`, child, isRequired(choice, name)))
      .join('')
  );
}

function renderType(node: Node): string {
  if (node.enum !== undefined) return node.enum.map((value) => `\`${JSON.stringify(value)}\``).join(', ');
  if (node.items !== undefined) return `list of ${renderType(node.items)}`;
  if (node.type === 'integer') return `integer ${node.minimum} to ${node.maximum}`;
  if (node.format === 'uri') return 'URL';
  if (node.pattern !== undefined) return `text \`${node.pattern}\``;
  if (node.anyOf !== undefined) return node.anyOf.map(renderType).join(', ');
  if (node.const !== undefined) return `\`${JSON.stringify(node.const)}\``;
  return node.type === 'string' ? 'text' : String(node.type);
}

function unitOf(path: string): string {
  if (path.endsWith('Ms')) return 'ms';
  return path.endsWith('Bytes') ? 'bytes' : '';
}
