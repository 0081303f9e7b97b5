import type { Clock } from '../api/clock.ts';
import { ApiServer } from '../api/server.ts';
import type { Store } from '../api/store.ts';
import { createBuiltins, createNamespaces } from './builtins.ts';
import type { ControlContext } from './context.ts';
import { DeploymentController } from './deployment.ts';
import { EndpointSliceController } from './endpoint-slices.ts';
import { EventRecorder } from './events.ts';
import { GarbageCollector } from './garbage.ts';
import { Kubelet } from './kubelet.ts';
import { NamespaceController } from './namespaces.ts';
import { controlPlaneName, controlPlaneTaint, NodeRegistrar, PodGarbageCollector } from './nodes.ts';
import { Activity } from './queue.ts';
import { ReplicaSetController } from './replicaset.ts';
import type { Runtime } from './runtime.ts';
import { Scheduler } from './scheduler.ts';

export interface ControlPlaneOptions {
  readonly clock: Clock;
  readonly runtime: Runtime;
  readonly seed: number;
  /** Workers: `node-1` … . */
  readonly nodes: number;
  readonly podCIDR: string;
  readonly serviceCIDR: string;
  readonly maxObjects: number;
  /** False without a CNI. Default true. */
  readonly networkReady?: boolean;
  /** The InternalIP of the n-th machine; 0 is the control plane. Default 192.168.50.10 and on. */
  readonly addressOf?: (index: number) => string;
}

/** Workers join once CoreDNS has been placed on the control plane, as after `kubeadm init`. */
const joinDelay = 100_000;

/** The API server with the scheduler, the controllers and the kubelets, in virtual time. */
export class ControlPlane {
  readonly server: ApiServer;
  readonly store: Store;
  readonly events: EventRecorder;
  private readonly activity = new Activity();

  constructor(options: ControlPlaneOptions) {
    const { clock, runtime, seed, serviceCIDR, podCIDR, maxObjects } = options;
    const addressOf = options.addressOf ?? ((index) => `192.168.50.${10 + index}`);
    this.server = new ApiServer({ clock, seed, serviceCIDR, maxObjects });
    this.store = this.server.store;
    this.events = new EventRecorder(this.server);
    const context: ControlContext = {
      server: this.server,
      store: this.store,
      clock,
      activity: this.activity,
      events: this.events,
    };
    new NodeRegistrar(this.server, { podCIDR, addressOf, networkReady: options.networkReady ?? true });
    new NamespaceController(context);
    new GarbageCollector(context);
    new PodGarbageCollector(context);
    new DeploymentController(context);
    new ReplicaSetController(context);
    new EndpointSliceController(context);
    new Scheduler(context);
    new Kubelet(context, runtime);
    createNamespaces(this.server);
    this.server.createTrusted('Node', {
      metadata: { name: controlPlaneName, labels: { 'node-role.kubernetes.io/control-plane': '' } },
      spec: { taints: [controlPlaneTaint] },
    });
    createBuiltins(this.server, addressOf(0));
    this.activity.begin();
    clock.schedule(joinDelay, () => {
      for (let i = 1; i <= options.nodes; i++)
        this.server.createTrusted('Node', { metadata: { name: `node-${i}` }, spec: {} });
      this.activity.end();
    });
  }

  /**
   * Whether controllers and kubelets have nothing to do but wait: for a probe's next turn, a back-off,
   * or a process that takes its time over SIGTERM.
   */
  settled(): boolean {
    return this.activity.idle;
  }
}
