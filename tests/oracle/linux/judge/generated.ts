/** Clusters, Services, faults and probes drawn from a seed. */
import { createCluster, type ClusterView, type NetnsLab } from '../../../../src/engine/index.ts';
import { Random } from '../../../../src/engine/net/random.ts';

const plugins = ['flannel', 'flannel-host-gw', 'calico', 'calico-vxlan', 'kindnet'];

/** A lab of its own for every seed: a few pods on a few nodes, Services before them, something that is broken, and who calls whom. */
export function generatedLab(seed: number): NetnsLab {
  const random = new Random(seed);
  const pick = <T>(list: readonly T[]): T => {
    const one = list[random.below(list.length)];
    if (one === undefined) throw new Error('nothing to pick from');
    return one;
  };
  const nodes = 1 + random.below(3);
  const options = { nodes, cni: pick(plugins), seed };
  const pods = 2 + random.below(3);
  const manifests = [
    ...Array.from({ length: pods }, (_, i) => podManifest(`pod-${i + 1}`, `node-${1 + random.below(nodes)}`)),
    ...Array.from({ length: 1 + random.below(2) }, (_, i) =>
      serviceManifest(`service-${i + 1}`, `pod-${1 + random.below(pods)}`, {
        type: pick(['ClusterIP', 'NodePort']),
        targetPort: pick([80, 80, 81]),
      }),
    ),
  ];
  const apply = { kind: 'apply', manifest: manifests.join('---\n'), file: 'generated.yaml' } as const;
  const made = createCluster(options);
  if ('diagnostics' in made) throw new Error(made.diagnostics.map(({ message }) => message).join('; '));
  const applied = made.cluster.apply(apply.manifest);
  if (!applied.ok) throw new Error(applied.output);
  const view = made.cluster.view();
  const commands = [
    // How many ICMP errors are sent depends on the time of day else, and the machine's is not the engine's.
    `for host in ext router ${workers(view)
      .map(({ netns }) => netns)
      .join(' ')}; do ssh $host sysctl -qw net.ipv4.icmp_ratelimit=0; done`,
    ...draw(random, 2, () => pick(probes)(view, pick)),
    pick(faults)(view, pick),
    ...draw(random, 2, () => pick(probes)(view, pick)),
    pick(faults)(view, pick),
    ...draw(random, 2, () => pick(probes)(view, pick)),
  ];
  return {
    title: `generated from ${seed}`,
    options,
    steps: [apply, ...commands.map((command) => ({ kind: 'run', command }) as const)],
  };
}

function draw(random: Random, most: number, one: () => string): string[] {
  return Array.from({ length: 1 + random.below(most) }, one);
}

function podManifest(name: string, node: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, labels: { app: name } },
    spec: {
      nodeName: node,
      containers: [
        { name: 'shell', image: 'nicolaka/netshoot', command: ['sleep', 'infinity'] },
        { name: 'web', image: 'nginx:1.27' },
      ],
    },
  }).concat('\n');
}

function serviceManifest(
  name: string,
  pod: string,
  { type, targetPort }: { readonly type: string; readonly targetPort: number },
): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: { type, selector: { app: pod }, ports: [{ port: 8080, targetPort }] },
  }).concat('\n');
}

type Pick = <T>(list: readonly T[]) => T;
type Draw = (view: ClusterView, pick: Pick) => string;

/** What is still under way when a command has ended belongs to it: the last error comes three seconds after the first question. */
const REST = '; sleep 3';

const curl = (url: string): string => `curl -s -o /dev/null -w '%{http_code} %{exitcode}\\n' -m 2.5 ${url}`;

function inPod(view: ClusterView, pick: Pick): string {
  return `kubectl exec ${pick(ownPods(view)).name} -c shell --`;
}

function ownPods({ pods }: ClusterView): ClusterView['pods'] {
  return pods.filter(({ namespace }) => namespace === 'default');
}

function ownServices({ services }: ClusterView): ClusterView['services'] {
  return services.filter(({ name }) => name.startsWith('service-'));
}

function workers({ machines }: ClusterView): ClusterView['machines'] {
  return machines.filter(({ kind, controlPlane }) => kind === 'node' && !controlPlane);
}

const addressOf = (pod: ClusterView['pods'][number]): string => pod.ips[0] ?? '';

const probes: readonly Draw[] = [
  (view, pick) => `${inPod(view, pick)} ${curl(`http://${addressOf(pick(ownPods(view)))}`)}${REST}`,
  (view, pick) =>
    `${inPod(view, pick)} ${curl(`http://${pick(ownServices(view)).clusterIPs[0] ?? ''}:8080`)}${REST}`,
  (view, pick) => `${inPod(view, pick)} ${curl(`http://${addressOf(pick(ownPods(view)))}:81`)}${REST}`,
  (view, pick) => `${inPod(view, pick)} ${curl('http://203.0.113.10')}${REST}`,
  (view, pick) => `${inPod(view, pick)} ping -c 1 -W 1 ${addressOf(pick(ownPods(view)))}${REST}`,
  (view, pick) => `${inPod(view, pick)} ping -c 1 -W 1 -t 1 ${addressOf(pick(ownPods(view)))}${REST}`,
  (view, pick) =>
    `${inPod(view, pick)} ping -c 1 -W 1 -s 1430 -M do ${addressOf(pick(ownPods(view)))}${REST}`,
  (view, pick) => `${inPod(view, pick)} ping -c 1 -W 1 -s 3000 ${addressOf(pick(ownPods(view)))}${REST}`,
  (view, pick) => `${inPod(view, pick)} ping -c 1 -W 1 ${pick(workers(view)).address ?? ''}${REST}`,
  (view, pick) =>
    `ssh ${pick(workers(view)).netns} "${curl(`http://${addressOf(pick(ownPods(view)))}`)}"${REST}`,
  (view, pick) => {
    const { clusterIPs, ports } = pick(ownServices(view));
    const nodePort = ports[0]?.nodePort;
    const at =
      nodePort === undefined
        ? `${clusterIPs[0] ?? ''}:8080`
        : `${pick(workers(view)).address ?? ''}:${nodePort}`;
    return `ssh ext "${curl(`http://${at}`)}"${REST}`;
  },
];

const hostLink = (pod: ClusterView['pods'][number]): string =>
  pod.interfaces.find(({ name }) => name === 'eth0')?.peer?.dev ?? 'lo';

const faults: readonly Draw[] = [
  () => 'kubectl get pods',
  (view, pick) => `ssh ${pick(workers(view)).netns} sysctl -w net.ipv4.ip_forward=0`,
  (view, pick) => `ssh ${pick(workers(view)).netns} sysctl -w net.bridge.bridge-nf-call-iptables=0`,
  (view, pick) =>
    `ssh ${pick(workers(view)).netns} iptables -I FORWARD -d ${addressOf(pick(ownPods(view)))} -j DROP`,
  (view, pick) =>
    `ssh ${pick(workers(view)).netns} iptables -I FORWARD -s ${addressOf(pick(ownPods(view)))} -j REJECT`,
  (view, pick) => `ssh ${pick(workers(view)).netns} iptables -t raw -I PREROUTING -p tcp --dport 80 -j DROP`,
  (view, pick) =>
    `ssh ${pick(workers(view)).netns} ip route del ${pick(view.machines.filter(({ controlPlane, kind }) => kind === 'node' && !controlPlane)).podCIDR ?? ''}`,
  (view, pick) =>
    `ssh ${pick(workers(view)).netns} ip route add blackhole ${addressOf(pick(ownPods(view)))}/32`,
  (view, pick) => `ssh ${pick(workers(view)).netns} ip link set eth0 mtu 1400`,
  (view, pick) => {
    const pod = pick(ownPods(view));
    return `ssh ${pod.node ?? ''} ip link set ${hostLink(pod)} down`;
  },
  (view, pick) => `kubectl delete pod ${pick(ownPods(view)).name} --grace-period=1`,
  (view, pick) => `kubectl exec ${pick(ownPods(view)).name} -c shell -- ip route del default`,
  (view, pick) => {
    const [from, to] = [pick(workers(view)), pick(workers(view))];
    return `ssh ${from.netns} "ip neigh replace ${to.address ?? ''} lladdr 02:00:00:00:00:99 dev eth0 nud permanent"`;
  },
  (view, pick) => {
    const node = pick(workers(view));
    const tunnel = node.interfaces.find(({ kind }) => kind === 'vxlan')?.name;
    return tunnel === undefined
      ? `ssh ${node.netns} ip link set cni0 down`
      : `ssh ${node.netns} "bridge fdb show dev ${tunnel} | while read mac rest; do bridge fdb del $mac dev ${tunnel}; done"`;
  },
];
