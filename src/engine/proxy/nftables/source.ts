import { Cursor } from '../../net/nft/cursor.ts';
import { DATATYPES, isBadValue, type Datatype } from '../../net/nft/datatype.ts';
import { parseRule } from '../../net/nft/parse-rule.ts';
import type { NftRule, Verdict } from '../../net/nft/rule.ts';
import { elementKey, type ElementKey, type SetElement, type SetSpec } from '../../net/nft/set.ts';
import type { SourceChain, SourceSet, TableSource } from '../../net/nft/table.ts';
import type { ProxyEndpoint } from '../endpoints.ts';
import { byName } from '../iptables.ts';
import { nodePortAddresses, type ProxyNode } from '../node.ts';
import { NodePrograms, PortPrograms, type PortProgram } from '../port-programs.ts';
import type { ServicePort } from '../service.ts';
import { SharedByFacts, type ProxyState } from '../state.ts';
import { keyInName, portKey } from './names.ts';
import { nftProgram, type NftProgram, type PortElement } from './program.ts';
import { allNodePortAddresses, BASE_NAMES, familyWord, fixedTable, type FixedSet } from './table.ts';

type Specs = ReadonlyMap<string, SetSpec>;

/** Rules of rows as kube-proxy writes them. */
function parseRows(
  family: 'ip' | 'ip6',
  rows: readonly string[],
  setOf: (name: string) => SetSpec | undefined,
): NftRule[] {
  return rows.flatMap((row) => {
    const rule = parseRule(new Cursor(row), {
      family,
      set: setOf,
      hasChain: () => true,
      hasInterface: () => true,
      suggestChain: () => '',
    });
    return rule ?? [];
  });
}

function typesOf(text: string): readonly Datatype[] {
  return text.split(' . ').flatMap((name) => DATATYPES.get(name) ?? []);
}

function specOf(name: string, { kind, types, comment }: FixedSet): SetSpec {
  return {
    name,
    kind,
    key: typesOf(types),
    ...(kind === 'map' ? { data: 'verdict' as const } : {}),
    flags: new Set(),
    comment,
  };
}

function affinitySpec(name: string, node: ProxyNode, seconds: number): SetSpec {
  return {
    name,
    kind: 'set',
    key: typesOf(node.family === 'IPv4' ? 'ipv4_addr' : 'ipv6_addr'),
    flags: new Set(['dynamic', 'timeout']),
    timeout: seconds * 1000,
  };
}

/** A Service port's part of the table; its rules are parsed when a packet meets them. */
class PortPart {
  readonly elements: readonly PortElement[];
  readonly #port: ServicePort;
  readonly #node: ProxyNode;
  readonly #program: NftProgram;
  readonly #chains = new Map<string, SourceChain>();
  #rows: ReadonlyMap<string, readonly string[]> | undefined;
  #affinity: ReadonlyMap<string, SourceSet> | undefined;

  constructor(port: ServicePort, program: NftProgram, node: ProxyNode) {
    this.elements = program.elements;
    this.#port = port;
    this.#node = node;
    this.#program = program;
  }

  get chainNames(): readonly string[] {
    return [...this.#allRows().keys()];
  }

  /** Sets that remember clients, by name. */
  get affinity(): ReadonlyMap<string, SourceSet> {
    const seconds = this.#port.affinity ?? 0;
    return (this.#affinity ??= new Map(
      this.#program
        .affinitySets()
        .map((name) => [name, { spec: affinitySpec(name, this.#node, seconds), elements: NO_ELEMENTS }]),
    ));
  }

  chain(name: string): SourceChain | undefined {
    const known = this.#chains.get(name);
    if (known !== undefined) return known;
    const rows = this.#allRows().get(name);
    if (rows === undefined) return undefined;
    const chain = { rules: parseRows(familyWord(this.#node), rows, (set) => this.affinity.get(set)?.spec) };
    this.#chains.set(name, chain);
    return chain;
  }

  #allRows(): ReadonlyMap<string, readonly string[]> {
    return (this.#rows ??= this.#program.chains());
  }
}

const NO_ELEMENTS: ReadonlyMap<ElementKey, SetElement> = new Map();

function portPart(port: ServicePort, endpoints: readonly ProxyEndpoint[], node: ProxyNode): PortPart {
  return new PortPart(port, nftProgram(port, endpoints, node), node);
}

const programs = new PortPrograms(portPart);

interface Fixed {
  readonly chains: ReadonlyMap<string, SourceChain>;
  readonly specs: Specs;
}

/** The parts that are the same in every sync, by the nodes' facts: a cluster has one or two. */
const fixedByFacts = new Map<string, Fixed>();
const FACTS_KEPT = 64;

function fixedOf(node: ProxyNode, facts: string): Fixed {
  const known = fixedByFacts.get(facts);
  if (known !== undefined) return known;
  const table = fixedTable(node);
  const specs = new Map([...table.sets].map(([name, set]) => [name, specOf(name, set)]));
  const chains = new Map(
    [...table.chains].map(([name, { rules, ...head }]): [string, SourceChain] => [
      name,
      { ...head, rules: parseRows(familyWord(node), rules, (set) => specs.get(set)) },
    ]),
  );
  const fixed = { chains, specs };
  if (fixedByFacts.size >= FACTS_KEPT) fixedByFacts.clear();
  fixedByFacts.set(facts, fixed);
  return fixed;
}

/** All of the table that does not depend on the node itself. */
class SharedTable {
  readonly state: ProxyState;
  readonly fixed: Fixed;
  readonly ports: readonly PortProgram<PortPart>[];
  /** Whether any port's part differs between nodes. */
  readonly divided: boolean;
  #whole: Content | undefined;

  constructor(state: ProxyState, node: ProxyNode, facts: string) {
    this.state = state;
    this.fixed = fixedOf(node, facts);
    this.ports = state.services
      .flatMap((service) => programs.of(service, state.slicesOf(service), node, facts))
      .sort((a, b) => byName(a.port, b.port));
    this.divided = this.ports.some(({ shared }) => shared === undefined);
  }

  /** For a table that is not divided. */
  get whole(): Content {
    return (this.#whole ??= new Content(
      this.fixed,
      this.ports.flatMap(({ port, shared }) => (shared === undefined ? [] : [{ port, part: shared }])),
    ));
  }
}

const sharedTables = new SharedByFacts((state, node, facts) => new SharedTable(state, node, facts));

/** The elements and chains of all ports. */
class Content {
  readonly #fixed: Fixed;
  readonly #parts = new Map<string, PortPart>();
  #sets: ReadonlyMap<string, SourceSet> | undefined;

  constructor(fixed: Fixed, ports: readonly { readonly port: ServicePort; readonly part: PortPart }[]) {
    this.#fixed = fixed;
    for (const { port, part } of ports) this.#parts.set(portKey(port), part);
  }

  part(name: string): PortPart | undefined {
    const key = keyInName(name);
    return key === undefined ? undefined : this.#parts.get(key);
  }

  get parts(): Iterable<PortPart> {
    return this.#parts.values();
  }

  set(name: string): SourceSet | undefined {
    return (this.#sets ??= this.#fill()).get(name);
  }

  #fill(): ReadonlyMap<string, SourceSet> {
    const elements = new Map(
      [...this.#fixed.specs.keys()].map((name) => [name, new Map<ElementKey, SetElement>()]),
    );
    for (const part of this.#parts.values())
      for (const one of part.elements) {
        const spec = this.#fixed.specs.get(one.set);
        const element = spec === undefined ? undefined : elementOf(spec, one);
        if (element !== undefined) elements.get(one.set)?.set(element.key, element.element);
      }
    return new Map(
      [...this.#fixed.specs].map(([name, spec]) => [
        name,
        { spec, elements: elements.get(name) ?? NO_ELEMENTS },
      ]),
    );
  }
}

/** The same object for the same port and element: what hangs on an element in a node's set stays there. */
const elementsMade = new WeakMap<PortElement, { readonly key: ElementKey; readonly element: SetElement }>();

function elementOf(
  spec: SetSpec,
  one: PortElement,
): { readonly key: ElementKey; readonly element: SetElement } | undefined {
  const known = elementsMade.get(one);
  if (known !== undefined) return known;
  const key = one.key.map((text, i) => spec.key[i]?.parse(text) ?? 0);
  const values = key.flatMap((value) => (isBadValue(value) ? [] : [value]));
  if (values.length < key.length) return undefined;
  const made = {
    key: elementKey(values),
    element: {
      key: values,
      ...(one.verdict === undefined ? {} : { data: verdictOf(one.verdict) }),
      ...(one.comment === undefined ? {} : { comment: one.comment }),
    },
  };
  elementsMade.set(one, made);
  return made;
}

function verdictOf(text: string): Verdict {
  return text === 'drop' ? { kind: 'drop' } : { kind: 'goto', chain: text.slice('goto '.length) };
}

/** kube-proxy's table on one node: what all nodes share, and what is the node's own, worked out when it is asked for. */
export class NodeTable implements TableSource {
  readonly baseNames = BASE_NAMES;
  readonly #node: ProxyNode;
  readonly #nodePorts: SourceSet | undefined;
  #shared: SharedTable | undefined;
  #own: Content | undefined;
  readonly #parts: NodePrograms<PortPart>;

  constructor(node: ProxyNode) {
    this.#node = node;
    this.#parts = new NodePrograms(node, portPart);
    this.#nodePorts = nodePortSet(node);
  }

  update(state: ProxyState): void {
    const shared = sharedTables.of(state, this.#node);
    if (shared === this.#shared) return;
    this.#shared = shared;
    this.#own = undefined;
  }

  chain(name: string): SourceChain | undefined {
    return this.#shared?.fixed.chains.get(name) ?? this.#content()?.part(name)?.chain(name);
  }

  chainNames(): readonly string[] {
    return [
      ...(this.#shared?.fixed.chains.keys() ?? []),
      ...[...(this.#content()?.parts ?? [])].flatMap(({ chainNames }) => chainNames),
    ];
  }

  set(name: string): SourceSet | undefined {
    if (name === 'nodeport-ips') return this.#nodePorts;
    const content = this.#content();
    return content?.set(name) ?? content?.part(name)?.affinity.get(name);
  }

  setNames(): readonly string[] {
    return [
      ...(this.#shared?.fixed.specs.keys() ?? []),
      ...[...(this.#content()?.parts ?? [])].flatMap(({ affinity }) => [...affinity.keys()]),
    ];
  }

  #content(): Content | undefined {
    const shared = this.#shared;
    if (shared?.divided !== true) return shared?.whole;
    return (this.#own ??= new Content(
      shared.fixed,
      this.#parts.of(shared.state, shared.ports).map(({ port, program }) => ({ port, part: program })),
    ));
  }
}

/** The addresses that answer for NodePorts: the node's own, unless networks are named. */
function nodePortSet(node: ProxyNode): SourceSet | undefined {
  if (allNodePortAddresses(node)) return undefined;
  const named = (node.nodePortAddresses ?? []).length > 0;
  const ips = named ? nodePortAddresses(node) : node.nodeIP === '' ? [] : [node.nodeIP];
  const set = fixedTable(node).sets.get('nodeport-ips');
  if (set === undefined) return undefined;
  const spec = specOf('nodeport-ips', set);
  const elements = ips.flatMap((ip) => {
    const made =
      ip.startsWith('127.') || ip === '::1' ? undefined : elementOf(spec, { set: spec.name, key: [ip] });
    return made === undefined ? [] : [[made.key, made.element] as const];
  });
  return { spec, elements: new Map(elements) };
}
