import type { Draft } from './json.ts';
import { equalJson, isObject } from './json.ts';

/** Kinds whose status users cannot write with the rest: it begins as given here. */
export const initialStatus: Readonly<Record<string, (object: Draft) => Draft>> = {
  Pod: (pod) => ({ phase: 'Pending', qosClass: qosClass(pod) }),
  Service: () => ({ loadBalancer: {} }),
  Deployment: () => ({}),
  ReplicaSet: () => ({ replicas: 0 }),
  StatefulSet: () => ({ replicas: 0 }),
  DaemonSet: () => ({
    currentNumberScheduled: 0,
    desiredNumberScheduled: 0,
    numberMisscheduled: 0,
    numberReady: 0,
  }),
  Job: () => ({}),
  Ingress: () => ({ loadBalancer: {} }),
  Namespace: () => ({ phase: 'Active' }),
};

/** component-helpers' ComputePodQOS. */
function qosClass(pod: Draft): string {
  const spec = isObject(pod['spec']) ? pod['spec'] : {};
  const containers = Array.isArray(spec['containers']) ? spec['containers'] : [];
  let any = false;
  let all = containers.length > 0;
  for (const container of containers) {
    const resources = isObject(container) && isObject(container['resources']) ? container['resources'] : {};
    const limits = isObject(resources['limits']) ? resources['limits'] : {};
    const requests = isObject(resources['requests']) ? resources['requests'] : {};
    for (const name of ['cpu', 'memory']) {
      if (limits[name] !== undefined || requests[name] !== undefined) any = true;
      if (limits[name] === undefined || !equalJson(limits[name], requests[name])) all = false;
    }
  }
  return !any ? 'BestEffort' : all ? 'Guaranteed' : 'Burstable';
}
