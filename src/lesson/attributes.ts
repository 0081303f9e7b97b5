import ipaddr from 'ipaddr.js';
import { panels, type LabSource, type Panel, type Place } from './lab.ts';
import { unknownWord } from './message.ts';

/** An attribute as an author wrote it, in a directive, a shortcode call or the page's `lab:` field. */
export interface WrittenAttribute {
  /** Absent for a shortcode's positional argument. */
  readonly name?: string;
  readonly value: string;
  readonly place: Place;
}

/** What attributes say of a lab; also the shape of a page's `lab:` field. */
export type LabOptions = Partial<
  Pick<LabSource, 'id' | 'title' | 'nodes' | 'cni' | 'proxy' | 'podCIDR' | 'serviceCIDR' | 'cluster' | 'show'>
>;

const networkPlugins = [
  'flannel',
  'flannel-host-gw',
  'calico',
  'calico-vxlan',
  'calico-ipip',
  'kindnet',
  'none',
] as const;
const proxyModes = ['iptables', 'nftables'] as const;
/** Kubernetes' own limit of nodes in a cluster. */
const maxNodes = 5000;

type Read = (value: string) => LabOptions | { readonly problem: string };

const oneOf = (
  value: string,
  known: readonly string[],
  take: (value: string) => LabOptions,
): ReturnType<Read> => (known.includes(value) ? take(value) : { problem: unknownWord(value, known) });

const attributes: Readonly<Record<string, Read>> = {
  id: (value) =>
    /^[^\s"'<>&#]+$/u.test(value) ? { id: value } : { problem: 'an id is one word without quotes, < or &' },
  title: (value) => ({ title: value }),
  nodes: (value) => {
    const nodes = /^\d{1,9}$/.test(value) ? Number(value) : 0;
    return nodes >= 1 && nodes <= maxNodes
      ? { nodes }
      : { problem: `nodes=${value}: a number from 1 to ${maxNodes} is needed` };
  },
  cni: (value) => oneOf(value, networkPlugins, (cni) => ({ cni })),
  proxy: (value) => oneOf(value, proxyModes, (proxy) => ({ proxy })),
  podCIDR: (value) => (isPrefix(value) ? { podCIDR: value } : { problem: prefixProblem('podCIDR', value) }),
  serviceCIDR: (value) =>
    isPrefix(value) ? { serviceCIDR: value } : { problem: prefixProblem('serviceCIDR', value) },
  cluster: (value) =>
    /^[^\s"'<>&]+$/u.test(value) ? { cluster: value } : { problem: 'a cluster name is one word' },
  show: (value) => {
    const words = value.split(/[\s,]+/).filter((word) => word !== '');
    const unknown = words.find((word) => !isPanel(word));
    if (unknown !== undefined) return { problem: unknownWord(unknown, panels) };
    return { show: words.filter(isPanel) };
  },
};

export const labAttributes = Object.keys(attributes);

export interface AttributeProblem {
  readonly rule: 'lab/unknown-attribute' | 'lab/bad-attribute';
  readonly message: string;
  readonly place: Place;
}

/** Reads a lab's attributes; what cannot be read is left out and told. */
export function readAttributes(
  written: readonly WrittenAttribute[],
  known: readonly string[] = labAttributes,
): { options: LabOptions; problems: AttributeProblem[] } {
  let options: LabOptions = {};
  const problems: AttributeProblem[] = [];
  const seen = new Set<string>();
  for (const { name, value, place } of written) {
    if (name === undefined) {
      problems.push({
        rule: 'lab/bad-attribute',
        message: `"${value}" has no name: write title="${value}" or the like`,
        place,
      });
      continue;
    }
    const read = known.includes(name) ? attributes[name] : undefined;
    if (read === undefined) {
      problems.push({ rule: 'lab/unknown-attribute', message: unknownWord(name, known), place });
      continue;
    }
    if (seen.has(name)) {
      problems.push({ rule: 'lab/bad-attribute', message: `"${name}" is given twice`, place });
    }
    seen.add(name);
    const result = read(value);
    if ('problem' in result) problems.push({ rule: 'lab/bad-attribute', message: result.problem, place });
    else options = { ...options, ...result };
  }
  return { options, problems };
}

function isPanel(word: string): word is Panel {
  return panels.some((panel) => panel === word);
}

/** `10.244.0.0/16`, `fd00:10:244::/56`, or both with a comma between for two families. */
function isPrefix(value: string): boolean {
  const parts = value.split(',');
  return parts.length <= 2 && parts.every((part) => ipaddr.isValidCIDR(part));
}

function prefixProblem(name: string, value: string): string {
  return `${name}=${value}: a prefix such as 10.244.0.0/16 is needed`;
}
