import type { EndpointSliceInput } from './endpoints.ts';
import { nodePortAddresses, type ProxyNode } from './node.ts';
import type { ServiceInput } from './service.ts';

const NO_SLICES: readonly EndpointSliceInput[] = [];

/** A cluster's Services and their slices as one sync found them, shared by all nodes. */
export class ProxyState {
  readonly services: readonly ServiceInput[];
  readonly #slices = new Map<string, EndpointSliceInput[]>();

  constructor(list: readonly ServiceInput[], slices: readonly EndpointSliceInput[]) {
    this.services = list;
    for (const slice of slices) {
      const key = `${slice.metadata.namespace ?? 'default'}/${slice.metadata.labels?.['kubernetes.io/service-name'] ?? ''}`;
      const own = this.#slices.get(key);
      if (own === undefined) this.#slices.set(key, [slice]);
      else own.push(slice);
    }
  }

  slicesOf(service: ServiceInput): readonly EndpointSliceInput[] {
    return (
      this.#slices.get(`${service.metadata.namespace ?? 'default'}/${service.metadata.name ?? ''}`) ??
      NO_SLICES
    );
  }
}

const states = new WeakMap<readonly ServiceInput[], WeakMap<readonly EndpointSliceInput[], ProxyState>>();

/** One state for the same two lists: the nodes of a cluster are synced one after the other from them. */
export function proxyState(list: readonly ServiceInput[], slices: readonly EndpointSliceInput[]): ProxyState {
  let bySlices = states.get(list);
  if (bySlices === undefined) states.set(list, (bySlices = new WeakMap()));
  let state = bySlices.get(slices);
  if (state === undefined) bySlices.set(slices, (state = new ProxyState(list, slices)));
  return state;
}

/** Rules that nodes share which agree in their facts, made once for a state. */
export class SharedByFacts<R> {
  readonly #make: (state: ProxyState, node: ProxyNode, facts: string) => R;
  readonly #known = new WeakMap<ProxyState, Map<string, R>>();

  constructor(make: (state: ProxyState, node: ProxyNode, facts: string) => R) {
    this.#make = make;
  }

  of(state: ProxyState, node: ProxyNode): R {
    let byFacts = this.#known.get(state);
    if (byFacts === undefined) this.#known.set(state, (byFacts = new Map()));
    const facts = factsOf(node);
    let rules = byFacts.get(facts);
    if (rules === undefined) byFacts.set(facts, (rules = this.#make(state, node, facts)));
    return rules;
  }
}

/** What of a node its rules depend on but for itself: nodes that agree in it share what is not about the node. */
function factsOf(node: ProxyNode): string {
  const { name: _name, nodeIP: _nodeIP, zone: _zone, addresses: _addresses, ...facts } = node;
  const restricted = (node.nodePortAddresses ?? []).length > 0;
  const addresses = nodePortAddresses(node);
  return JSON.stringify([facts, restricted ? addresses : addresses.length > 0]);
}
