import {
  groupResource,
  type ResourceKind,
  resourceKinds,
  resourceNamed,
  resourceOfKind,
} from '../../../api/kinds.ts';
import type { Task } from '../../../net/task.ts';
import { eventAge, sortEvents } from '../describe/description.ts';
import { Failure, type Invocation } from '../invocation.ts';
import { sortedJson } from '../go-format.ts';
import { formatObjects, outputFormat } from '../output.ts';
import { alignTabs, tableLayout } from '../tabwriter.ts';
import { readPath, unknownResource } from '../targets.ts';
import { byBytes, textAt } from '../value.ts';
import { formatYaml } from '../yaml-output.ts';

/** The release that tables, texts and defaults here follow. */
const kubernetesVersion = 'v1.33.1';
const kustomizeVersion = 'v5.6.0';
const apiServerUrl = 'https://192.168.50.10:6443';

export function* version(k: Invocation): Task<number> {
  if (k.args.length > 0) return k.fail(`extra arguments: [${k.args.join(' ')}]`);
  const client = k.flags.on('client');
  const release = { major: '1', minor: '33', gitVersion: kubernetesVersion, platform: 'linux/amd64' };
  const all = { clientVersion: release, kustomizeVersion, ...(client ? {} : { serverVersion: release }) };
  const output = k.flags.text('output');
  if (output === 'json') k.print(`${sortedJson(all, 2)}\n`);
  else if (output === 'yaml') k.print(formatYaml(all));
  else if (output !== '') return k.fail("--output must be 'yaml' or 'json'");
  else {
    k.print(`Client Version: ${kubernetesVersion}\nKustomize Version: ${kustomizeVersion}\n`);
    if (!client) k.print(`Server Version: ${kubernetesVersion}\n`);
  }
  return 0;
}

export function* clusterInfo(k: Invocation): Task<number> {
  if (k.args.length > 0) return k.misuse(`unknown command ${JSON.stringify(k.args.join(' '))}`);
  k.print(`Kubernetes control plane is running at ${apiServerUrl}\n`);
  if (k.store.get('Service', 'kube-system', 'kube-dns') !== undefined) {
    k.print(
      `CoreDNS is running at ${apiServerUrl}/api/v1/namespaces/kube-system/services/kube-dns:dns/proxy\n`,
    );
  }
  k.print("\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.\n");
  return 0;
}

export function* apiVersions(k: Invocation): Task<number> {
  if (k.args.length > 0) return k.misuse(`unexpected arguments: [${k.args.join(' ')}]`);
  const versions = [...new Set(resourceKinds.map(({ apiVersion }) => apiVersion))].sort(byBytes);
  k.print(versions.map((apiVersion) => `${apiVersion}\n`).join(''));
  return 0;
}

export function* apiResources(k: Invocation): Task<number> {
  if (k.args.length > 0) return k.misuse(`unexpected arguments: [${k.args.join(' ')}]`);
  const { flags } = k;
  const chosen = resourceKinds.filter(
    ({ group, namespaced }) =>
      (!flags.has('api-group') || group === flags.text('api-group')) &&
      (!flags.has('namespaced') || namespaced === flags.on('namespaced')),
  );
  const output = flags.text('output');
  if (output === 'name') {
    k.print(chosen.map((resource) => `${groupResource(resource)}\n`).join(''));
    return 0;
  }
  if (output !== '' && output !== 'wide') return k.fail(`--output ${output} is not available`);
  const wide = output === 'wide';
  const rows = chosen.map((resource) => [...resourceRow(resource), ...(wide ? [verbs, ''] : [])]);
  const headers = [
    'NAME',
    'SHORTNAMES',
    'APIVERSION',
    'NAMESPACED',
    'KIND',
    ...(wide ? ['VERBS', 'CATEGORIES'] : []),
  ];
  if (!flags.on('no-headers')) rows.unshift(headers);
  k.print(alignTabs(rows.map((row) => `${row.join('\t')}\n`).join(''), tableLayout));
  return 0;
}

const verbs = 'create,delete,deletecollection,get,list,patch,update,watch';

function resourceRow({ plural, shortNames, apiVersion, namespaced, kind }: ResourceKind): string[] {
  return [plural, shortNames.join(','), apiVersion, String(namespaced), kind];
}

export function* events(k: Invocation): Task<number> {
  const about = k.flags.text('for');
  const path = about === '' ? undefined : readPath(about);
  if (path instanceof Failure) return k.fail(path);
  const format = outputFormat(k);
  if (format instanceof Failure) return k.fail(format);
  const types = k.flags
    .list('types')
    .flatMap((list) => list.split(','))
    .map((type) => type.toLowerCase());
  const chosen = k.store
    .list('Event', k.allNamespaces ? undefined : k.namespace)
    .filter(
      ({ type, involvedObject }) =>
        (types.length === 0 || types.includes(type.toLowerCase())) &&
        (path === undefined ||
          (involvedObject.kind === path.resource.kind && involvedObject.name === path.name)),
    );
  if (format.kind !== 'human') {
    const resource = resourceOfKind('Event');
    if (resource === undefined) return 1;
    const text = formatObjects(
      k,
      format,
      chosen.map((object) => ({ resource, object })),
      { single: false, headers: true },
    );
    if (text instanceof Failure) return k.fail(text);
    k.print(text);
    return 0;
  }
  if (chosen.length === 0) {
    k.note(k.allNamespaces ? 'No events found.' : `No events found in ${k.namespace} namespace.`);
    return 0;
  }
  const rows = sortEvents(chosen).map((event) => [
    ...(k.allNamespaces ? [textAt(event, 'metadata.namespace')] : []),
    eventAge(event, k.now),
    textAt(event, 'type'),
    textAt(event, 'reason'),
    `${textAt(event, 'involvedObject.kind')}/${textAt(event, 'involvedObject.name')}`,
    textAt(event, 'message').trim(),
  ]);
  const headers = ['LAST SEEN', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE'];
  if (!k.flags.on('no-headers')) rows.unshift([...(k.allNamespaces ? ['NAMESPACE'] : []), ...headers]);
  k.print(alignTabs(rows.map((row) => `${row.join('\t')}\n`).join(''), tableLayout));
  return 0;
}

export function* top(k: Invocation): Task<number> {
  return k.fail('Metrics API not available');
}

export function* canI(k: Invocation): Task<number> {
  const [verb, what] = k.args;
  if (k.flags.on('list'))
    return k.fail('listing of permissions is not simulated: you are kubernetes-admin and may do everything');
  if (verb === undefined || what === undefined) {
    return k.fail(
      "you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' for help and examples.",
    );
  }
  const name = what.split('/')[0] ?? '';
  if (name !== '*' && !what.startsWith('/') && resourceNamed(name) === undefined) {
    k.note(`Warning: the server doesn't have a resource type '${name}'\n`);
  }
  k.print('yes\n');
  return 0;
}

export function* whoAmI(k: Invocation): Task<number> {
  k.print(
    'ATTRIBUTE   VALUE\nUsername    kubernetes-admin\nGroups      [kubeadm:cluster-admins system:authenticated]\n',
  );
  return 0;
}

const context = 'kubernetes-admin@kubernetes';

export function* getContexts(k: Invocation): Task<number> {
  const [name] = k.args;
  if (name !== undefined && name !== context) return k.fail(`context ${name} not found`);
  if (k.flags.text('output') === 'name') {
    k.print(`${context}\n`);
    return 0;
  }
  const headers = k.flags.on('no-headers') ? '' : 'CURRENT\tNAME\tCLUSTER\tAUTHINFO\tNAMESPACE\n';
  k.print(
    alignTabs(`${headers}*\t${context}\tkubernetes\tkubernetes-admin\t${k.config.namespace}\n`, tableLayout),
  );
  return 0;
}

export function* currentContext(k: Invocation): Task<number> {
  k.print(`${context}\n`);
  return 0;
}

export function* useContext(k: Invocation): Task<number> {
  const [name] = k.args;
  if (name !== context) return k.fail(`no context exists with the name: ${JSON.stringify(name ?? '')}`);
  k.print(`Switched to context ${JSON.stringify(name)}.\n`);
  return 0;
}

export function* setContext(k: Invocation): Task<number> {
  const [name] = k.args;
  if (name === undefined && !k.flags.on('current')) return k.misuse('Unexpected args: []');
  if (name !== undefined && name !== context)
    return k.fail('other contexts are not simulated: use --current');
  if (k.flags.has('namespace')) k.config.namespace = k.flags.text('namespace');
  k.print(`Context ${JSON.stringify(context)} modified.\n`);
  return 0;
}

export function* viewConfig(k: Invocation): Task<number> {
  const namespace = k.config.namespace === '' ? {} : { namespace: k.config.namespace };
  const config = {
    apiVersion: 'v1',
    clusters: [
      { cluster: { 'certificate-authority-data': 'DATA+OMITTED', server: apiServerUrl }, name: 'kubernetes' },
    ],
    contexts: [{ context: { cluster: 'kubernetes', ...namespace, user: 'kubernetes-admin' }, name: context }],
    'current-context': context,
    kind: 'Config',
    preferences: {},
    users: [
      {
        name: 'kubernetes-admin',
        user: { 'client-certificate-data': 'DATA+OMITTED', 'client-key-data': 'DATA+OMITTED' },
      },
    ],
  };
  const format = outputFormat(k);
  if (format instanceof Failure) return k.fail(format);
  if (format.kind === 'json') k.print(`${sortedJson(config, 4)}\n`);
  else if (format.kind === 'jsonpath') {
    const object = { ...config, metadata: { name: '', uid: '', resourceVersion: '', creationTimestamp: '' } };
    const resource = resourceOfKind('ConfigMap');
    if (resource === undefined) return k.fail(unknownResource('config'));
    const text = formatObjects(k, format, [{ resource, object }], { single: true, headers: false });
    if (text instanceof Failure) return k.fail(text);
    k.print(text);
  } else k.print(formatYaml(config));
  return 0;
}

/** Commands that real kubectl has and that mean nothing here. */
export function* notSimulated(k: Invocation): Task<number> {
  return k.fail(`"kubectl ${k.command}" is not simulated in this cluster`);
}
