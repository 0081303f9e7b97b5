/** What exists and where, for drawing: plain data, read from the cluster's own state. */
export interface ClusterView {
  /** Virtual microseconds. */
  readonly now: number;
  readonly cni: string;
  readonly machines: readonly MachineView[];
  readonly pods: readonly PodView[];
  readonly services: readonly ServiceView[];
  readonly policies: readonly {
    readonly namespace: string;
    readonly name: string;
    readonly enforced: boolean;
  }[];
}

/** A node, the LAN switch, the router or the outside host: a network namespace that is no pod. */
export interface MachineView {
  /** The namespace's name as frames give it: `node-1`, `lan`, `router`, `ext`. */
  readonly netns: string;
  readonly kind: 'node' | 'switch' | 'router' | 'external';
  readonly controlPlane: boolean;
  readonly ready: boolean;
  readonly address?: string;
  readonly podCIDR?: string;
  readonly interfaces: readonly InterfaceView[];
}

export interface PodView {
  /** The namespace's name as frames give it: the pod's name in `default`, else `namespace/name`. */
  readonly netns: string;
  readonly name: string;
  readonly namespace: string;
  readonly uid: string;
  readonly node?: string;
  readonly phase: string;
  readonly ready: boolean;
  readonly hostNetwork: boolean;
  readonly ips: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly containers: readonly {
    readonly name: string;
    readonly image: string;
    readonly state: string;
    readonly listens: readonly string[];
  }[];
  readonly interfaces: readonly InterfaceView[];
}

export interface InterfaceView {
  readonly name: string;
  readonly kind: 'lo' | 'veth' | 'bridge' | 'vxlan' | 'ipip' | 'physical' | 'dummy';
  readonly mac: string;
  /** `10.244.1.2/24`. */
  readonly addresses: readonly string[];
  readonly mtu: number;
  readonly up: boolean;
  readonly master?: string;
  readonly peer?: { readonly netns: string; readonly dev: string };
}

export interface ServiceView {
  readonly name: string;
  readonly namespace: string;
  readonly type: string;
  readonly clusterIPs: readonly string[];
  readonly ports: readonly {
    readonly name?: string;
    readonly protocol: string;
    readonly port: number;
    readonly targetPort: string;
    readonly nodePort?: number;
  }[];
  readonly endpoints: readonly { readonly ip: string; readonly pod?: string; readonly ready: boolean }[];
}
