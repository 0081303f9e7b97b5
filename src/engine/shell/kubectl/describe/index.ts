import {
  describeConfigMap,
  describeNamespace,
  describeNode,
  describeSecret,
  describeServiceAccount,
} from './cluster.ts';
import { type DescribeContext } from './description.ts';
import { describeAnything } from './generic.ts';
import {
  describeEndpoints,
  describeEndpointSlice,
  describeIngress,
  describeIngressClass,
  describeNetworkPolicy,
  describeService,
} from './network.ts';
import { describePod } from './pod.ts';
import {
  describeCronJob,
  describeDaemonSet,
  describeDeployment,
  describeJob,
  describeReplicaSet,
  describeStatefulSet,
} from './workloads.ts';

type Describer = (object: unknown, context: DescribeContext) => string;

const describers: ReadonlyMap<string, Describer> = new Map<string, Describer>([
  ['Pod', describePod],
  ['Service', describeService],
  ['Endpoints', describeEndpoints],
  ['EndpointSlice', describeEndpointSlice],
  ['Ingress', describeIngress],
  ['IngressClass', describeIngressClass],
  ['NetworkPolicy', describeNetworkPolicy],
  ['Deployment', describeDeployment],
  ['ReplicaSet', describeReplicaSet],
  ['StatefulSet', describeStatefulSet],
  ['DaemonSet', describeDaemonSet],
  ['Job', describeJob],
  ['CronJob', describeCronJob],
  ['Node', describeNode],
  ['Namespace', describeNamespace],
  ['ConfigMap', describeConfigMap],
  ['Secret', describeSecret],
  ['ServiceAccount', describeServiceAccount],
]);

/** What `kubectl describe` prints of an object. Facts: `k8s.io/kubectl/pkg/describe`. */
export function describeObject(kind: string, object: unknown, context: DescribeContext): string {
  return (describers.get(kind) ?? describeAnything)(object, context);
}
