import type { ApiServer } from './api/server.ts';
import type { Node, Pod, Probe } from './api/types.ts';
import { hasTag, imageOf } from './apps/catalog.ts';
import { parseImage } from './apps/image.ts';
import type { Cni, CniPod } from './cni/cni.ts';
import { PortMap } from './cni/portmap.ts';
import type { HostPort } from './cni/portmap.ts';
import { sha1 } from './cni/sha1.ts';
import { containerEnvironment } from './container-config.ts';
import { containerFiles } from './container-files.ts';
import { ContainerRun } from './container.ts';
import type {
  ContainerExit,
  ImageResult,
  ProbeResult,
  Runtime,
  SandboxResult,
  StartResult,
} from './control/runtime.ts';
import { storeDirectory } from './dns/directory.ts';
import { CoreDns } from './dns/server.ts';
import type { DnsDefaults } from './dns/resolv.ts';
import type { Lan } from './lan.ts';
import { createNodeMachine, internalIp } from './machine.ts';
import type { Machine } from './machine.ts';
import { formatIp } from './net/address.ts';
import type { Netns } from './net/netns.ts';
import type { World } from './net/world.ts';
import { coreDnsProgram } from './name-servers.ts';
import { runProbe } from './probe.ts';
import { ServiceLinks } from './service-links.ts';
import type { KubectlHost, LogLine } from './shell/kubectl/host.ts';
import type { Place, Session, Tool } from './shell/tool.ts';
import { imageTools } from './tools.ts';

/** From the end of a pod's processes to the end of its network. */
const TEARDOWN = 10_000;

/** A pod's network and what runs in it. */
export interface Sandbox {
  readonly pod: Pod;
  readonly netns: Netns;
  readonly machine: Machine;
  readonly cniPod: CniPod | undefined;
  readonly ips: readonly string[];
  /** The host end of the pod's link. */
  readonly hostDevice: string | undefined;
  readonly containers: Map<string, { current: ContainerRun | undefined; previous: ContainerRun | undefined }>;
}

/** Who wants to know when machines come and go. */
export interface MachineListener {
  nodeAdded(machine: Machine): void;
  nodeRemoved(name: string): void;
}

export interface EngineRuntimeOptions {
  readonly world: World;
  readonly lan: Lan;
  readonly cni: Cni;
  readonly dns: DnsDefaults;
  readonly nodeTools: ReadonlyMap<string, Tool>;
  readonly limits: Session['limits'];
}

/** The kubelet's runtime over simulated namespaces: machines, sandboxes by CNI, containers by image. */
export class EngineRuntime implements Runtime, KubectlHost {
  readonly machines = new Map<string, Machine>();
  readonly sandboxes = new Map<string, Sandbox>();
  readonly listeners: MachineListener[] = [];
  /** Told of every container whose image is not known. */
  onStandIn: ((pod: Pod, container: string, image: string) => void) | undefined;
  readonly #options: EngineRuntimeOptions;
  readonly #portMap = new PortMap();
  #teardowns = 0;
  #api: ApiServer | undefined;
  #coreDns: CoreDns | undefined;
  #links: ServiceLinks | undefined;

  constructor(options: EngineRuntimeOptions) {
    this.#options = options;
  }

  /** The API server comes after the runtime: its control plane wants one. */
  connect(api: ApiServer): void {
    this.#api = api;
    this.#links = new ServiceLinks(api.store);
    const { world, dns } = this.#options;
    this.#coreDns = new CoreDns({
      directory: storeDirectory(api.store),
      zone: dns.clusterDomain,
      serial: () => Math.floor(world.now / 1_000_000),
    });
  }

  /** Whether no pod's network is on its way out. */
  get idle(): boolean {
    return this.#teardowns === 0;
  }

  get api(): ApiServer {
    if (this.#api === undefined) throw new Error('the runtime is not connected');
    return this.#api;
  }

  addNode(node: Node): void {
    const { world, lan, nodeTools, cni } = this.#options;
    const machine = createNodeMachine(world, lan, node, nodeTools);
    if (machine?.cni === undefined) return;
    this.machines.set(machine.name, machine);
    cni.addNode(machine.cni);
    for (const listener of this.listeners) listener.nodeAdded(machine);
  }

  updateNode(node: Node, previous: Node): void {
    const moved =
      internalIp(node) !== internalIp(previous) ||
      JSON.stringify(node.spec.podCIDRs) !== JSON.stringify(previous.spec.podCIDRs);
    if (!moved && this.machines.has(node.metadata.name)) return;
    this.removeNode(previous);
    this.addNode(node);
  }

  removeNode(node: Node): void {
    const { name } = node.metadata;
    const machine = this.machines.get(name);
    if (machine === undefined) return;
    for (const listener of this.listeners) listener.nodeRemoved(name);
    for (const sandbox of [...this.sandboxes.values()])
      if (sandbox.machine === machine) this.#destroy(sandbox);
    this.#options.cni.removeNode(name);
    this.machines.delete(name);
    this.#options.world.deleteNetns(machine.netns);
  }

  createSandbox(pod: Pod): SandboxResult {
    const machine = this.machines.get(pod.spec.nodeName ?? '');
    if (machine?.cni === undefined) return { ok: false, message: 'the node is not there' };
    const known = this.sandboxes.get(pod.metadata.uid);
    if (known !== undefined) return { ok: true, ips: known.ips };
    if (pod.spec.hostNetwork === true) {
      const ips = [formatIp(machine.cni.ip)];
      this.#keep({ pod, netns: machine.netns, machine, cniPod: undefined, ips, hostDevice: undefined });
      return { ok: true, ips };
    }
    const { world, cni } = this.#options;
    const netns = world.createNetns(this.#netnsName(pod), { kind: 'pod' });
    const { uid, name, namespace = 'default' } = pod.metadata;
    const cniPod: CniPod = { uid, namespace, name, netns };
    const added = cni.addPod(machine.cni, cniPod);
    if (!added.ok) {
      world.deleteNetns(netns);
      return {
        ok: false,
        message: `Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "${sha1(uid)}": ${added.message}`,
      };
    }
    this.#portMap.addPod(machine.cni, cniPod, added.ips, hostPortsOf(pod));
    const ips = added.ips.map(formatIp);
    this.#keep({ pod, netns, machine, cniPod, ips, hostDevice: added.hostDevice });
    return { ok: true, ips };
  }

  removeSandbox(pod: Pod): void {
    const sandbox = this.sandboxes.get(pod.metadata.uid);
    if (sandbox !== undefined) this.#destroy(sandbox);
  }

  updatePod(pod: Pod): void {
    const sandbox = this.sandboxes.get(pod.metadata.uid);
    if (sandbox !== undefined) this.sandboxes.set(pod.metadata.uid, { ...sandbox, pod });
  }

  pullImage(image: string): ImageResult {
    const reference = parseImage(image);
    if (reference === undefined)
      return {
        ok: false,
        reason: 'InvalidImageName',
        message: `Failed to apply default image tag "${image}": couldn't parse image name "${image}": invalid reference format`,
      };
    if (!hasTag(reference)) {
      const full = `${reference.registry}/${reference.repository}:${reference.tag}`;
      return {
        ok: false,
        reason: 'ErrImagePull',
        message: `rpc error: code = NotFound desc = failed to pull and unpack image "${full}": failed to resolve reference "${full}": ${full}: not found`,
      };
    }
    const { registry, repository, tag } = reference;
    const digest = sha1(`${registry}/${repository}:${tag}`);
    return {
      ok: true,
      imageID: `${registry}/${repository}@sha256:${digest}${digest.slice(0, 24)}`,
      size: imageOf(reference).size,
    };
  }

  startContainer(
    pod: Pod,
    name: string,
    attempt: number,
    onExit: (exit: ContainerExit) => void,
  ): StartResult {
    const sandbox = this.sandboxes.get(pod.metadata.uid);
    const spec = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find(
      (one) => one.name === name,
    );
    const reference = parseImage(spec?.image ?? '');
    if (sandbox === undefined || spec === undefined || reference === undefined)
      return { ok: false, exitCode: 128, message: 'sandbox is gone' };
    const image = imageOf(reference);
    const hostname = hostnameOf(pod);
    const { world, limits } = this.#options;
    const links = this.#links?.of(pod) ?? {};
    const makeEnv = () =>
      containerEnvironment(this.api.store, withAddresses(pod, sandbox.ips), spec, {
        image: image.env,
        links,
        hostname,
      });
    const makeFiles = () =>
      containerFiles(this.api.store, pod, spec, {
        netns: sandbox.netns,
        ips: sandbox.ips,
        node: sandbox.machine.place.files,
        image: image.files,
        hostname,
        dns: this.#options.dns,
      });
    const run = new ContainerRun(
      {
        world,
        spec,
        netns: sandbox.netns,
        hostname,
        image,
        reference,
        // What other objects say counts as it is now; the rest can wait until somebody looks.
        env: spec.env === undefined && spec.envFrom === undefined ? later(makeEnv) : at(makeEnv()),
        files: spec.volumeMounts === undefined ? later(makeFiles) : at(makeFiles()),
        tools: imageTools(image),
        limits,
        programs: {
          coredns: (context) =>
            this.#coreDns === undefined ? undefined : coreDnsProgram(context, this.#coreDns, sandbox.netns),
        },
      },
      containerID(pod.metadata.uid, name, attempt),
      onExit,
    );
    const slot = sandbox.containers.get(name);
    sandbox.containers.set(name, { current: run, previous: slot?.current });
    const started = this.#aside(() => run.start());
    if (run.standIn && attempt === 0) this.onStandIn?.(pod, name, reference.text);
    return started;
  }

  signalContainer(pod: Pod, container: string, signal: 'SIGTERM' | 'SIGKILL'): void {
    const run = this.#run(pod, container);
    run?.signal(signal === 'SIGTERM' ? 'TERM' : 'KILL');
  }

  probe(pod: Pod, container: string, probe: Probe, done: (result: ProbeResult) => void): { cancel(): void } {
    const sandbox = this.sandboxes.get(pod.metadata.uid);
    const place = this.container(pod, container);
    const spec = pod.spec.containers.find(({ name }) => name === container);
    const { world, limits } = this.#options;
    return this.#aside(() =>
      runProbe({
        world,
        netns: sandbox?.machine.netns,
        ip: sandbox?.ips[0],
        place,
        spec,
        probe,
        limits,
        done,
      }),
    );
  }

  container(pod: Pod, container: string): Place | undefined {
    const run = this.#run(pod, container);
    return run?.running === true ? run.place : undefined;
  }

  log(pod: Pod, container: string, which: 'current' | 'previous'): readonly LogLine[] | undefined {
    return this.sandboxes.get(pod.metadata.uid)?.containers.get(container)?.[which]?.lines;
  }

  podNetns(pod: Pod): Netns | undefined {
    return this.sandboxes.get(pod.metadata.uid)?.netns;
  }

  runOf(uid: string, container: string): ContainerRun | undefined {
    return this.sandboxes.get(uid)?.containers.get(container)?.current;
  }

  /** Containers and probes go on by themselves: what they send belongs to no command. */
  #aside<T>(run: () => T): T {
    const { world } = this.#options;
    const { activity } = world;
    world.activity = 0;
    try {
      return run();
    } finally {
      world.activity = activity;
    }
  }

  #run(pod: Pod, container: string): ContainerRun | undefined {
    return this.runOf(pod.metadata.uid, container);
  }

  #keep(sandbox: Omit<Sandbox, 'containers'>): void {
    this.sandboxes.set(sandbox.pod.metadata.uid, { ...sandbox, containers: new Map() });
  }

  #destroy(sandbox: Sandbox): void {
    for (const { current } of sandbox.containers.values()) current?.destroy();
    this.sandboxes.delete(sandbox.pod.metadata.uid);
    if (sandbox.cniPod === undefined || sandbox.machine.cni === undefined) return;
    const { cni, world } = this.#options;
    const { cniPod, netns } = sandbox;
    const node = sandbox.machine.cni;
    // The processes have gone and said so on their connections; the interfaces go a moment later.
    this.#teardowns++;
    world.schedule(TEARDOWN, () => {
      this.#teardowns--;
      if (this.machines.get(node.name)?.cni === node) {
        this.#portMap.deletePod(cniPod);
        cni.deletePod(node, cniPod);
      }
      world.deleteNetns(netns);
    });
  }

  /** A pod's name in `default`, else `namespace/name`; machines had their names first. */
  #netnsName(pod: Pod): string {
    const { name, namespace = 'default' } = pod.metadata;
    const { netnses } = this.#options.world;
    const short = namespace === 'default' ? name : `${namespace}/${name}`;
    if (!netnses.has(short)) return short;
    const long = `${namespace}/${name}`;
    return netnses.has(long) ? `${long}-${pod.metadata.uid}` : long;
  }
}

/** 64 hex digits, half of them the pod's. */
function containerID(uid: string, name: string, attempt: number): string {
  let hash = 0x811c9dc5;
  let own = '';
  for (let round = 0; round < 4; round++) {
    for (const letter of `${name}/${attempt}/${round}`)
      hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193);
    own += (hash >>> 0).toString(16).padStart(8, '0');
  }
  return `containerd://${own}${uid.replaceAll('-', '').padEnd(32, '0')}`;
}

function at<T>(value: T): () => T {
  return () => value;
}

/** Made when it is first asked for. */
function later<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function hostnameOf(pod: Pod): string {
  if (pod.spec.hostNetwork === true) return pod.spec.nodeName ?? pod.metadata.name;
  return (pod.spec.hostname ?? pod.metadata.name).slice(0, 63);
}

function hostPortsOf({ spec }: Pod): HostPort[] {
  return spec.containers.flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, containerPort, protocol = 'TCP', hostIP }) => {
      if (hostPort === undefined || hostPort === 0) return [];
      const only = hostIP === undefined || hostIP === '' || hostIP === '0.0.0.0' ? {} : { hostIP };
      return [{ hostPort, containerPort, protocol: protocolOf(protocol), ...only }];
    }),
  );
}

function protocolOf(protocol: 'TCP' | 'UDP' | 'SCTP'): HostPort['protocol'] {
  return protocol === 'UDP' ? 'udp' : protocol === 'SCTP' ? 'sctp' : 'tcp';
}

/** A container may ask for its pod's address before the pod's status has it. */
function withAddresses(pod: Pod, ips: readonly string[]): Pod {
  const [podIP] = ips;
  return podIP === undefined
    ? pod
    : { ...pod, status: { ...pod.status, podIP, podIPs: ips.map((ip) => ({ ip })) } };
}
