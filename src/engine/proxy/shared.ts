import { parseArguments } from '../net/iptables-parse.ts';
import { splitWords } from '../net/iptables-restore.ts';
import type { IptablesFamily, Rule, TableName } from '../net/iptables-rule.ts';
import type { ChainSource } from '../net/iptables-table.ts';
import type { ProxyEndpoint } from './endpoints.ts';
import { serviceChain } from './chains.ts';
import { byName, nodePortJumps, topLevelChains } from './iptables.ts';
import { nodePortAddresses, type ProxyNode } from './node.ts';
import { SharedByFacts, type ProxyState } from './state.ts';
import { NodePrograms, PortPrograms, type PortProgram } from './port-programs.ts';
import { serviceProgram, type ServiceProgram } from './program.ts';
import type { ServicePort } from './service.ts';

/** A Service port's rules: the same objects for every node where they are the same rules, its own chains parsed when one is met. */
class ParsedProgram {
  readonly common: readonly {
    readonly table: 'filter' | 'nat';
    readonly chain: string;
    readonly rule: Rule;
  }[];
  readonly #family: IptablesFamily;
  readonly #program: ServiceProgram;
  #rows: ReadonlyMap<string, readonly string[]> | undefined;
  readonly #parsed = new Map<string, readonly Rule[]>();

  constructor(node: ProxyNode, program: ServiceProgram) {
    this.#family = familyOf(node);
    this.#program = program;
    this.common = program.common.flatMap(({ table, chain, row }) =>
      parseRows(this.#family, table, [row]).map((rule) => ({ table, chain, rule })),
    );
  }

  get names(): Iterable<string> {
    return (this.#rows ??= this.#program.chains()).keys();
  }

  rules(name: string): readonly Rule[] | undefined {
    let rules = this.#parsed.get(name);
    if (rules !== undefined) return rules;
    const rows = (this.#rows ??= this.#program.chains()).get(name);
    if (rows === undefined) return undefined;
    rules = parseRows(this.#family, 'nat', rows);
    this.#parsed.set(name, rules);
    return rules;
  }
}

/** Finds the program that a chain belongs to. A Service's own chains share their hash; those of its endpoints are known once one of them was met. */
class ProgramIndex {
  readonly #byHash = new Map<string, ParsedProgram>();
  readonly #endpoints = new Map<string, ParsedProgram>();
  readonly #met = new Set<ParsedProgram>();

  add(port: ServicePort, program: ParsedProgram): void {
    this.#byHash.set(serviceChain('SVC', port.name, port.protocol).slice(-16), program);
  }

  get(name: string): readonly Rule[] | undefined {
    const own = this.#byHash.get(name.slice(-16));
    if (own !== undefined) {
      this.#meet(own);
      return own.rules(name);
    }
    if (!name.startsWith('KUBE-SEP-')) return undefined;
    if (!this.#endpoints.has(name)) this.#meetAll();
    return this.#endpoints.get(name)?.rules(name);
  }

  names(): readonly string[] {
    this.#meetAll();
    return [...this.#byHash.values()].flatMap((program) => [...program.names]);
  }

  #meet(program: ParsedProgram): void {
    if (this.#met.has(program)) return;
    this.#met.add(program);
    for (const name of program.names) this.#endpoints.set(name, program);
  }

  #meetAll(): void {
    if (this.#met.size < this.#byHash.size) for (const program of this.#byHash.values()) this.#meet(program);
  }
}

function parsedProgram(
  port: ServicePort,
  endpoints: readonly ProxyEndpoint[],
  node: ProxyNode,
): ParsedProgram {
  return new ParsedProgram(node, serviceProgram(port, endpoints, node, nodePortAddresses(node).length > 0));
}

const programs = new PortPrograms(parsedProgram);

class SharedRules {
  readonly state: ProxyState;
  /** In the order of their names. */
  readonly ports: readonly PortProgram<ParsedProgram>[];
  /** Whether any port's rules differ between nodes. */
  readonly divided: boolean;
  readonly chains = new ProgramIndex();
  readonly common: CommonChains;

  constructor(state: ProxyState, node: ProxyNode, facts: string) {
    this.state = state;
    this.ports = state.services
      .flatMap((service) => programs.of(service, state.slicesOf(service), node, facts))
      .sort((a, b) => byName(a.port, b.port));
    this.divided = this.ports.some(({ shared }) => shared === undefined);
    for (const { port, shared } of this.ports) if (shared !== undefined) this.chains.add(port, shared);
    this.common = commonChains(node, this.divided ? [] : this.ports.flatMap(({ shared }) => shared ?? []));
  }
}

const sharedRules = new SharedByFacts((state, node, facts) => new SharedRules(state, node, facts));

type CommonChains = Readonly<Record<'filter' | 'nat', ReadonlyMap<string, readonly Rule[]>>>;

function commonChains(node: ProxyNode, programs: readonly ParsedProgram[]): CommonChains {
  const top = topLevelChains(node);
  const parsed = (table: 'filter' | 'nat'): Map<string, Rule[]> =>
    new Map([...top[table]].map(([chain, rows]) => [chain, [...commonRows(familyOf(node), table, rows)]]));
  const tables = { filter: parsed('filter'), nat: parsed('nat') };
  for (const { common } of programs)
    for (const { table, chain, rule } of common) tables[table].get(chain)?.push(rule);
  const jumps = nodePortJumps(node, nodePortAddresses(node));
  tables.nat.get('KUBE-SERVICES')?.push(...commonRows(familyOf(node), 'nat', jumps));
  return tables;
}

interface OwnChains {
  readonly common: CommonChains;
  readonly chains: ProgramIndex;
}

/** kube-proxy's chains on one node: what all nodes share, and what is the node's own, worked out when it is asked for. */
export class NodeChains {
  readonly #node: ProxyNode;
  #state: ProxyState | undefined;
  #rules: SharedRules | undefined;
  #own: OwnChains | undefined;
  readonly #programs: NodePrograms<ParsedProgram>;
  /** Empty chains that are always there. */
  readonly #canaries: ReadonlyMap<string, readonly Rule[]>;

  constructor(node: ProxyNode, canaries: readonly string[]) {
    this.#node = node;
    this.#programs = new NodePrograms(node, parsedProgram);
    this.#canaries = new Map(canaries.map((name) => [name, []]));
  }

  update(state: ProxyState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#rules = undefined;
    this.#own = undefined;
  }

  get #shared(): SharedRules | undefined {
    return (this.#rules ??= this.#state === undefined ? undefined : sharedRules.of(this.#state, this.#node));
  }

  source(table: 'filter' | 'nat'): ChainSource {
    const top = topLevelChains(this.#node)[table];
    const get = (name: string): readonly Rule[] | undefined => {
      const common = this.#common()?.[table].get(name);
      if (common !== undefined || table === 'filter') return common;
      return this.#ownChains()?.get(name) ?? this.#shared?.chains.get(name) ?? this.#canaries.get(name);
    };
    return {
      get,
      // Whether a Service's chain is there cannot be told without the Services.
      has: (name) => top.has(name) || get(name) !== undefined,
      names: () => {
        const names = [...(this.#common()?.[table].keys() ?? [])];
        if (table === 'filter') return names;
        return [
          ...names,
          ...(this.#shared?.chains.names() ?? []),
          ...(this.#ownChains()?.names() ?? []),
          ...this.#canaries.keys(),
        ];
      },
    };
  }

  #common(): CommonChains | undefined {
    const shared = this.#shared;
    return shared?.divided === true ? this.#divided(shared).common : shared?.common;
  }

  #ownChains(): ProgramIndex | undefined {
    const shared = this.#shared;
    return shared?.divided === true ? this.#divided(shared).chains : undefined;
  }

  #divided(shared: SharedRules): OwnChains {
    if (this.#own !== undefined) return this.#own;
    const all = this.#programs.of(shared.state, shared.ports);
    const chains = new ProgramIndex();
    for (const { port, program, shared: common } of all) if (!common) chains.add(port, program);
    const common = commonChains(
      this.#node,
      all.map(({ program }) => program),
    );
    this.#own = { common, chains };
    return this.#own;
  }
}

function familyOf(node: ProxyNode): IptablesFamily {
  return node.family === 'IPv4' ? 'ipv4' : 'ipv6';
}

const known = new Map<string, readonly Rule[]>();
const KNOWN = 1000;

/** The same for rows that are no Service's: nearly all nodes of all clusters have them. */
export function commonRows(
  family: IptablesFamily,
  table: TableName,
  rows: readonly string[],
): readonly Rule[] {
  const key = `${family} ${table}\n${rows.join('\n')}`;
  let rules = known.get(key);
  if (rules === undefined) {
    rules = parseRows(family, table, rows);
    if (known.size < KNOWN) known.set(key, rules);
  }
  return rules;
}

/** Rules of rows as kube-proxy writes them. */
function parseRows(family: IptablesFamily, table: TableName, rows: readonly string[]): Rule[] {
  return rows.flatMap((row) => {
    const command = parseArguments(['-A', 'KUBE', ...splitWords(row)], {
      family,
      table,
      setExists: () => true,
    });
    if ('error' in command || command.operation.kind !== 'append') return [];
    return command.operation.rules.flatMap((parsed) => ('rule' in parsed ? [parsed.rule] : []));
  });
}
