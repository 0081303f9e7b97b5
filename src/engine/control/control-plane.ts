import type { Clock } from '../api/clock.ts';
import type { ApiServer } from '../api/server.ts';
import type { ControlContext } from './context.ts';
import { DaemonSetController } from './daemonset.ts';
import { DeploymentController } from './deployment.ts';
import { EndpointSliceController } from './endpoint-slices.ts';
import { EventRecorder } from './events.ts';
import { GarbageCollector } from './garbage.ts';
import { JobController } from './job.ts';
import { Kubelet } from './kubelet.ts';
import { NamespaceController } from './namespaces.ts';
import type { NodeOptions } from './nodes.ts';
import { NodeRegistrar } from './nodes.ts';
import { collectPodsOfLostNodes } from './pod-gc.ts';
import { Activity } from './queue.ts';
import { ReplicaSetController } from './replicaset.ts';
import type { Runtime } from './runtime.ts';
import { Scheduler } from './scheduler.ts';
import { StatefulSetController } from './statefulset.ts';
import { TaintEvictionController } from './taint-eviction.ts';

/** The scheduler, the controllers and the kubelets over an API server, in virtual time. */
export class ControlPlane {
  readonly server: ApiServer;
  readonly clock: Clock;
  readonly events: EventRecorder;
  readonly activity = new Activity();

  constructor(server: ApiServer, clock: Clock, runtime: Runtime, options: NodeOptions) {
    this.server = server;
    this.clock = clock;
    this.events = new EventRecorder(server);
    const context: ControlContext = {
      server,
      store: server.store,
      clock,
      activity: this.activity,
      events: this.events,
    };
    new NodeRegistrar(server, options);
    new NamespaceController(context);
    new GarbageCollector(context);
    collectPodsOfLostNodes(context);
    new DeploymentController(context);
    new ReplicaSetController(context);
    new StatefulSetController(context);
    new DaemonSetController(context);
    new JobController(context);
    new EndpointSliceController(context);
    new Scheduler(context);
    new TaintEvictionController(context);
    new Kubelet(context, runtime);
  }

  /**
   * Whether controllers and kubelets have nothing to do but wait: for a probe's next turn, a back-off,
   * or a process that takes its time over SIGTERM.
   */
  get idle(): boolean {
    return this.activity.idle;
  }
}
