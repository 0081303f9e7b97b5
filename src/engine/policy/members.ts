import { matchesSelector } from '../api/labels.ts';
import type { LabelSelector } from '../api/types.ts';
import { parsePrefix, prefixContains, type Prefix } from '../net/address.ts';
import type { AdminPeerInput, CompiledAdminPolicy } from './adminpolicy.ts';
import type { EndpointClass } from './classes.ts';
import type { NamespaceLabels, PeerInput } from './networkpolicy.ts';

type Selector = LabelSelector | null | undefined;

/** Classes of one namespace, or of namespaces that no policy tells apart. */
type ByNamespace = Map<string, number[]>;

/** Which classes selectors pick. Equal selectors are worked out once, and only in the namespaces that they can mean. */
export class Members {
  readonly #classes: readonly EndpointClass[];
  readonly #labels: NamespaceLabels;
  readonly #byNamespace: ByNamespace = new Map();
  readonly #known = new Map<string, readonly number[]>();

  constructor(classes: readonly EndpointClass[], labels: NamespaceLabels) {
    this.#classes = classes;
    this.#labels = labels;
    for (const [i, { representative }] of classes.entries()) {
      if (representative.kind !== 'pod') continue;
      const same = this.#byNamespace.get(representative.namespace);
      if (same === undefined) this.#byNamespace.set(representative.namespace, [i]);
      else same.push(i);
    }
  }

  /** Those that a policy of `namespace` selects. */
  selected(namespace: string, podSelector: LabelSelector): readonly number[] {
    return this.#once(`${namespace} ${JSON.stringify(podSelector)}`, () =>
      this.#pods(this.#byNamespace.get(namespace) ?? [], podSelector),
    );
  }

  peer({ podSelector, namespaceSelector, ipBlock }: PeerInput, namespace: string): readonly number[] {
    if (ipBlock) return this.#blocks([{ cidr: ipBlock.cidr, except: ipBlock.except ?? [] }]);
    if (namespaceSelector) return this.#both(namespaceSelector, podSelector ?? undefined);
    return podSelector ? this.selected(namespace, podSelector) : [];
  }

  adminPeer({ namespaces, pods, networks }: AdminPeerInput): readonly number[] {
    if (networks) return this.#blocks(networks.map((cidr) => ({ cidr, except: [] })));
    if (namespaces) return this.#both(namespaces, undefined);
    return pods ? this.#both(pods.namespaceSelector ?? {}, pods.podSelector ?? {}) : [];
  }

  subject({ subject: { namespaces, pods } }: CompiledAdminPolicy): readonly number[] {
    return this.adminPeer({ ...(namespaces && { namespaces }), ...(pods && { pods }) });
  }

  #both(namespaceSelector: LabelSelector, podSelector: Selector): readonly number[] {
    return this.#once(`${JSON.stringify(namespaceSelector)} ${JSON.stringify(podSelector)}`, () => {
      const members: number[] = [];
      for (const [namespace, classes] of this.#byNamespace) {
        if (!matchesSelector(namespaceSelector, this.#labels(namespace))) continue;
        members.push(...(podSelector === undefined ? classes : this.#pods(classes, podSelector)));
      }
      return members;
    });
  }

  #pods(classes: readonly number[], selector: Selector): readonly number[] {
    return classes.filter((i) => {
      const representative = this.#classes[i]?.representative;
      return representative?.kind === 'pod' && matchesSelector(selector, representative.labels);
    });
  }

  #blocks(
    blocks: readonly { readonly cidr: string; readonly except: readonly string[] }[],
  ): readonly number[] {
    return this.#once(`ip ${JSON.stringify(blocks)}`, () => {
      const parsed = blocks.flatMap(({ cidr, except }): { inside: Prefix; outside: Prefix[] }[] => {
        const inside = parsePrefix(cidr);
        return inside === undefined
          ? []
          : [{ inside, outside: except.flatMap((one) => parsePrefix(one) ?? []) }];
      });
      return [...this.#classes.keys()].filter((i) =>
        this.#classes[i]?.ips.some((ip) =>
          parsed.some(
            ({ inside, outside }) =>
              prefixContains(inside, ip) && !outside.some((hole) => prefixContains(hole, ip)),
          ),
        ),
      );
    });
  }

  #once(key: string, find: () => readonly number[]): readonly number[] {
    let members = this.#known.get(key);
    if (members === undefined) {
      members = find();
      this.#known.set(key, members);
    }
    return members;
  }
}
