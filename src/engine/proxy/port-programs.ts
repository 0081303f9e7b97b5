import { EndpointIndex, type EndpointSliceInput, type ProxyEndpoint } from './endpoints.ts';
import type { ProxyNode } from './node.ts';
import { dependsOnNode } from './program.ts';
import { servicePorts, type ServiceInput, type ServicePort } from './service.ts';

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

/** The programs of Services' ports: made once, for as long as a Service and its slices are the same objects. */
export class PortPrograms<P> {
  readonly #make: (port: ServicePort, endpoints: readonly ProxyEndpoint[], node: ProxyNode) => P;
  readonly #known = new WeakMap<ServiceInput, Known<P>>();

  constructor(make: (port: ServicePort, endpoints: readonly ProxyEndpoint[], node: ProxyNode) => P) {
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

function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}
