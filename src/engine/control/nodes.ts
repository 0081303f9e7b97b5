import type { Cidr } from '../api/address.ts';
import { formatAddress, networkOf, parseCidr } from '../api/address.ts';
import type { ApiServer } from '../api/server.ts';
import type { Condition, Node, Taint } from '../api/types.ts';
import { internalAddresses } from './kubelet.ts';

export const controlPlaneName = 'control-plane';
export const controlPlaneTaint: Taint = {
  key: 'node-role.kubernetes.io/control-plane',
  effect: 'NoSchedule',
};
export const kubernetesVersion = 'v1.33.1';

export interface NodeOptions {
  /** One range, or one of each family with a comma between. */
  readonly podCIDR: string;
  /** False without a CNI: then nodes are NotReady and take no pods. Default true. */
  readonly networkReady?: boolean;
}

/** Completes Node objects as kubelet and node IPAM do when a machine registers. */
export class NodeRegistrar {
  private readonly server: ApiServer;
  private readonly options: NodeOptions;
  private readonly ranges: readonly Cidr[];

  constructor(server: ApiServer, options: NodeOptions) {
    this.server = server;
    this.options = options;
    this.ranges = options.podCIDR.split(',').flatMap((text) => parseCidr(text.trim()) ?? []);
    server.store.addIndex('Node', 'address', internalAddresses);
    server.store.addIndex('Node', 'pod-cidr', ({ spec }) => spec.podCIDRs ?? []);
    server.admission.set('Node', (object) => this.complete(object as Node));
  }

  complete(node: Node): Node {
    const { name } = node.metadata;
    const index = this.indexOf(name);
    const spec = node.spec ?? {};
    const podCIDRs = podCIDRsOf(spec) ?? this.freeRanges(index);
    const given = node.status?.addresses ?? [];
    const addresses = given.some(({ type }) => type === 'InternalIP')
      ? given
      : [...this.freeAddresses(index).map((address) => ({ type: 'InternalIP', address })), ...given];
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
  private indexOf(name: string): number {
    const { store } = this.server;
    if (name === controlPlaneName) return 0;
    const numbered = /^node-([1-9]\d*)$/.exec(name);
    return numbered
      ? Number(numbered[1])
      : store.count('Node') + (store.get('Node', undefined, controlPlaneName) ? 0 : 1);
  }

  /** One address of each of the cluster's families, those of the first machine from `index` on whose addresses nobody has. */
  private freeAddresses(index: number): readonly string[] {
    const { store } = this.server;
    const families = this.ranges.map(({ family }) => family);
    const taken = (address: string): boolean => store.indexedCount('Node', 'address', address) > 0;
    const wanted = machineAddresses(families, index);
    if (!wanted.some(taken)) return wanted;
    for (let i = 1; i <= store.count('Node') + 1; i++) {
      const next = machineAddresses(families, i);
      if (!next.some(taken)) return next;
    }
    return wanted;
  }

  private freeRanges(index: number): string[] {
    const { store } = this.server;
    return this.ranges.map((range) => {
      // kube-controller-manager: --node-cidr-mask-size is 24, and 64 for IPv6.
      const length = Math.max(range.length, range.family === 'IPv4' ? 24 : 64);
      for (let i = index; ; i++) {
        const subnet = nthSubnet(range, length, i);
        if (store.indexedCount('Node', 'pod-cidr', subnet) === 0 || i > index + store.count('Node'))
          return subnet;
      }
    });
  }
}

/** The two fields are one; where they differ the single one counts (Convert_v1_NodeSpec_To_core_NodeSpec). */
function podCIDRsOf({ podCIDR, podCIDRs }: Node['spec']): readonly string[] | undefined {
  return podCIDR === undefined || podCIDR === podCIDRs?.[0] ? podCIDRs : [podCIDR];
}

/** The InternalIPs of the n-th machine; 0 is the control plane. Beyond the LAN's first 240 machines the next /24s. */
function machineAddresses(families: readonly Cidr['family'][], n: number): readonly string[] {
  const third = n < 240 ? 50 : 51 + Math.floor((n - 240) / 250);
  const fourth = n < 240 ? 10 + n : 1 + ((n - 240) % 250);
  return families.map((family) =>
    family === 'IPv4'
      ? `192.168.${third}.${fourth}`
      : `fd00:192:168:50::${third === 50 ? '' : `${third}:`}${fourth}`,
  );
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
