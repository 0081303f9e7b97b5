import { ageAt, formatTimestamp } from '../duration.ts';
import { nodeRoles } from '../printers/cluster.ts';
import {
  addQuantities,
  formatQuantity,
  parseQuantity,
  type Quantity,
  showQuantity,
  zero,
} from '../quantity.ts';
import { byBytes, entriesAt, flagAt, listAt, textAt, textsAt, valueAt } from '../value.ts';
import { type DescribeContext, Description } from './description.ts';

export function describeNamespace(namespace: unknown): string {
  const d = new Description();
  d.field('Name', textAt(namespace, 'metadata.name'));
  d.labels('Labels', namespace, 'metadata.labels');
  d.annotations(namespace);
  d.field('Status', textAt(namespace, 'status.phase'));
  const conditions = listAt(namespace, 'status.conditions');
  if (conditions.length > 0) {
    d.line('Conditions:');
    d.table(
      ['Type', 'Status', 'LastTransitionTime', 'Reason', 'Message'],
      conditions.map((condition) => [
        textAt(condition, 'type'),
        textAt(condition, 'status'),
        formatTimestamp(valueAt(condition, 'lastTransitionTime')),
        textAt(condition, 'reason'),
        textAt(condition, 'message'),
      ]),
    );
  }
  d.line('\nNo resource quota.\n\nNo LimitRange resource.');
  return d.toString();
}

export function describeConfigMap(configMap: unknown, context: DescribeContext): string {
  const d = new Description();
  d.identity(configMap);
  d.line('\nData\n====');
  for (const [key, value] of entriesAt(configMap, 'data')) d.line(`${key}:\n----\n${value}\n`);
  d.line('\nBinaryData\n====');
  for (const [key, value] of entriesAt(configMap, 'binaryData'))
    d.line(`${key}: ${decodedLength(value)} bytes`);
  d.line('');
  d.events(configMap, context);
  return d.toString();
}

export function describeSecret(secret: unknown): string {
  const d = new Description();
  d.identity(secret);
  d.line(`\nType:\t${textAt(secret, 'type')}`);
  d.line('\nData\n====');
  for (const [key, value] of entriesAt(secret, 'data')) d.field(key, `${decodedLength(value)} bytes`);
  return d.toString();
}

export function describeServiceAccount(account: unknown, context: DescribeContext): string {
  const d = new Description();
  d.identity(account);
  const secrets = (path: string) => listAt(account, path).map((secret) => textAt(secret, 'name'));
  d.lines('Image pull secrets', secrets('imagePullSecrets'));
  d.lines('Mountable secrets', secrets('secrets'));
  d.lines('Tokens', []);
  d.events(account, context);
  return d.toString();
}

export function describeNode(node: unknown, context: DescribeContext): string {
  const d = new Description();
  const name = textAt(node, 'metadata.name');
  d.field('Name', name);
  d.field('Roles', nodeRoles(node).join(',') || '<none>');
  d.labels('Labels', node, 'metadata.labels');
  d.annotations(node);
  d.field('CreationTimestamp', formatTimestamp(valueAt(node, 'metadata.creationTimestamp')));
  const taints = listAt(node, 'spec.taints').map((taint) => {
    const value = textAt(taint, 'value');
    const effect = textAt(taint, 'effect');
    return {
      text: `${textAt(taint, 'key')}${value === '' ? '' : `=${value}`}:${effect}`,
      order: `${effect},${textAt(taint, 'key')}`,
    };
  });
  d.lines(
    'Taints',
    taints.sort((a, b) => byBytes(a.order, b.order)).map(({ text }) => text),
  );
  d.field('Unschedulable', flagAt(node, 'spec.unschedulable'));
  describeLease(d, node, name);
  const conditions = listAt(node, 'status.conditions');
  if (conditions.length > 0) {
    d.line('Conditions:');
    d.table(
      ['Type', 'Status', 'LastHeartbeatTime', 'LastTransitionTime', 'Reason', 'Message'],
      conditions.map((condition) => [
        `${textAt(condition, 'type')} `,
        `${textAt(condition, 'status')} `,
        `${formatTimestamp(valueAt(condition, 'lastHeartbeatTime'))} `,
        `${formatTimestamp(valueAt(condition, 'lastTransitionTime'))} `,
        `${textAt(condition, 'reason')} `,
        textAt(condition, 'message'),
      ]),
    );
  }
  d.line('Addresses:');
  for (const address of listAt(node, 'status.addresses'))
    d.field(textAt(address, 'type'), textAt(address, 'address'), 1);
  for (const [label, path] of [
    ['Capacity', 'status.capacity'],
    ['Allocatable', 'status.allocatable'],
  ] as const) {
    const resources = entriesAt(node, path);
    if (resources.length > 0) d.line(`${label}:`);
    for (const [resource, quantity] of resources) d.field(resource, formatQuantity(quantity), 1);
  }
  d.line('System Info:');
  for (const [label, field] of systemInfo) d.field(label, textAt(node, `status.nodeInfo.${field}`), 1);
  d.optional('PodCIDR', textAt(node, 'spec.podCIDR'));
  d.optional('PodCIDRs', textsAt(node, 'spec.podCIDRs').join(','));
  d.optional('ProviderID', textAt(node, 'spec.providerID'));
  describePods(d, node, context);
  d.events(node, context);
  return d.toString();
}

const systemInfo = [
  ['Machine ID', 'machineID'],
  ['System UUID', 'systemUUID'],
  ['Boot ID', 'bootID'],
  ['Kernel Version', 'kernelVersion'],
  ['OS Image', 'osImage'],
  ['Operating System', 'operatingSystem'],
  ['Architecture', 'architecture'],
  ['Container Runtime Version', 'containerRuntimeVersion'],
  ['Kubelet Version', 'kubeletVersion'],
  ['Kube-Proxy Version', 'kubeProxyVersion'],
] as const;

/** A kubelet renews its lease with its heartbeat. */
function describeLease(d: Description, node: unknown, name: string): void {
  const ready = listAt(node, 'status.conditions').find((condition) => textAt(condition, 'type') === 'Ready');
  const renewed = valueAt(ready, 'lastHeartbeatTime');
  d.line('Lease:');
  d.field('HolderIdentity', name, 1);
  d.field('AcquireTime', '<unset>', 1);
  d.field('RenewTime', renewed === undefined ? '<unset>' : formatTimestamp(renewed), 1);
}

type Bound = 'requests' | 'limits';

function describePods(d: Description, node: unknown, context: DescribeContext): void {
  const name = textAt(node, 'metadata.name');
  const pods = context.list('Pod').filter((pod) => {
    const phase = textAt(pod, 'status.phase');
    return textAt(pod, 'spec.nodeName') === name && phase !== 'Succeeded' && phase !== 'Failed';
  });
  const allocatable = valueAt(
    node,
    entriesAt(node, 'status.allocatable').length > 0 ? 'status.allocatable' : 'status.capacity',
  );
  const share = (amount: Quantity, resource: string) => {
    const available = parseQuantity(textAt({ allocatable }, `allocatable.${resource}`))?.value ?? 0;
    return `${showQuantity(amount)} (${available === 0 ? 0 : Math.trunc((amount.value / available) * 100)}%)`;
  };
  d.field('Non-terminated Pods', `(${pods.length} in total)`);
  d.table(
    ['Namespace', 'Name', '', 'CPU Requests', 'CPU Limits', 'Memory Requests', 'Memory Limits', 'Age'],
    pods.map((pod) => [
      textAt(pod, 'metadata.namespace'),
      textAt(pod, 'metadata.name'),
      '',
      share(podAmount(pod, 'requests', 'cpu'), 'cpu'),
      share(podAmount(pod, 'limits', 'cpu'), 'cpu'),
      share(podAmount(pod, 'requests', 'memory'), 'memory'),
      share(podAmount(pod, 'limits', 'memory'), 'memory'),
      ageAt(context.now, valueAt(pod, 'metadata.creationTimestamp')),
    ]),
  );
  const total = (bound: Bound, resource: string) =>
    pods.map((pod) => podAmount(pod, bound, resource)).reduce(addQuantities, zero);
  const pages = entriesAt({ allocatable }, 'allocatable')
    .map(([resource]) => resource)
    .filter((resource) => resource.startsWith('hugepages-'));
  d.line('Allocated resources:');
  d.line('(Total limits may be over 100 percent, i.e., overcommitted.)', 1);
  d.table(
    ['Resource', 'Requests', 'Limits'],
    ['cpu', 'memory', 'ephemeral-storage', ...pages].map((resource) => [
      resource,
      share(total('requests', resource), resource),
      share(total('limits', resource), resource),
    ]),
  );
}

/** What a pod's containers ask for together; an init container counts when it alone asks for more. */
function podAmount(pod: unknown, bound: Bound, resource: string): Quantity {
  const amount = (container: unknown) =>
    parseQuantity(textAt(container, `resources.${bound}.${resource}`)) ??
    (bound === 'requests' ? parseQuantity(textAt(container, `resources.limits.${resource}`)) : undefined) ??
    zero;
  const isSidecar = (container: unknown) => textAt(container, 'restartPolicy') === 'Always';
  const init = listAt(pod, 'spec.initContainers');
  const running = [...listAt(pod, 'spec.containers'), ...init.filter(isSidecar)]
    .map(amount)
    .reduce(addQuantities, zero);
  const first = init
    .filter((container) => !isSidecar(container))
    .map(amount)
    .reduce((most, next) => (next.value > most.value ? next : most), zero);
  return first.value > running.value ? first : running;
}

/** Bytes that base64 text stands for. */
function decodedLength(base64: string): number {
  const digits = base64.replace(/[^A-Za-z0-9+/]/g, '').length;
  return Math.floor((digits * 3) / 4);
}
