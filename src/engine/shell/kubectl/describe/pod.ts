import { ageAt, formatTimestamp } from '../duration.ts';
import { formatLabelSelector } from '../labels.ts';
import { joinHostPort } from '../printers/network.ts';
import { conditionStatus } from '../printers/pod.ts';
import { formatQuantity, parseQuantity } from '../quantity.ts';
import { byBytes, entriesAt, flagAt, listAt, numberAt, textAt, textsAt, valueAt } from '../value.ts';
import { controlledBy, type DescribeContext, Description } from './description.ts';

export function describePod(pod: unknown, context: DescribeContext): string {
  const d = new Description();
  const phase = textAt(pod, 'status.phase');
  const node = textAt(pod, 'spec.nodeName');
  d.field('Name', textAt(pod, 'metadata.name'));
  d.field('Namespace', textAt(pod, 'metadata.namespace'));
  d.optional('Priority', textAt(pod, 'spec.priority'));
  d.optional('Priority Class Name', textAt(pod, 'spec.priorityClassName'));
  d.optional('Runtime Class Name', textAt(pod, 'spec.runtimeClassName'));
  d.optional('Service Account', textAt(pod, 'spec.serviceAccountName'));
  d.field('Node', node === '' ? '<none>' : `${node}/${textAt(pod, 'status.hostIP')}`);
  if (valueAt(pod, 'status.startTime') !== undefined) {
    d.field('Start Time', formatTimestamp(valueAt(pod, 'status.startTime')));
  }
  d.labels('Labels', pod, 'metadata.labels');
  d.annotations(pod);
  const deleted = valueAt(pod, 'metadata.deletionTimestamp');
  if (deleted !== undefined && phase !== 'Failed' && phase !== 'Succeeded') {
    d.field('Status', `Terminating (lasts ${ageAt(context.now, deleted)})`);
    d.field('Termination Grace Period', `${numberAt(pod, 'metadata.deletionGracePeriodSeconds')}s`);
  } else {
    d.field('Status', phase);
  }
  d.optional('Reason', textAt(pod, 'status.reason'));
  d.optional('Message', textAt(pod, 'status.message'));
  d.optional('SeccompProfile', textAt(pod, 'spec.securityContext.seccompProfile.type'));
  d.field('IP', textAt(pod, 'status.podIP'));
  const ips = listAt(pod, 'status.podIPs');
  if (ips.length === 0) d.field('IPs', '<none>');
  else d.line('IPs:');
  for (const ip of ips) d.field('IP', textAt(ip, 'ip'), 1);
  d.optional('Controlled By', controlledBy(pod));
  d.optional('NominatedNodeName', textAt(pod, 'status.nominatedNodeName'));
  if (listAt(pod, 'spec.initContainers').length > 0) {
    describeContainers(d, 'Init Containers', pod, 'spec.initContainers', 'status.initContainerStatuses');
  }
  describeContainers(d, 'Containers', pod, 'spec.containers', 'status.containerStatuses');
  const gates = listAt(pod, 'spec.readinessGates');
  if (gates.length > 0) {
    d.line('Readiness Gates:');
    d.line('Type\tStatus', 1);
    for (const gate of gates) {
      const type = textAt(gate, 'conditionType');
      d.line(`${type} \t${conditionStatus(pod, type) || '<none>'} `, 1);
    }
  }
  const conditions = listAt(pod, 'status.conditions');
  if (conditions.length > 0) {
    d.line('Conditions:');
    d.line('Type\tStatus', 1);
    for (const condition of conditions)
      d.line(`${textAt(condition, 'type')} \t${textAt(condition, 'status')} `, 1);
  }
  describeVolumes(d, listAt(pod, 'spec.volumes'), '');
  d.field('QoS Class', qosClass(pod));
  describePlacement(d, valueAt(pod, 'spec'), '');
  d.events(pod, context);
  return d.toString();
}

/** The part of a workload's description that its pod template makes. */
export function describeTemplate(d: Description, template: unknown): void {
  d.line('Pod Template:');
  d.labels('  Labels', template, 'metadata.labels');
  if (entriesAt(template, 'metadata.annotations').length > 0) {
    d.annotations(template, 'metadata.annotations', '  Annotations');
  }
  d.optional('Service Account', textAt(template, 'spec.serviceAccountName'), 1);
  if (listAt(template, 'spec.initContainers').length > 0) {
    describeContainers(d, 'Init Containers', template, 'spec.initContainers');
  }
  describeContainers(d, 'Containers', template, 'spec.containers');
  describeVolumes(d, listAt(template, 'spec.volumes'), '  ');
  describePlacement(d, valueAt(template, 'spec'), '  ');
}

function describePlacement(d: Description, spec: unknown, indent: string): void {
  if (indent === '') describeSelectorAndTolerations(d, spec, indent);
  const spread = [...listAt(spec, 'topologySpreadConstraints')].sort((a, b) =>
    byBytes(textAt(a, 'topologyKey'), textAt(b, 'topologyKey')),
  );
  if (spread.length > 0) {
    d.lines(
      'Topology Spread Constraints',
      spread.map((constraint) => {
        const selector = valueAt(constraint, 'labelSelector');
        const suffix =
          selector === undefined ? '' : ` for selector ${formatLabelSelector(constraint, 'labelSelector')}`;
        return `${textAt(constraint, 'topologyKey')}:${textAt(constraint, 'whenUnsatisfiable')} when max skew ${numberAt(constraint, 'maxSkew')} is exceeded${suffix}`;
      }),
      indent,
    );
  }
  if (indent !== '') {
    d.optional('Priority Class Name', textAt(spec, 'priorityClassName'), 1);
    describeSelectorAndTolerations(d, spec, indent);
  }
}

function describeSelectorAndTolerations(d: Description, spec: unknown, indent: string): void {
  d.labels(`${indent}Node-Selectors`, spec, 'nodeSelector');
  const tolerations = [...listAt(spec, 'tolerations')].sort((a, b) =>
    byBytes(textAt(a, 'key'), textAt(b, 'key')),
  );
  d.lines(`${indent}Tolerations`, tolerations.map(formatToleration));
}

function formatToleration(toleration: unknown): string {
  const value = textAt(toleration, 'value');
  const effect = textAt(toleration, 'effect');
  let text = textAt(toleration, 'key');
  if (value !== '') text += `=${value}`;
  if (effect !== '') text += `:${effect}`;
  if (textAt(toleration, 'operator') === 'Exists' && value === '')
    text += text === '' ? 'op=Exists' : ' op=Exists';
  const seconds = textAt(toleration, 'tolerationSeconds');
  return seconds === '' ? text : `${text} for ${seconds}s`;
}

/** In a template (without statuses) everything is indented by the label's two spaces, and names by one more. */
function describeContainers(
  d: Description,
  label: string,
  object: unknown,
  path: string,
  statusPath?: string,
): void {
  const containers = listAt(object, path);
  const statuses = statusPath === undefined ? undefined : listAt(object, statusPath);
  const indent = statuses === undefined ? '  ' : '';
  d.line(`${indent}${label}:${containers.length === 0 ? ' <none>' : ''}`);
  for (const container of containers) {
    const status = statuses?.find((candidate) => textAt(candidate, 'name') === textAt(container, 'name'));
    d.line(`${indent === '' ? '' : ' '}${textAt(container, 'name')}:`, 1);
    if (status !== undefined) d.field('Container ID', textAt(status, 'containerID'), 2);
    d.field('Image', textAt(container, 'image'), 2);
    if (status !== undefined) d.field('Image ID', textAt(status, 'imageID'), 2);
    describePorts(d, 'Port', container, 'containerPort');
    describePorts(d, 'Host Port', container, 'hostPort');
    d.optional('SeccompProfile', textAt(container, 'securityContext.seccompProfile.type'), 2);
    describeWords(d, 'Command', textsAt(container, 'command'));
    describeWords(d, 'Args', textsAt(container, 'args'));
    if (status !== undefined) describeStatus(d, status);
    describeResources(d, 'Limits', container, 'resources.limits');
    describeResources(d, 'Requests', container, 'resources.requests');
    for (const [name, field] of probes) {
      const probe = valueAt(container, field);
      if (probe !== undefined) d.field(name, formatProbe(probe), 2);
    }
    describeEnvironment(d, container, statuses === undefined ? undefined : object);
    describeMounts(d, container);
  }
}

const probes = [
  ['Liveness', 'livenessProbe'],
  ['Readiness', 'readinessProbe'],
  ['Startup', 'startupProbe'],
] as const;

function describePorts(d: Description, label: string, container: unknown, field: string): void {
  const ports = listAt(container, 'ports').map(
    (port) => `${numberAt(port, field)}/${textAt(port, 'protocol')}`,
  );
  d.field(ports.length > 1 ? `${label}s` : label, ports.join(', ') || '<none>', 2);
}

function describeWords(d: Description, label: string, words: readonly string[]): void {
  if (words.length === 0) return;
  d.line(`${label}:`, 2);
  for (const word of words) for (const part of word.split('\n')) d.line(part, 3);
}

function describeStatus(d: Description, status: unknown): void {
  describeState(d, 'State', valueAt(status, 'state'));
  if (valueAt(status, 'lastState.terminated') !== undefined)
    describeState(d, 'Last State', valueAt(status, 'lastState'));
  d.field('Ready', flagAt(status, 'ready') ? 'True' : 'False', 2);
  d.field('Restart Count', numberAt(status, 'restartCount'), 2);
}

function describeState(d: Description, label: string, state: unknown): void {
  const terminated = valueAt(state, 'terminated');
  if (valueAt(state, 'running') !== undefined) {
    d.field(label, 'Running', 2);
    d.field('Started', formatTimestamp(valueAt(state, 'running.startedAt')), 3);
  } else if (terminated !== undefined) {
    d.field(label, 'Terminated', 2);
    d.optional('Reason', textAt(terminated, 'reason'), 3);
    d.optional('Message', textAt(terminated, 'message'), 3);
    d.field('Exit Code', numberAt(terminated, 'exitCode'), 3);
    if (numberAt(terminated, 'signal') > 0) d.field('Signal', numberAt(terminated, 'signal'), 3);
    d.field('Started', formatTimestamp(valueAt(terminated, 'startedAt')), 3);
    d.field('Finished', formatTimestamp(valueAt(terminated, 'finishedAt')), 3);
  } else {
    d.field(label, 'Waiting', 2);
    d.optional('Reason', textAt(state, 'waiting.reason'), 3);
  }
}

function describeResources(d: Description, label: string, container: unknown, path: string): void {
  const resources = entriesAt(container, path);
  if (resources.length > 0) d.line(`${label}:`, 2);
  for (const [name, quantity] of resources) d.field(name, formatQuantity(quantity), 3);
}

function formatProbe(probe: unknown): string {
  const attributes =
    `delay=${numberAt(probe, 'initialDelaySeconds')}s timeout=${numberAt(probe, 'timeoutSeconds')}s ` +
    `period=${numberAt(probe, 'periodSeconds')}s #success=${numberAt(probe, 'successThreshold')} #failure=${numberAt(probe, 'failureThreshold')}`;
  if (valueAt(probe, 'exec') !== undefined)
    return `exec [${textsAt(probe, 'exec.command').join(' ')}] ${attributes}`;
  const http = valueAt(probe, 'httpGet');
  if (http !== undefined) {
    const host = joinHostPort(textAt(http, 'host'), textAt(http, 'port'));
    return `http-get ${textAt(http, 'scheme').toLowerCase()}://${host}${textAt(http, 'path')} ${attributes}`;
  }
  const tcp = valueAt(probe, 'tcpSocket');
  if (tcp !== undefined) return `tcp-socket ${textAt(tcp, 'host')}:${textAt(tcp, 'port')} ${attributes}`;
  const grpc = valueAt(probe, 'grpc');
  if (grpc !== undefined)
    return `grpc <pod>:${textAt(grpc, 'port')} ${textAt(grpc, 'service')} ${attributes}`;
  return `unknown ${attributes}`;
}

function describeEnvironment(d: Description, container: unknown, pod: unknown): void {
  const sources = listAt(container, 'envFrom');
  if (sources.length > 0) d.line('Environment Variables from:', 2);
  for (const source of sources) {
    const config = valueAt(source, 'configMapRef');
    const from = config ?? valueAt(source, 'secretRef');
    const prefix = textAt(source, 'prefix');
    const kind = `${config === undefined ? 'Secret' : 'ConfigMap'}${prefix === '' ? '' : ` with prefix '${prefix}'`}`;
    d.line(`${textAt(from, 'name')}\t${kind}\tOptional: ${flagAt(from, 'optional')}`, 3);
  }
  const variables = listAt(container, 'env');
  d.line(`Environment:${variables.length === 0 ? '\t<none>' : ''}`, 2);
  for (const variable of variables) {
    const name = textAt(variable, 'name');
    const field = valueAt(variable, 'valueFrom.fieldRef');
    const resource = valueAt(variable, 'valueFrom.resourceFieldRef');
    const secret = valueAt(variable, 'valueFrom.secretKeyRef');
    const config = valueAt(variable, 'valueFrom.configMapKeyRef');
    if (field !== undefined) {
      const path = textAt(field, 'fieldPath');
      // Only metadata is looked up; addresses and the like stay empty.
      const value = path.startsWith('metadata.') ? textAt(pod, path) : '';
      d.field(name, `${value} (${textAt(field, 'apiVersion') || 'v1'}:${path})`, 3);
    } else if (resource !== undefined) {
      d.field(name, `${resourceValue(container, resource)} (${textAt(resource, 'resource')})`, 3);
    } else if (secret !== undefined) {
      const text = `<set to the key '${textAt(secret, 'key')}' in secret '${textAt(secret, 'name')}'>`;
      d.field(name, `${text}\tOptional: ${flagAt(secret, 'optional')}`, 3);
    } else if (config !== undefined) {
      const text = `<set to the key '${textAt(config, 'key')}' of config map '${textAt(config, 'name')}'>`;
      d.field(name, `${text}\tOptional: ${flagAt(config, 'optional')}`, 3);
    } else {
      const [first = '', ...rest] = textAt(variable, 'value').split('\n');
      d.field(name, first, 3);
      for (const line of rest) d.line(`\t${line}`, 3);
    }
  }
}

/** A container's bound in units of the divisor, rounded up. */
function resourceValue(container: unknown, reference: unknown): string {
  const amount = parseQuantity(textAt(container, `resources.${textAt(reference, 'resource')}`))?.value ?? 0;
  const divisor = parseQuantity(textAt(reference, 'divisor'))?.value ?? 0;
  return amount === 0 ? 'node allocatable' : String(Math.ceil(amount / (divisor === 0 ? 1 : divisor)));
}

function describeMounts(d: Description, container: unknown): void {
  const mounts = [...listAt(container, 'volumeMounts')].sort((a, b) =>
    byBytes(textAt(a, 'mountPath'), textAt(b, 'mountPath')),
  );
  d.line(`Mounts:${mounts.length === 0 ? '\t<none>' : ''}`, 2);
  for (const mount of mounts) {
    const subPath = textAt(mount, 'subPath');
    const flags = `${flagAt(mount, 'readOnly') ? 'ro' : 'rw'}${subPath === '' ? '' : `,path=${JSON.stringify(subPath)}`}`;
    d.line(`${textAt(mount, 'mountPath')} from ${textAt(mount, 'name')} (${flags})`, 3);
  }
}

function describeVolumes(d: Description, volumes: readonly unknown[], indent: string): void {
  if (volumes.length === 0) return d.line(`${indent}Volumes:\t<none>`);
  d.line(`${indent}Volumes:`);
  for (const volume of volumes) {
    d.line(`${indent === '' ? '' : ' '}${textAt(volume, 'name')}:`, 1);
    for (const [label, value] of volumeSource(volume)) d.field(label, value, 2);
  }
}

function volumeSource(volume: unknown): readonly (readonly [string, string | boolean])[] {
  const source = (name: string) => valueAt(volume, name);
  const hostPath = source('hostPath');
  if (hostPath !== undefined) {
    return [
      ['Type', 'HostPath (bare host directory volume)'],
      ['Path', textAt(hostPath, 'path')],
      ['HostPathType', valueAt(hostPath, 'type') === undefined ? '<none>' : textAt(hostPath, 'type')],
    ];
  }
  const emptyDir = source('emptyDir');
  if (emptyDir !== undefined) {
    return [
      ['Type', "EmptyDir (a temporary directory that shares a pod's lifetime)"],
      ['Medium', textAt(emptyDir, 'medium')],
      ['SizeLimit', formatQuantity(textAt(emptyDir, 'sizeLimit')) || '<unset>'],
    ];
  }
  const secret = source('secret');
  if (secret !== undefined) {
    return [
      ['Type', 'Secret (a volume populated by a Secret)'],
      ['SecretName', textAt(secret, 'secretName')],
      ['Optional', flagAt(secret, 'optional')],
    ];
  }
  const configMap = source('configMap');
  if (configMap !== undefined) {
    return [
      ['Type', 'ConfigMap (a volume populated by a ConfigMap)'],
      ['Name', textAt(configMap, 'name')],
      ['Optional', flagAt(configMap, 'optional')],
    ];
  }
  const claim = source('persistentVolumeClaim');
  if (claim !== undefined) {
    return [
      ['Type', 'PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)'],
      ['ClaimName', textAt(claim, 'claimName')],
      ['ReadOnly', flagAt(claim, 'readOnly')],
    ];
  }
  const projected = source('projected');
  if (projected !== undefined) {
    return [
      ['Type', 'Projected (a volume that contains injected data from multiple sources)'],
      ...listAt(projected, 'sources').flatMap(projectedSource),
    ];
  }
  return [['Type', '<unknown>']];
}

function projectedSource(source: unknown): readonly (readonly [string, string | boolean])[] {
  for (const [field, label] of [
    ['secret', 'SecretName'],
    ['configMap', 'ConfigMapName'],
  ] as const) {
    const from = valueAt(source, field);
    if (from !== undefined)
      return [
        [label, textAt(from, 'name')],
        ['Optional', flagAt(from, 'optional')],
      ];
  }
  if (valueAt(source, 'downwardAPI') !== undefined) return [['DownwardAPI', 'true']];
  const token = valueAt(source, 'serviceAccountToken');
  return token === undefined
    ? []
    : [['TokenExpirationSeconds', textAt(token, 'expirationSeconds') || '3600']];
}

function qosClass(pod: unknown): string {
  const set = textAt(pod, 'status.qosClass');
  if (set !== '') return set;
  const containers = listAt(pod, 'spec.containers');
  const has = (path: string) => containers.some((container) => entriesAt(container, path).length > 0);
  return has('resources.requests') || has('resources.limits') ? 'Burstable' : 'BestEffort';
}
