import { EndpointIndex, type EndpointSliceInput, type ProxyEndpoint } from './endpoints.ts';
import type { ProxyNode } from './node.ts';
import { dependsOnNode } from './program.ts';
import { servicePorts, type ServiceInput, type ServicePort } from './service.ts';
import type { ProxyState } from './state.ts';

/** What one port of a Service comes to. */
export interface PortProgram<P> {
  readonly port: ServicePort;
  /** Undefined: it has to be worked out for each node. */
  readonly shared: P | undefined;
}

interface Known<P> {
  readonly slices: readonly EndpointSliceInput[];
  readonly byFacts: Map<string, readonly PortProgram<P>[]>;
}

type MakeProgram<P> = (port: ServicePort, endpoints: readonly ProxyEndpoint[], node: ProxyNode) => P;

/** The programs of Services' ports: made once, for as long as a Service and its slices are the same objects. */
export class PortPrograms<P> {
  readonly #make: MakeProgram<P>;
  readonly #known = new WeakMap<ServiceInput, Known<P>>();

  constructor(make: MakeProgram<P>) {
    this.#make = make;
  }

  /** `facts` stands for all that nodes which share programs have in common. */
  of(
    service: ServiceInput,
    slices: readonly EndpointSliceInput[],
    node: ProxyNode,
    facts: string,
  ): readonly PortProgram<P>[] {
    let known = this.#known.get(service);
    if (known === undefined || !sameItems(known.slices, slices)) {
      known = { slices, byFacts: new Map() };
      this.#known.set(service, known);
    }
    let ports = known.byFacts.get(facts);
    if (ports === undefined) {
      const index = new EndpointIndex(slices, node.family, node.name);
      ports = servicePorts(service, node).map((port): PortProgram<P> => {
        const endpoints = index.of(port);
        const shared = dependsOnNode(port, endpoints, node.hints)
          ? undefined
          : this.#make(port, endpoints, node);
        return { port, shared };
      });
      known.byFacts.set(facts, ports);
    }
    return ports;
  }
}

/** The programs of all ports on one node: those that nodes share and its own, which last as long as their Service and slices do. */
export class NodePrograms<P> {
  readonly #node: ProxyNode;
  readonly #make: MakeProgram<P>;
  readonly #own = new WeakMap<PortProgram<P>, P>();

  constructor(node: ProxyNode, make: MakeProgram<P>) {
    this.#node = node;
    this.#make = make;
  }

  of(
    state: ProxyState,
    ports: readonly PortProgram<P>[],
  ): readonly { readonly port: ServicePort; readonly program: P; readonly shared: boolean }[] {
    const { name, family } = this.#node;
    const indexes = new Map<string, EndpointIndex>();
    return ports.map((entry) => {
      const { port, shared } = entry;
      if (shared !== undefined) return { port, program: shared, shared: true };
      let program = this.#own.get(entry);
      if (program === undefined) {
        let index = indexes.get(port.service);
        if (index === undefined) {
          const [namespace = '', service = ''] = port.service.split('/');
          index = new EndpointIndex(state.slicesOf({ metadata: { namespace, name: service } }), family, name);
          indexes.set(port.service, index);
        }
        program = this.#make(port, index.of(port), this.#node);
        this.#own.set(entry, program);
      }
      return { port, program, shared: false };
    });
  }
}

function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}
