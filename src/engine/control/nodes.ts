import type { Cidr } from '../api/address.ts';
import { formatAddress, networkOf, parseCidr } from '../api/address.ts';
import type { ApiServer } from '../api/server.ts';
import type { Condition, Node, Taint } from '../api/types.ts';
import { internalAddress } from './kubelet.ts';

export const controlPlaneName = 'control-plane';
export const controlPlaneTaint: Taint = {
  key: 'node-role.kubernetes.io/control-plane',
  effect: 'NoSchedule',
};
export const kubernetesVersion = 'v1.33.1';

export interface NodeOptions {
  /** One range, or one of each family with a comma between. */
  readonly podCIDR: string;
  /** The InternalIP of the n-th machine; 0 is the control plane. Default 192.168.50.10 and on. */
  readonly addressOf?: (index: number) => string;
  /** False without a CNI: then nodes are NotReady and take no pods. Default true. */
  readonly networkReady?: boolean;
}

/** Completes Node objects as kubelet and node IPAM do when a machine registers. */
export class NodeRegistrar {
  private readonly server: ApiServer;
  private readonly options: NodeOptions;
  private readonly addressOf: (index: number) => string;
  private readonly ranges: readonly Cidr[];

  constructor(server: ApiServer, options: NodeOptions) {
    this.server = server;
    this.options = options;
    this.addressOf = options.addressOf ?? defaultAddress;
    this.ranges = options.podCIDR.split(',').flatMap((text) => parseCidr(text.trim()) ?? []);
    server.admission.set('Node', (object) => this.complete(object as Node));
  }

  complete(node: Node): Node {
    const { name } = node.metadata;
    const others = this.server.store.list('Node');
    const index = this.indexOf(name, others);
    const spec = node.spec ?? {};
    const podCIDRs =
      spec.podCIDRs ?? (spec.podCIDR === undefined ? this.freeRanges(index, others) : [spec.podCIDR]);
    const given = node.status?.addresses ?? [];
    const addresses = given.some(({ type }) => type === 'InternalIP')
      ? given
      : [{ type: 'InternalIP', address: this.freeAddress(index, others) }, ...given];
    const hostname = addresses.some(({ type }) => type === 'Hostname')
      ? []
      : [{ type: 'Hostname', address: name }];
    const amounts = {
      cpu: '4',
      'ephemeral-storage': '61202244Ki',
      'hugepages-2Mi': '0',
      memory: '8025380Ki',
      pods: '110',
    };
    const { networkReady = true } = this.options;
    const notReady: Taint = { key: 'node.kubernetes.io/not-ready', effect: 'NoSchedule' };
    const taints = [...(spec.taints ?? []), ...(networkReady ? [] : [notReady])];
    const [podCIDR] = podCIDRs;
    return {
      ...node,
      metadata: {
        ...node.metadata,
        labels: {
          'beta.kubernetes.io/arch': 'amd64',
          'beta.kubernetes.io/os': 'linux',
          'kubernetes.io/arch': 'amd64',
          'kubernetes.io/hostname': name,
          'kubernetes.io/os': 'linux',
          ...node.metadata.labels,
        },
      },
      spec: {
        ...spec,
        ...(podCIDR === undefined ? {} : { podCIDR, podCIDRs }),
        ...(taints.length > 0 ? { taints } : {}),
      },
      status: {
        capacity: amounts,
        allocatable: { ...amounts, memory: '7922980Ki' },
        ...node.status,
        addresses: [...addresses, ...hostname],
        conditions: node.status?.conditions ?? nodeConditions(this.server.now(), networkReady),
        nodeInfo: {
          architecture: 'amd64',
          containerRuntimeVersion: 'containerd://2.1.1',
          kernelVersion: '6.12.0-podwalk',
          kubeProxyVersion: '',
          kubeletVersion: kubernetesVersion,
          operatingSystem: 'linux',
          osImage: 'Debian GNU/Linux 13 (trixie)',
          ...node.status?.nodeInfo,
        },
      },
    };
  }

  /** `node-3` is the third machine; other names come in order of their arrival. */
  private indexOf(name: string, others: readonly Node[]): number {
    if (name === controlPlaneName) return 0;
    const numbered = /^node-([1-9]\d*)$/.exec(name);
    return numbered
      ? Number(numbered[1])
      : others.length + (others.some((node) => node.metadata.name === controlPlaneName) ? 0 : 1);
  }

  private freeAddress(index: number, others: readonly Node[]): string {
    const wanted = this.addressOf(index);
    const taken = new Set(others.length > 2000 ? [] : others.map(internalAddress));
    for (let i = 0; taken.has(i === 0 ? wanted : this.addressOf(i)) && i < 2000; i++) {
      const next = this.addressOf(i + 1);
      if (!taken.has(next)) return next;
    }
    return wanted;
  }

  private freeRanges(index: number, others: readonly Node[]): string[] {
    const taken = new Set(others.length > 2000 ? [] : others.flatMap(({ spec }) => spec.podCIDRs ?? []));
    return this.ranges.map((range) => {
      // kube-controller-manager: --node-cidr-mask-size is 24, and 64 for IPv6.
      const length = Math.max(range.length, range.family === 'IPv4' ? 24 : 64);
      for (let i = index; ; i++) {
        const subnet = nthSubnet(range, length, i);
        if (!taken.has(subnet) || i > index + others.length) return subnet;
      }
    });
  }
}

/** Beyond the LAN's first 240 machines the next /24s. */
function defaultAddress(n: number): string {
  return n < 240
    ? `192.168.50.${10 + n}`
    : `192.168.${51 + Math.floor((n - 240) / 250)}.${1 + ((n - 240) % 250)}`;
}

function nthSubnet(range: Cidr, length: number, n: number): string {
  const host = BigInt((range.family === 'IPv4' ? 32 : 128) - length);
  return `${formatAddress({ family: range.family, value: networkOf(range) + (BigInt(n) << host) })}/${length}`;
}

function nodeConditions(now: string, networkReady: boolean): Condition[] {
  const times = { lastHeartbeatTime: now, lastTransitionTime: now };
  return [
    {
      type: 'MemoryPressure',
      status: 'False',
      reason: 'KubeletHasSufficientMemory',
      message: 'kubelet has sufficient memory available',
      ...times,
    },
    {
      type: 'DiskPressure',
      status: 'False',
      reason: 'KubeletHasNoDiskPressure',
      message: 'kubelet has no disk pressure',
      ...times,
    },
    {
      type: 'PIDPressure',
      status: 'False',
      reason: 'KubeletHasSufficientPID',
      message: 'kubelet has sufficient PID available',
      ...times,
    },
    networkReady
      ? {
          type: 'Ready',
          status: 'True',
          reason: 'KubeletReady',
          message: 'kubelet is posting ready status',
          ...times,
        }
      : {
          type: 'Ready',
          status: 'False',
          reason: 'KubeletNotReady',
          message:
            'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized',
          ...times,
        },
  ];
}
