import fc from 'fast-check';
import { expect, test } from 'vitest';
import { structType } from '../../../src/engine/api/fields.ts';
import { modelledKinds, resourceOfKind } from '../../../src/engine/api/kinds.ts';
import { isObject } from '../../../src/engine/api/json.ts';
import type { Json } from '../../../src/engine/api/types.ts';
import { TestCluster } from './fake.ts';

const texts = [
  '',
  'a',
  'b',
  'web',
  'Always',
  'None',
  '10.96.0.7',
  '10.0.0.0/8',
  'fd00::1',
  '80%',
  '1Gi',
  '__proto__',
  'x'.repeat(300),
  '-',
  '*.example.com',
];
const numbers = [0, 1, 2, 80, 65_536, -1, 30_080, 2_147_483_647];

/** A value of a type of the field table: of the right type, and otherwise anything. */
function valueOf(code: string, draw: () => number, depth: number): Json {
  const pick = <T>(items: readonly T[]): T => items[draw() % items.length] as T;
  if (code.startsWith('[]'))
    return Array.from({ length: draw() % 3 }, () => valueOf(code.slice(2), draw, depth + 1));
  if (code.startsWith('{}'))
    return Object.fromEntries(
      Array.from({ length: draw() % 3 }, () => [pick(texts), valueOf(code.slice(2), draw, depth + 1)]),
    );
  const struct = structType(code);
  if (struct) {
    const fields: Record<string, Json> = {};
    for (const [name, { code: of }] of struct.fields) {
      const usual =
        /^(?:spec|template|containers|name|image|selector|matchLabels|ports|port|labels|metadata)$/.test(
          name,
        );
      if (depth < 9 && draw() % 10 < (usual ? 8 : 2)) fields[name] = valueOf(of, draw, depth + 1);
    }
    return fields;
  }
  if (code.includes('/')) return draw() % 8 === 0 ? pick(texts) : pick(code.split('/'));
  switch (code) {
    case 'b':
      return draw() % 2 === 0;
    case 'i':
    case 'l':
      return pick(numbers);
    case 'x':
      return draw() % 2 === 0 ? pick(numbers) : pick(texts);
    case 'q':
      return pick(['1', '100m', '1Gi', 2, '-1']);
    case 't':
      return '2026-01-01T00:00:00Z';
    case 'y':
      return 'YQ==';
    case 'a':
      return null;
    default:
      return pick(texts);
  }
}

const container = { name: 'c', image: 'nginx' };
const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [container] } };
const selector = { matchLabels: { app: 'web' } };

/** Objects that would be accepted as they are. */
const plain: Readonly<Record<string, Json>> = {
  Pod: { metadata: { labels: { app: 'web' } }, spec: { containers: [container] } },
  Deployment: { spec: { replicas: 2, selector, template } },
  ReplicaSet: { spec: { replicas: 2, selector, template } },
  StatefulSet: { spec: { replicas: 2, selector, template } },
  DaemonSet: { spec: { selector, template } },
  Job: { spec: { template: { ...template, spec: { containers: [container], restartPolicy: 'Never' } } } },
  Service: { spec: { selector: { app: 'web' }, ports: [{ port: 80 }] } },
  NetworkPolicy: { spec: { podSelector: {}, ingress: [{ from: [{ podSelector: selector }] }] } },
  Ingress: { spec: { defaultBackend: { service: { name: 'web', port: { number: 80 } } } } },
  EndpointSlice: { addressType: 'IPv4', endpoints: [{ addresses: ['10.244.1.9'] }], ports: [{ port: 80 }] },
  Endpoints: { subsets: [{ addresses: [{ ip: '10.244.1.9' }], ports: [{ port: 80 }] }] },
  AdminNetworkPolicy: { spec: { priority: 1, subject: { namespaces: {} } } },
  BaselineAdminNetworkPolicy: { spec: { subject: { namespaces: {} } } },
};

/** The value with an odd field more here and there. */
function seasoned(code: string, value: Json, draw: () => number): Json {
  if (Array.isArray(value)) return value.map((item) => seasoned(code.slice(2), item as Json, draw));
  const struct = structType(code);
  if (!struct || !isObject(value)) return value;
  const fields: Record<string, Json> = {};
  for (const [name, item] of Object.entries(value))
    fields[name] = seasoned(struct.fields.get(name)?.code ?? 'a', item as Json, draw);
  if (draw() % 4 !== 0) return fields;
  const [name, field] = [...struct.fields][draw() % struct.fields.size] ?? [];
  if (name !== undefined && field) fields[name] = valueOf(field.code, draw, 7);
  return fields;
}

function play(stream: Iterator<number>): void {
  const draw = (): number => {
    const next = stream.next();
    return next.done ? 0 : next.value;
  };
  const cluster = new TestCluster({ maxObjects: 60 });
  for (let i = 0; i < 8; i++) {
    const kind = modelledKinds[draw() % modelledKinds.length] ?? 'Pod';
    const base = plain[kind];
    const value = base !== undefined && draw() % 5 > 0 ? seasoned(kind, base, draw) : valueOf(kind, draw, 0);
    if (!isObject(value)) continue;
    const name = draw() % 4 === 0 ? 'web' : `o${i}`;
    const metadata = {
      ...(isObject(value['metadata']) ? value['metadata'] : {}),
      name,
      namespace: 'default',
    };
    const outcome = cluster.apply(
      JSON.stringify({ ...value, apiVersion: resourceOfKind(kind)?.apiVersion ?? '', kind, metadata }),
    );
    for (const { line, column } of outcome.diagnostics) expect(line * column).toBeGreaterThan(0);
    if (draw() % 3 === 0) cluster.delete(kind, name);
    if (draw() % 3 === 0) cluster.clock.advance(7_000_000);
  }
  cluster.settle();
  expect(cluster.plane.idle).toBe(true);
}

test('objects that decode, however odd, are refused or reconciled, and the cluster comes to rest', () => {
  fc.assert(fc.property(fc.infiniteStream(fc.nat(1000)), play), { numRuns: 100 });
});
