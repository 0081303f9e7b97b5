import { ageAt } from '../duration.ts';
import { byBytes, entriesAt, flagAt, listAt, numberAt, textAt, valueAt } from '../value.ts';
import { conditionStatus } from './pod.ts';
import { age, name, type Printer } from './printer.ts';

export const nodePrinter: Printer = {
  columns: 'NAME,STATUS,ROLES,AGE,VERSION|INTERNAL-IP,EXTERNAL-IP,OS-IMAGE,KERNEL-VERSION,CONTAINER-RUNTIME',
  row: (node, context) => [
    name(node),
    nodeStatus(node),
    nodeRoles(node).join(',') || '<none>',
    age(node, context),
    textAt(node, 'status.nodeInfo.kubeletVersion'),
    nodeAddress(node, 'InternalIP') || '<none>',
    nodeAddress(node, 'ExternalIP') || '<none>',
    textAt(node, 'status.nodeInfo.osImage') || '<unknown>',
    textAt(node, 'status.nodeInfo.kernelVersion') || '<unknown>',
    textAt(node, 'status.nodeInfo.containerRuntimeVersion') || '<unknown>',
  ],
};

export const namespacePrinter: Printer = {
  columns: 'NAME,STATUS,AGE',
  row: (namespace, context) => [name(namespace), textAt(namespace, 'status.phase'), age(namespace, context)],
};

export const configMapPrinter: Printer = {
  columns: 'NAME,DATA,AGE',
  row: (configMap, context) => [
    name(configMap),
    entriesAt(configMap, 'data').length + entriesAt(configMap, 'binaryData').length,
    age(configMap, context),
  ],
};

export const secretPrinter: Printer = {
  columns: 'NAME,TYPE,DATA,AGE',
  row: (secret, context) => [
    name(secret),
    textAt(secret, 'type'),
    entriesAt(secret, 'data').length,
    age(secret, context),
  ],
};

export const serviceAccountPrinter: Printer = {
  columns: 'NAME,SECRETS,AGE',
  row: (account, context) => [name(account), listAt(account, 'secrets').length, age(account, context)],
};

export const eventPrinter: Printer = {
  columns: 'LAST SEEN,TYPE,REASON,OBJECT,*SUBOBJECT,*SOURCE,MESSAGE|FIRST SEEN,COUNT,NAME',
  row(event, { now }) {
    const first = valueAt(event, 'firstTimestamp') ?? valueAt(event, 'eventTime');
    const last = valueAt(event, 'series.lastObservedTime') ?? valueAt(event, 'lastTimestamp') ?? first;
    const kind = textAt(event, 'involvedObject.kind').toLowerCase();
    const host = textAt(event, 'source.host');
    return [
      ageAt(now, last),
      textAt(event, 'type'),
      textAt(event, 'reason'),
      `${kind}/${textAt(event, 'involvedObject.name')}`,
      textAt(event, 'involvedObject.fieldPath'),
      [textAt(event, 'source.component') || textAt(event, 'reportingComponent'), host]
        .filter((text) => text !== '')
        .join(', '),
      textAt(event, 'message').trim(),
      ageAt(now, first),
      numberAt(event, 'series.count') || numberAt(event, 'count') || 1,
      name(event),
    ];
  },
};

function nodeAddress(node: unknown, type: string): string {
  return textAt(
    listAt(node, 'status.addresses').find((address) => textAt(address, 'type') === type),
    'address',
  );
}

/** Roles by `node-role.kubernetes.io/ROLE` and `kubernetes.io/role=ROLE` labels. */
export function nodeRoles(node: unknown): readonly string[] {
  const prefix = 'node-role.kubernetes.io/';
  const roles = new Set<string>();
  for (const [label, value] of entriesAt(node, 'metadata.labels')) {
    if (label.startsWith(prefix) && label.length > prefix.length) roles.add(label.slice(prefix.length));
    else if (label === 'kubernetes.io/role' && value !== '') roles.add(value);
  }
  return [...roles].sort(byBytes);
}

function nodeStatus(node: unknown): string {
  const ready = conditionStatus(node, 'Ready');
  const status = ready === '' ? 'Unknown' : ready === 'True' ? 'Ready' : 'NotReady';
  return flagAt(node, 'spec.unschedulable') ? `${status},SchedulingDisabled` : status;
}
