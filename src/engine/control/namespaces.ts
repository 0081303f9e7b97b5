import { groupResource, resourceKinds } from '../api/kinds.ts';
import type { ControlContext } from './context.ts';
import { latency } from './latency.ts';
import { WorkQueue } from './queue.ts';

/** What every namespace has, and the emptying of those that are deleted. */
export class NamespaceController {
  private readonly context: ControlContext;
  private readonly queue: WorkQueue;

  constructor(context: ControlContext) {
    this.context = context;
    this.queue = new WorkQueue(context.clock, context.activity, latency.controller, (name) =>
      this.reconcile(name),
    );
    context.store.watch('Namespace', ({ type, object }) => {
      if (type !== 'DELETED') this.queue.add(object.metadata.name);
    });
    context.store.watch('*', ({ type, object }) => {
      const { namespace } = object.metadata;
      if (type !== 'DELETED' || namespace === undefined || object.kind === 'Event') return;
      if (context.store.get('Namespace', undefined, namespace)?.metadata.deletionTimestamp !== undefined)
        this.queue.add(namespace);
    });
  }

  private reconcile(name: string): void {
    const { store, server } = this.context;
    const namespace = store.get('Namespace', undefined, name);
    if (!namespace) return;
    if (namespace.metadata.deletionTimestamp === undefined) {
      server.createTrusted('ServiceAccount', { metadata: { namespace: name, name: 'default' } });
      server.createTrusted('ConfigMap', {
        metadata: {
          namespace: name,
          name: 'kube-root-ca.crt',
          annotations: {
            'kubernetes.io/description':
              'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.',
          },
        },
        data: { 'ca.crt': '-----BEGIN CERTIFICATE-----\n(simulated)\n-----END CERTIFICATE-----\n' },
      });
      return;
    }
    let left = 0;
    for (const resource of resourceKinds) {
      if (!resource.namespaced || groupResource(resource) === 'events') continue;
      for (const object of store.list(resource.kind, name)) {
        server.remove(object);
        if (store.get(resource.kind, name, object.metadata.name)) left++;
      }
    }
    if (left > 0) return;
    for (const event of store.list('Event', name)) server.removeNow(event);
    server.removeNow(namespace);
  }
}
