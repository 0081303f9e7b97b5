import type { ApiServer } from './api/server.ts';
import type { Container, Node, Pod, Probe } from './api/types.ts';
import { hasTag, imageOf } from './apps/catalog.ts';
import { parseImage } from './apps/image.ts';
import type { ImageReference } from './apps/server.ts';
import type { Cni } from './cni/cni.ts';
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
import type { EventRecorder } from './control/events.ts';
import { Activity } from './control/queue.ts';
import { storeDirectory } from './dns/directory.ts';
import { CoreDns } from './dns/server.ts';
import type { DnsDefaults } from './dns/resolv.ts';
import type { Lan } from './lan.ts';
import { createNodeMachine, internalIps } from './machine.ts';
import type { Machine } from './machine.ts';
import { formatIp } from './net/address.ts';
import type { Netns } from './net/netns.ts';
import type { World } from './net/world.ts';
import { ingressController } from './ingress/controller.ts';
import { coreDnsProgram } from './name-servers.ts';
import { runProbe } from './probe.ts';
import { Sandbox } from './sandbox.ts';
import { ServiceLinks } from './service-links.ts';
import { mountsObjects, SteadyStarts } from './steady-starts.ts';
import type { KubectlHost, LogLine } from './shell/kubectl/host.ts';
import type { Place, Session, Tool } from './shell/tool.ts';
import { imageTools } from './tools.ts';

/** From the end of a pod's processes to the end of its network. */
const TEARDOWN = 10_000;

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
  /** Where programs that talk to the API write their events. */
  events: EventRecorder | undefined;
  readonly #activity = new Activity();
  readonly #options: EngineRuntimeOptions;
  readonly #portMap = new PortMap();
  /** What pulling an image comes to, which is the same on every node. */
  readonly #images = new Map<string, ImageResult>();
  readonly #steady = new SteadyStarts();
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

  /** Whether no pod's network is on its way out, and no program about to tell the API something. */
  get idle(): boolean {
    return this.#teardowns === 0 && this.#activity.idle;
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
      internalIps(node).join() !== internalIps(previous).join() ||
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
    const { world, cni } = this.#options;
    const sandbox = new Sandbox(world, pod, machine, this.#netnsName(pod));
    if (sandbox.hostNetwork) sandbox.ips = machine.cni.ips.map(formatIp);
    else {
      const added = cni.addPod(machine.cni, sandbox);
      if (!added.ok)
        return {
          ok: false,
          message: `Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "${sha1(pod.metadata.uid)}": ${added.message}`,
        };
      world.promiseNetns(sandbox.netnsName, sandbox);
      this.#portMap.addPod(machine.cni, sandbox, added.ips, hostPortsOf(pod));
      sandbox.ips = added.ips.map(formatIp);
    }
    this.sandboxes.set(sandbox.uid, sandbox);
    return { ok: true, ips: sandbox.ips };
  }

  removeSandbox(pod: Pod): void {
    const sandbox = this.sandboxes.get(pod.metadata.uid);
    if (sandbox !== undefined) this.#destroy(sandbox);
  }

  updatePod(pod: Pod): void {
    const sandbox = this.sandboxes.get(pod.metadata.uid);
    if (sandbox !== undefined) sandbox.pod = pod;
  }

  pullImage(image: string): ImageResult {
    let result = this.#images.get(image);
    if (result === undefined) this.#images.set(image, (result = this.#pull(image)));
    return result;
  }

  #pull(image: string): ImageResult {
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

  /** The host end of the pod's link; undefined on the host's network. */
  hostDevice(sandbox: Sandbox): string | undefined {
    return sandbox.hostNetwork ? undefined : this.#options.cni.hostDevice(sandbox);
  }

  startContainer(
    pod: Pod,
    name: string,
    attempt: number,
    onExit: (exit: ContainerExit) => void,
  ): StartResult {
    const sandbox = this.sandboxes.get(pod.metadata.uid);
    const spec = containerNamed(pod, name);
    const reference = parseImage(spec?.image ?? '');
    if (sandbox === undefined || spec === undefined || reference === undefined)
      return { ok: false, exitCode: 128, message: 'sandbox is gone' };
    const id = containerID(pod.metadata.uid, name, attempt);
    const links = this.#links?.of(pod) ?? {};
    const facts = { id, links, onExit };
    const steady = attempt === 0 && sandbox.untouched ? this.#steady.of(pod, name, links) : undefined;
    if (steady !== undefined) {
      this.#deferStart(sandbox, spec, reference, facts);
      if (steady.standIn) this.onStandIn?.(pod, name, reference.text);
      return { ok: true, containerID: id };
    }
    const run = this.#newRun(sandbox, spec, reference, facts);
    const started = this.#aside(() => run.start());
    if (attempt === 0) this.#steady.note(pod, name, links, run);
    if (run.standIn && attempt === 0) this.onStandIn?.(pod, name, reference.text);
    return started;
  }

  #deferStart(sandbox: Sandbox, spec: Container, reference: ImageReference, facts: RunFacts): void {
    sandbox.machine.netns.defer(() => this.#newRun(sandbox, spec, reference, facts).start());
  }

  #newRun(
    sandbox: Sandbox,
    spec: Container,
    reference: ImageReference,
    { id, links, onExit }: RunFacts,
  ): ContainerRun {
    const { pod } = sandbox;
    const image = imageOf(reference);
    const hostname = hostnameOf(pod);
    const { world, limits } = this.#options;
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
    const run: ContainerRun = new ContainerRun(
      {
        world,
        spec,
        netns: sandbox.netns,
        hostname,
        image,
        reference,
        // What other objects say counts as it is now; the rest can wait until somebody looks.
        env: spec.env === undefined && spec.envFrom === undefined ? later(makeEnv) : at(makeEnv()),
        files: mountsObjects(pod, spec) ? at(makeFiles()) : later(makeFiles),
        tools: imageTools(image),
        limits,
        programs: {
          coredns: (context) =>
            this.#coreDns === undefined ? undefined : coreDnsProgram(context, this.#coreDns, sandbox.netns),
          'nginx-ingress-controller': (context) =>
            ingressController(context, {
              api: this.api,
              netns: sandbox.netns,
              pod,
              files: () => run.place.files,
              activity: this.#activity,
              event: (about, reason, message, component) =>
                this.events?.record(about, 'Normal', reason, message, component),
            }),
        },
      },
      id,
      onExit,
    );
    sandbox.begin(spec.name, run);
    return run;
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
    return this.sandboxes.get(pod.metadata.uid)?.runs(container)?.[which]?.lines;
  }

  podNetns(pod: Pod): Netns | undefined {
    return this.sandboxes.get(pod.metadata.uid)?.netns;
  }

  runOf(uid: string, container: string): ContainerRun | undefined {
    return this.sandboxes.get(uid)?.runs(container)?.current;
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

  #destroy(sandbox: Sandbox): void {
    sandbox.destroyRuns();
    this.sandboxes.delete(sandbox.uid);
    if (sandbox.hostNetwork || sandbox.machine.cni === undefined) return;
    const { cni, world } = this.#options;
    const { netns } = sandbox;
    const node = sandbox.machine.cni;
    // The processes have gone and said so on their connections; the interfaces go a moment later.
    this.#teardowns++;
    world.schedule(TEARDOWN, () => {
      this.#teardowns--;
      if (this.machines.get(node.name)?.cni === node) {
        this.#portMap.deletePod(sandbox);
        cni.deletePod(node, sandbox);
      }
      world.deleteNetns(netns);
    });
  }

  /** A pod's name in `default`, else `namespace/name`; machines had their names first. */
  #netnsName(pod: Pod): string {
    const { name, namespace = 'default' } = pod.metadata;
    const { world } = this.#options;
    const short = namespace === 'default' ? name : `${namespace}/${name}`;
    if (!world.hasNetns(short)) return short;
    const long = `${namespace}/${name}`;
    return world.hasNetns(long) ? `${long}-${pod.metadata.uid}` : long;
  }
}

function containerNamed({ spec }: Pod, name: string): Container | undefined {
  for (const container of spec.containers) if (container.name === name) return container;
  return spec.initContainers?.find((container) => container.name === name);
}

interface RunFacts {
  readonly id: string;
  readonly links: Readonly<Record<string, string>>;
  readonly onExit: (exit: ContainerExit) => void;
}

/** 64 hex digits, half of them the pod's. */
function containerID(uid: string, name: string, attempt: number): string {
  const key = `${name}/${attempt}`;
  let own = ownDigits.get(key);
  if (own === undefined) ownDigits.set(key, (own = digitsOf(name, attempt)));
  // A flat string: these are kept by the hundred thousand.
  return ['containerd://', own, ...uid.split('-')].join('').padEnd(77, '0');
}

const ownDigits = new Map<string, string>();

function digitsOf(name: string, attempt: number): string {
  let hash = 0x811c9dc5;
  let own = '';
  for (let round = 0; round < 4; round++) {
    for (const letter of `${name}/${attempt}/${round}`)
      hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193);
    own += (hash >>> 0).toString(16).padStart(8, '0');
  }
  return own;
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
      const only = hostIP === undefined || hostIP === '' ? {} : { hostIP };
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
