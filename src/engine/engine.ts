import { applyManifest } from './api/apply.ts';
import { readManifest } from './api/manifest.ts';
import { isObject } from './api/json.ts';
import { resourceOfKind } from './api/kinds.ts';
import { ApiServer } from './api/server.ts';
import { experimentRecord, type Experiment } from './capture/experiment.ts';
import { createCni } from './cni/registry.ts';
import type { Cni } from './cni/cni.ts';
import type {
  ApplyResult,
  Cluster,
  ClusterOptions,
  ClusterSnapshot,
  CommandResult,
  Completion,
  Diagnostic,
  OutputPiece,
} from './cluster.ts';
import { clusterView } from './cluster-view.ts';
import { completeLine } from './completion.ts';
import { bootstrap } from './control/bootstrap.ts';
import { controlPlaneName } from './control/nodes.ts';
import { ControlPlane } from './control/control-plane.ts';
import { honestWords } from './honest-words.ts';
import { KubeProxies } from './kube-proxies.ts';
import { Lan } from './lan.ts';
import { bindListener } from './listening.ts';
import { machinePlace } from './machine.ts';
import { apiServerListener, outsideListeners } from './name-servers.ts';
import { familyOf } from './net/address.ts';
import { Trace } from './net/trace.ts';
import { World } from './net/world.ts';
import { addressIn, networksOf } from './options.ts';
import type { ResolvedOptions } from './options.ts';
import { PolicyEnforcer } from './policies.ts';
import type { Inventory } from './policy/inventory.ts';
import { runningInventory } from './policy/running-inventory.ts';
import { EngineRuntime } from './runtime.ts';
import { resumeTaps, suspendTaps } from './shell/tap.ts';
import { Terminal, type Printed } from './shell/terminal.ts';
import type { KubectlHost } from './shell/kubectl/host.ts';
import type { Place, Tool } from './shell/tool.ts';
import { clientTools, machineTools } from './tools.ts';
import type { FindPlace } from './tools.ts';
import type { ClusterView } from './view.ts';

/** How long nothing of a command may move on the wire before its record ends. */
const QUIET = 60_000;
const LONGEST_TAIL = 3_000_000;
/** A storm has no tail to wait for. */
const TAIL_EVENTS = 100_000;

/** A trace that knows which walks one activity began, and whether anything of it still moves. */
class ActivityTrace extends Trace {
  readonly own = new Set<number>();
  /** Frames of the activity, kept or not. */
  moved = 0;
  readonly #world: World;
  readonly #activity: number;
  #first: number | undefined;
  readonly #keep: boolean;

  constructor(world: World, activity: number, limit: number, keep: boolean) {
    super(limit);
    this.#world = world;
    this.#activity = activity;
    this.#keep = keep;
  }

  override frame(...crossing: Parameters<Trace['frame']>): void {
    if (this.#world.activity === this.#activity) this.moved++;
    if (this.#keep) super.frame(...crossing);
  }

  override decision(...made: Parameters<Trace['decision']>): void {
    if (this.#keep) super.decision(...made);
  }

  override walk(id: number, cause: number | undefined): void {
    if (!this.#keep) return;
    super.walk(id, cause);
    this.#first ??= id;
    // A timer that somebody else's packet started may answer this activity's packet too: what is answered decides,
    // unless that was before: a connection that was kept open carries what the activity sends over it.
    const mine =
      cause === undefined || cause < this.#first
        ? this.#world.activity === this.#activity
        : this.own.has(cause);
    if (mine) this.own.add(id);
  }
}

type Step = ClusterSnapshot['steps'][number];

/** Who wants to see the programs that are started where `kubectl` is. */
export interface ClientObserver {
  host(host: KubectlHost): KubectlHost;
  tool(name: string, tool: Tool): Tool;
}

/** A cluster: the simulated world, the control plane over it, and the terminal of whoever uses it. */
export class EngineCluster implements Cluster {
  readonly options: ResolvedOptions;
  readonly #given: ClusterOptions;
  readonly world: World;
  readonly #api: ApiServer;
  readonly #control: ControlPlane;
  readonly #cni: Cni;
  readonly runtime: EngineRuntime;
  readonly #proxies: KubeProxies;
  /** Where the CNI enforces policies. */
  readonly #policies: PolicyEnforcer | undefined;
  readonly #terminal: Terminal;
  readonly #client: Place;
  readonly #steps: Step[] = [];
  #activities = 0;
  /** The workers that the options made, until Node manifests take their place. */
  #ownWorkers = true;

  constructor(options: ResolvedOptions, given: ClusterOptions, observer?: ClientObserver) {
    this.options = options;
    this.#given = given;
    const world = new World({ seed: options.seed });
    this.world = world;
    const clusterCIDRs = networksOf(options.podCIDR);
    const lan = new Lan(
      world,
      options.nodes,
      clusterCIDRs.map(({ ip }) => familyOf(ip)),
    );
    const cni = createCni(options.cni, {
      clusterCIDRs,
      newMac: () => lan.newMac(),
    });
    if (cni === undefined) throw new Error(`no such plugin: ${options.cni}`);
    this.#cni = cni;
    const places = new Map<string, Place>();
    const find = (host: string): Place | undefined =>
      places.get(host) ?? this.runtime.machines.get(host)?.place;
    const nodeTools = machineTools(find);
    for (const netns of [lan.switch, lan.router, lan.ext])
      places.set(netns.name, machinePlace(world, netns, netns.name, 'node', nodeTools, '', lan.nameservers));
    this.runtime = new EngineRuntime({
      world,
      lan,
      cni,
      dns: {
        clusterDNS: [addressIn(options.serviceCIDR, 10)],
        clusterDomain: 'cluster.local',
        node: { nameservers: lan.nameservers, searches: [], options: [] },
      },
      nodeTools,
      limits: options.limits,
    });
    const clock = {
      now: () => world.now,
      schedule: (delay: number, run: () => void) => world.schedule(delay, run),
    };
    this.#api = new ApiServer({
      clock,
      seed: options.seed,
      serviceCIDR: options.serviceCIDR,
      maxObjects: options.limits.objects,
    });
    this.runtime.connect(this.#api);
    this.#control = new ControlPlane(this.#api, clock, this.runtime, {
      podCIDR: options.podCIDR,
      networkReady: options.cni !== 'none',
    });
    const { events } = this.#control;
    this.runtime.events = events;
    this.runtime.onStandIn = (pod, container, image) =>
      events.record(
        pod,
        'Warning',
        'StandIn',
        `Image "${image}" is not one that is simulated: a stand-in listens on the ports that the container declares`,
        'podwalk',
        undefined,
        `spec.containers{${container}}`,
      );
    this.#proxies = new KubeProxies(world, this.#api.store, this.runtime, {
      clusterCIDRs,
      serviceCIDRs: options.serviceCIDR.split(','),
      mode: options.proxy === 'nftables' ? 'nftables' : 'iptables',
    });
    this.#policies = cni.enforcesPolicy
      ? new PolicyEnforcer(world, this.#api.store, this.runtime, lan.families)
      : undefined;
    for (const listener of outsideListeners(lan.extAddresses, () => world.now))
      bindListener(lan.ext, listener, { name: 'server', pid: 1 });
    bootstrap(this.#control, options);
    const controlPlane = this.runtime.machines.get(controlPlaneName);
    if (controlPlane !== undefined)
      bindListener(
        controlPlane.netns,
        apiServerListener(() => world.now),
        { name: 'kube-apiserver', pid: 100 },
      );
    const workstation = world.createNetns('workstation', { kind: 'host' });
    this.#client = machinePlace(
      world,
      workstation,
      'workstation',
      'client',
      observedTools(this.runtime, find, observer),
      '',
      lan.nameservers,
    );
    this.#terminal = new Terminal(world, this.#client, options.limits);
    this.#settle();
  }

  apply(manifest: string, file?: string): ApplyResult {
    this.#steps.push({ kind: 'apply', manifest, ...(file === undefined ? {} : { file }) });
    this.world.activity = 0;
    this.#replaceWorkers(manifest);
    const outcome = applyManifest(this.#api, manifest, file === undefined ? {} : { file });
    const hits = this.#api.limitHits;
    const settled = [...this.#settle(), ...this.#fullSince(hits, file)];
    const { lines } = outcome;
    const diagnostics: Diagnostic[] = [
      ...outcome.diagnostics,
      ...honestWords(outcome.manifest, { cni: this.#cni, store: this.#api.store }, file),
      ...settled,
    ];
    return {
      output: lines.map((line) => (line.endsWith('\n') ? line : `${line}\n`)).join(''),
      diagnostics,
      ok: outcome.ok && !settled.some(({ severity }) => severity === 'error'),
    };
  }

  /** Controllers that found no room say so in an event; whoever applied the manifest is told too. */
  #fullSince(hits: number, file: string | undefined): Diagnostic[] {
    if (this.#api.limitHits === hits) return [];
    const message = `this cluster holds at most ${this.options.limits.objects} objects (limit "objects"): not all that was asked for could be made`;
    return [
      {
        severity: 'error',
        code: 'limit/objects',
        message,
        ...(file === undefined ? {} : { file }),
        line: 1,
        column: 1,
      },
    ];
  }

  run(command: string, options: { readonly record?: boolean } = {}): CommandResult {
    this.#steps.push({ kind: 'run', command });
    const { value, record, place } = this.experiment((seen) => {
      const result = this.#terminal.run(command, seen);
      this.#settle();
      return result;
    }, options.record !== false);
    const { printed, ...result } = value;
    return { command, ...result, pieces: outputPieces(printed, place), record };
  }

  /** Runs a line in the middle of an experiment. */
  runAside(command: string): { readonly exitCode: number; readonly output: string } {
    const result = this.#terminal.run(command);
    this.#settle();
    return result;
  }

  /** Runs what is given as one activity and records the packets that it causes, until they have settled. */
  experiment<T>(run: (seen: () => number) => T, record = true): { readonly value: T } & Experiment {
    const { world } = this;
    const activity = ++this.#activities;
    const start = world.now;
    const trace = new ActivityTrace(world, activity, this.options.limits.recordEvents, record);
    const before = suspendTaps(world);
    world.tracer = trace;
    resumeTaps(world, before);
    world.activity = activity;
    const value = run(() => trace.events.length);
    this.#drain(trace);
    const after = suspendTaps(world);
    world.tracer = undefined;
    resumeTaps(world, after);
    world.activity = 0;
    return { value, ...experimentRecord(trace, { world, start, keep: (walk) => trace.own.has(walk) }) };
  }

  view(): ClusterView {
    return clusterView({
      world: this.world,
      api: this.#api,
      cni: this.#cni,
      cniName: this.options.cni,
      runtime: this.runtime,
    });
  }

  inventory(): Inventory {
    return runningInventory(this.#api.store, this.#cni.enforcesPolicy ? 'enforced' : 'ignored');
  }

  complete(line: string, cursor: number): Completion {
    return completeLine(line, cursor, {
      client: this.#client,
      store: this.#api.store,
      runtime: this.runtime,
    });
  }

  now(): number {
    return this.world.now;
  }

  advance(microseconds: number): void {
    this.#steps.push({ kind: 'advance', microseconds });
    this.world.activity = 0;
    this.world.run({ time: Math.max(0, microseconds), events: this.options.limits.events });
  }

  snapshot(): ClusterSnapshot {
    return { version: 1, options: this.#given, steps: [...this.#steps] };
  }

  /** Nodes in a manifest take the place of the workers that the options made. */
  #replaceWorkers(manifest: string): void {
    if (!this.#ownWorkers || !/\bkind"?\s*:\s*["']?Node\b/.test(manifest)) return;
    const nodes = new Map<string, readonly string[]>();
    for (const { value } of readManifest(manifest).objects) {
      const { kind, metadata, spec } = value;
      if (kind !== 'Node' || typeof metadata !== 'object' || metadata === null || !('name' in metadata))
        continue;
      const { podCIDR, podCIDRs = podCIDR } = isObject(spec) ? spec : {};
      const wanted = [podCIDRs].flat().flatMap((cidr) => (typeof cidr === 'string' ? [cidr] : []));
      nodes.set(String(metadata['name']), wanted);
    }
    if (nodes.size === 0) return;
    this.#ownWorkers = false;
    const resource = resourceOfKind('Node');
    if (resource === undefined) return;
    for (const node of this.#api.store.list('Node')) {
      const { name } = node.metadata;
      const wanted = nodes.get(name);
      if (name === controlPlaneName || wanted?.every((cidr) => node.spec.podCIDRs?.includes(cidr)) === true)
        continue;
      this.#api.delete(resource, undefined, name);
    }
  }

  /** Until the control plane and the proxies are at rest. */
  #settle(): Diagnostic[] {
    const { commandTime, events } = this.options.limits;
    const end = this.world.run({
      until: () =>
        this.#control.idle && this.runtime.idle && this.#proxies.idle && this.#policies?.idle !== false,
      time: commandTime,
      events,
    });
    if (end === 'done' || end === 'idle') return [];
    const limit = end === 'events' ? 'events' : 'commandTime';
    return [
      {
        severity: 'error',
        code: `limit/${limit}`,
        message: `the cluster did not come to rest within ${end === 'events' ? `${events} events` : `${commandTime / 1_000_000} s of virtual time`} (limit: ${limit})`,
        line: 1,
        column: 1,
      },
    ];
  }

  /** What a command set in motion ends before its record does: the last acknowledgements, a reset, an error on its way. */
  #drain(trace: ActivityTrace): void {
    const { world } = this;
    const deadline = world.now + LONGEST_TAIL;
    const events = Math.min(TAIL_EVENTS, this.options.limits.events);
    for (let seen = -1; seen !== trace.moved && world.now < deadline;) {
      seen = trace.moved;
      if (world.run({ time: QUIET, events }) === 'events') return;
    }
  }
}

function outputPieces(printed: readonly Printed[], place: Experiment['place']): OutputPiece[] {
  const pieces: OutputPiece[] = [];
  for (const { stream, text, at, seen } of printed) {
    const events = place(at, seen);
    const last = pieces.at(-1);
    if (last?.stream === stream && last.events === events)
      pieces[pieces.length - 1] = { ...last, text: last.text + text };
    else pieces.push({ stream, text, events });
  }
  return pieces;
}

function observedTools(
  host: KubectlHost,
  find: FindPlace,
  observer: ClientObserver | undefined,
): ReadonlyMap<string, Tool> {
  if (observer === undefined) return clientTools(host, find);
  return new Map(
    [...clientTools(observer.host(host), find)].map(([name, tool]) => [name, observer.tool(name, tool)]),
  );
}
