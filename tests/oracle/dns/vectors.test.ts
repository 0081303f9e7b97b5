import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { Store } from '../../../src/engine/api/store.ts';
import type { KubeObject } from '../../../src/engine/api/types.ts';
import { storeDirectory } from '../../../src/engine/dns/directory.ts';
import { decodeMessage, encodeMessage, isRecordType, query } from '../../../src/engine/dns/message.ts';
import type { DnsMessage, Rdata } from '../../../src/engine/dns/message.ts';
import { CoreDns } from '../../../src/engine/dns/server.ts';
import { candidates } from '../../../src/engine/shell/resolve.ts';

/** `dns/vectors.jsonl` of the oracle folder: questions and their answers after the Kubernetes DNS specification 1.1.0. */
interface Vector {
  readonly id: string;
  readonly query: string;
  readonly type: string;
  readonly given: string;
  readonly answer: 'NXDOMAIN' | 'NODATA' | readonly string[];
  readonly upstream?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
  readonly resolver?: {
    readonly namespace: string;
    readonly search: readonly string[];
    readonly ndots: number;
    readonly tries: readonly string[];
  };
}

const path = new URL('../../../../shared/oracle/dns/vectors.jsonl', import.meta.url);
const there = existsSync(path);
const vectors: Vector[] = there
  ? readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  : [];

describe.skipIf(!there && process.env['CI'] !== 'true')('the Kubernetes DNS specification', () => {
  test('has its vectors at hand', () => {
    expect(vectors.length).toBeGreaterThan(60);
  });

  test.each(vectors.map((vector) => [vector.id, vector] as const))('%s', (_, vector) => {
    const store = storeOf(vector.given);
    const server = new CoreDns({ directory: storeDirectory(store), zone: 'cluster.local', serial: () => 1 });
    const ask = (name: string): DnsMessage => resolve(server, name, vector);
    if (vector.resolver === undefined) {
      expect(matches(ask(vector.query), vector)).toBe('');
      return;
    }
    const { search, ndots } = vector.resolver;
    const tries = candidates(vector.query, { nameservers: [], search, ndots, timeout: 5, attempts: 2 });
    const answers = tries.map((name) => ({ name, message: ask(name) }));
    const found = answers.findIndex(({ message }) => message.answers.length > 0);
    const tried = found < 0 ? answers : answers.slice(0, found + 1);
    expect(tried.map(({ name }) => name)).toEqual(vector.resolver.tries);
    const last = tried.at(-1);
    if (last === undefined) throw new Error('nothing was asked');
    expect(matches(last.message, vector)).toBe('');
  });
});

/** Asks over the wire format both ways, following the upstream's part by hand. */
function resolve(server: CoreDns, name: string, vector: Vector): DnsMessage {
  if (!isRecordType(vector.type)) throw new Error(`unknown type ${vector.type}`);
  const reply = server.answer(encodeMessage(query(1, name, vector.type)), 65535);
  if (reply.kind === 'forward') {
    const upstream = vector.upstream?.[reply.query.questions[0]?.name ?? ''];
    const data = upstream?.[vector.type] ?? [];
    const records = data.map((address) => ({
      name: reply.query.questions[0]?.name ?? '',
      ttl: 300,
      data: { type: vector.type === 'AAAA' ? 'AAAA' : 'A', address } satisfies Rdata,
    }));
    const bytes = encodeMessage({
      ...reply.query,
      response: true,
      rcode: upstream === undefined ? 'NXDOMAIN' : 'NOERROR',
      answers: records,
    });
    return decoded(reply.complete(bytes));
  }
  if (reply.kind === 'drop') throw new Error('dropped');
  return decoded(reply.bytes);
}

function decoded(bytes: Uint8Array): DnsMessage {
  const message = decodeMessage(bytes);
  if (message === undefined) throw new Error('the answer is no DNS message');
  return message;
}

/** The empty string, or what differs. */
function matches(message: DnsMessage, { answer }: Vector): string {
  if (answer === 'NXDOMAIN') return message.rcode === 'NXDOMAIN' ? '' : `${message.rcode}, not NXDOMAIN`;
  if (message.rcode !== 'NOERROR') return message.rcode;
  if (answer === 'NODATA') return message.answers.length === 0 ? '' : `${message.answers.length} answers`;
  const mixed = answer.some((text) => text.startsWith('CNAME '));
  const got = message.answers.map(({ data }) => (mixed ? `${data.type} ` : '') + rdataValue(data));
  if (got.length !== answer.length) return `got ${got.join(' | ')}`;
  const left = [...got];
  for (const wanted of answer) {
    const at = left.findIndex((text) => fits(text, wanted));
    if (at < 0) return `no ${wanted} among ${got.join(' | ')}`;
    left.splice(at, 1);
  }
  return '';
}

function fits(text: string, wanted: string): boolean {
  const parts = text.split(' ');
  const pattern = wanted.split(' ');
  return (
    parts.length === pattern.length &&
    pattern.every((part, i) =>
      part.includes('<unique>')
        ? (parts[i] ?? '').endsWith(part.slice(part.indexOf('>') + 1))
        : part === '*' || part === parts[i],
    )
  );
}

function rdataValue(data: Rdata): string {
  switch (data.type) {
    case 'A':
    case 'AAAA':
      return data.address;
    case 'CNAME':
    case 'NS':
    case 'PTR':
      return data.target;
    case 'SRV':
      return `${data.priority} ${data.weight} ${data.port} ${data.target}`;
    case 'TXT':
      return data.texts.map((text) => `"${text}"`).join(' ');
    default:
      return data.type;
  }
}

function storeOf(manifests: string): Store {
  const store = new Store();
  for (const name of ['default', 'kube-system', 'other', 'prod']) store.put(bare('Namespace', name));
  for (const document of parseAllDocuments(manifests)) {
    const object: Omit<KubeObject, 'metadata'> & { metadata: { name: string; namespace?: string } } =
      document.toJS();
    store.put({
      ...object,
      metadata: {
        ...object.metadata,
        uid: `${object.kind}/${object.metadata.namespace ?? ''}/${object.metadata.name}`,
        resourceVersion: '0',
        creationTimestamp: '2026-01-01T00:00:00Z',
      },
    });
  }
  return store;
}

function bare(kind: string, name: string): KubeObject {
  return {
    apiVersion: 'v1',
    kind,
    metadata: {
      name,
      uid: `${kind}/${name}`,
      resourceVersion: '0',
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
  };
}
