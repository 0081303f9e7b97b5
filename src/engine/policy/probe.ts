import { resourceNamed } from '../api/kinds.ts';
import type { Protocol } from '../api/types.ts';
import { parseIp } from '../net/address.ts';
import { namedPort, type PolicyEndpoint } from './endpoint.ts';
import type { Endpoint, Inventory } from './inventory.ts';
import { PolicySet, type PolicyVerdict } from './verdict.ts';

/** What a line of a probes file asks. */
export interface Probe {
  readonly from: string;
  readonly to: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/** What is wrong with a line; `column` counts from 1. */
export interface ProbeProblem {
  readonly code: string;
  readonly message: string;
  readonly column: number;
}

export type ProbeAnswer =
  | { readonly ok: true; readonly probe: Probe; readonly given: object; readonly verdict: ProbeVerdict }
  | { readonly ok: false; readonly given?: object; readonly problem: ProbeProblem };

/** `self`: a pod's connection to itself meets no policy. */
export type ProbeVerdict = { readonly kind: 'self' } | ({ readonly kind: 'policy' } & PolicyVerdict);

/** One side of a probe: a pod, a workload, or an address outside. */
type Side =
  | { readonly kind: 'endpoint'; readonly endpoint: Endpoint; readonly pods: readonly PolicyEndpoint[] }
  | { readonly kind: 'outside'; readonly pods: readonly PolicyEndpoint[] };

const PROTOCOLS: readonly string[] = ['TCP', 'UDP', 'SCTP'];

/** Answers probes about one state of a cluster. */
export class Prober {
  readonly #policies: PolicySet;
  readonly #byName = new Map<string, Endpoint[]>();
  /** Pods by `namespace/name[Kind]` of the controller that they name as theirs. */
  readonly #owned = new Map<string, PolicyEndpoint[]>();

  constructor(inventory: Inventory) {
    this.#policies = new PolicySet(inventory.policies);
    for (const endpoint of inventory.endpoints) {
      const key = `${endpoint.namespace}/${endpoint.name}`;
      const same = this.#byName.get(key);
      if (same === undefined) this.#byName.set(key, [endpoint]);
      else same.push(endpoint);
      if (endpoint.kind !== 'Pod' || endpoint.owner === undefined) continue;
      const [kind = '', name = ''] = endpoint.owner.split('/');
      const owner = `${endpoint.namespace}/${name}[${kind}]`;
      this.#owned.set(owner, [...(this.#owned.get(owner) ?? []), endpoint.policy]);
    }
  }

  /** Answers a line; anything at all may stand in it. */
  answer(line: string): ProbeAnswer {
    let given: unknown;
    try {
      given = JSON.parse(line);
    } catch (error) {
      return { ok: false, problem: notJson(line, error) };
    }
    if (typeof given !== 'object' || given === null || Array.isArray(given))
      return { ok: false, problem: problem(line, '', 'probe/object', 'a probe is a JSON object') };
    const fields = given as Readonly<Record<string, unknown>>;
    const refuse = (key: string, code: string, message: string): ProbeAnswer => ({
      ok: false,
      given: fields,
      problem: problem(line, key, `probe/${code}`, message),
    });
    const field = (name: string): unknown => (Object.hasOwn(fields, name) ? fields[name] : undefined);

    const sides: Side[] = [];
    for (const key of ['from', 'to']) {
      const text = field(key);
      if (typeof text !== 'string')
        return refuse(
          key,
          key,
          `"${key}" must be a string: namespace/name, namespace/name[Kind] or an address`,
        );
      const side = this.#side(text);
      if (typeof side === 'string') return refuse(key, 'endpoint', `"${key}": ${side}`);
      sides.push(side);
    }
    const [source, destination] = sides;
    if (source === undefined || destination === undefined) throw new Error('two sides were read');

    const word = field('protocol') ?? 'TCP';
    const protocol = typeof word === 'string' ? word.toUpperCase() : '';
    if (!isProtocol(protocol))
      return refuse(
        'protocol',
        'protocol',
        `"protocol" must be TCP, UDP or SCTP, not ${JSON.stringify(word)}`,
      );
    const port = portOf(field('port'), protocol, destination);
    if (typeof port === 'string') return refuse('port', 'port', port);
    const probe = { from: String(field('from')), to: String(field('to')), protocol, port };
    return {
      ok: true,
      probe,
      given: fields,
      verdict: this.#verdict(source, destination, { protocol, port }),
    };
  }

  #verdict(source: Side, destination: Side, port: { protocol: Protocol; port: number }): ProbeVerdict {
    if (
      source.kind === 'endpoint' &&
      destination.kind === 'endpoint' &&
      source.endpoint === destination.endpoint &&
      source.endpoint.kind === 'Pod'
    )
      return { kind: 'self' };
    let last: PolicyVerdict | undefined;
    // Pods of one workload that differ in their labels: what one of them may not do, the workload may not rely on.
    for (const from of source.pods) {
      for (const to of destination.pods) {
        last = this.#policies.verdict(from, to, port);
        if (!last.allowed) return { kind: 'policy', ...last };
      }
    }
    if (last === undefined) throw new Error('a side without pods');
    return { kind: 'policy', ...last };
  }

  /** The side that a text names, or what is wrong with it. */
  #side(text: string): Side | string {
    if (parseIp(text) !== undefined) return { kind: 'outside', pods: [{ kind: 'external', ip: text }] };
    const parts = /^(?:([^/[\]]+)\/)?([^/[\]]+)(?:\[([A-Za-z]+)\])?$/.exec(text);
    if (parts === null)
      return `${JSON.stringify(text)} is no namespace/name, namespace/name[Kind] or address`;
    const [, namespace = 'default', name = '', word] = parts;
    const key = `${namespace}/${name}`;
    const named = this.#byName.get(key) ?? [];
    if (word === undefined) {
      const pod = named.find(({ kind }) => kind === 'Pod');
      const candidates = pod === undefined ? named.filter(({ owner }) => owner === undefined) : [pod];
      const [only] = candidates;
      if (candidates.length > 1)
        return `${key} may be ${candidates.map(({ kind }) => `${key}[${kind}]`).join(' or ')}: say which`;
      if (only !== undefined) return { kind: 'endpoint', endpoint: only, pods: [only.policy] };
      return named.length === 0
        ? this.#nothing(key, namespace)
        : `say which: ${key}[${named[0]?.kind ?? ''}]`;
    }
    const kind = resourceNamed(word)?.kind ?? word;
    const endpoint = named.find((one) => one.kind === kind);
    if (endpoint !== undefined) return { kind: 'endpoint', endpoint, pods: [endpoint.policy] };
    const pods = this.#owned.get(`${key}[${kind}]`);
    if (pods === undefined) return this.#nothing(`${kind} ${key}`, namespace);
    // The workload's own manifest is not there, its pods are.
    return {
      kind: 'endpoint',
      endpoint: { namespace, name, kind, policy: pods[0] ?? { kind: 'external', ip: '' } },
      pods,
    };
  }

  #nothing(what: string, namespace: string): string {
    const there = [...this.#byName.keys()].some((key) => key.startsWith(`${namespace}/`));
    return there ? `there is no ${what}` : `there is no ${what}, nor anything else in namespace ${namespace}`;
  }
}

function isProtocol(word: string): word is Protocol {
  return PROTOCOLS.includes(word);
}

/** A number, or a name that the destination gives to one of its ports; else what is wrong. */
function portOf(given: unknown, protocol: Protocol, destination: Side): number | string {
  if (typeof given === 'number' && Number.isInteger(given) && given >= 1 && given <= 65_535) return given;
  if (typeof given !== 'string' || given === '')
    return given === undefined
      ? '"port" is missing'
      : `"port" must be a whole number from 1 to 65535 or a port's name, not ${JSON.stringify(given)}`;
  if (/^\d+$/.test(given)) return portOf(Number(given), protocol, destination);
  const [pod] = destination.pods;
  const number = pod === undefined ? undefined : namedPort(pod, given, protocol);
  return number ?? `"port": the destination has no ${protocol} port named ${JSON.stringify(given)}`;
}

/** A problem with a field, at its key where the line has it. */
function problem(line: string, key: string, code: string, message: string): ProbeProblem {
  const at = key === '' ? -1 : line.search(new RegExp(`"${key}"\\s*:`));
  return { code, message, column: at < 0 ? line.length - line.trimStart().length + 1 : at + 1 };
}

/** At the place that V8's message gives; short texts get none, and are wrong from their beginning. */
function notJson(line: string, error: unknown): ProbeProblem {
  const text = error instanceof Error ? error.message : '';
  const position = /at position (\d+)/.exec(text)?.[1];
  const start = line.length - line.trimStart().length;
  const end = /end of JSON|Unterminated/.test(text) ? line.trimEnd().length : start;
  return {
    code: 'probe/json',
    message: 'this is no JSON object',
    column: (position === undefined ? end : Number(position)) + 1,
  };
}
