import type { Task } from '../../net/task.ts';
import type { Invocation } from './invocation.ts';
import { annotate, edit, label, scale, setEnv, setImage, setSelector } from './verbs/change.ts';
import { attach, cp, exec, logs } from './verbs/containers.ts';
import { deleteObjects } from './verbs/delete.ts';
import { expose, generate } from './verbs/generate.ts';
import { describe, get } from './verbs/get.ts';
import { explain } from './verbs/explain.ts';
import * as info from './verbs/info.ts';
import { apply, create, replace } from './verbs/manifests.ts';
import { cordon, drain, taint, uncordon } from './verbs/nodes.ts';
import { patch } from './verbs/patch.ts';
import { portForward } from './verbs/port-forward.ts';
import * as rollout from './verbs/rollout.ts';
import { run } from './verbs/run.ts';
import { wait } from './verbs/wait.ts';

type Verb = (k: Invocation) => Task<number>;

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** What its flags are, in the form that `readSpecs` reads; the global ones come on top. */
  readonly flags: string;
  /** Absent for a command that only has others below it. */
  readonly verb?: Verb;
  readonly aliases?: readonly string[];
  readonly commands?: readonly Command[];
}

const files = ' filename/f* kustomize/k recursive/R?';
const print = ' output/o template allow-missing-template-keys? show-managed-fields?';
const dry = ' dry-run=unchanged field-manager';
const select = ' selector/l all? field-selector all-namespaces/A?';
const save = ' save-config? validate=strict';
const pods = ' pod-running-timeout@';
const deletion = ' cascade=background force? grace-period# timeout@ wait?';
const object = print + dry + save;

export const globalFlags =
  'namespace/n context cluster user kubeconfig server/s token username password as as-group* as-uid cache-dir ' +
  'certificate-authority client-certificate client-key disable-compression? insecure-skip-tls-verify? ' +
  'log-flush-frequency@ match-server-version? profile profile-output request-timeout tls-server-name v/v# vmodule warnings-as-errors?';

function command(
  name: string,
  summary: string,
  verb: Verb,
  flags: string,
  rest: Partial<Command> = {},
): Command {
  return { name, summary, verb, flags, ...rest };
}

function group(name: string, summary: string, commands: readonly Command[]): Command {
  return { name, summary, flags: '', commands };
}

const createService = group('service', 'Create a service using a specified subcommand', [
  command('clusterip', 'Create a ClusterIP service', generate, `clusterip tcp*${object}`),
  command('externalname', 'Create an ExternalName service', generate, `external-name tcp*${object}`),
  command('loadbalancer', 'Create a LoadBalancer service', generate, `tcp*${object}`),
  command('nodeport', 'Create a NodePort service', generate, `node-port# tcp*${object}`),
]);

const createCommands: readonly Command[] = [
  command(
    'configmap',
    'Create a config map from a local file, directory or literal value',
    generate,
    `append-hash? from-env-file* from-file* from-literal*${object}`,
    { aliases: ['cm'] },
  ),
  command(
    'deployment',
    'Create a deployment with the specified name',
    generate,
    `image* port# replicas/r#${object}`,
    { aliases: ['deploy'] },
  ),
  command(
    'ingress',
    'Create an ingress with the specified name',
    generate,
    `annotation* class default-backend rule*${object}`,
    { aliases: ['ing'] },
  ),
  command('job', 'Create a job with the specified name', generate, `from image${object}`),
  command('namespace', 'Create a namespace with the specified name', generate, object, { aliases: ['ns'] }),
  group('secret', 'Create a secret using a specified subcommand', [
    command(
      'generic',
      'Create a secret from a local file, directory, or literal value',
      generate,
      `append-hash? from-env-file* from-file* from-literal* type${object}`,
    ),
  ]),
  { ...createService, aliases: ['svc'] },
  command('serviceaccount', 'Create a service account with the specified name', generate, object, {
    aliases: ['sa'],
  }),
];

const rolloutFlags = `${files}${print} field-manager selector/l`;
const setFlags = `${files}${print}${dry} all? local? selector/l`;

/** In the order of `kubectl help`, group by group. */
export const commandGroups: readonly (readonly [string, readonly Command[]])[] = [
  [
    'Basic Commands (Beginner)',
    [
      command(
        'create',
        'Create a resource from a file or from stdin',
        create,
        `edit? raw windows-line-endings? selector/l${files}${object}`,
        { commands: createCommands },
      ),
      command(
        'expose',
        'Take a replication controller, service, deployment or pod and expose it as a new Kubernetes service',
        expose,
        `cluster-ip external-ip labels/l load-balancer-ip name override-type overrides port protocol selector session-affinity target-port type${files}${object}`,
      ),
      command(
        'run',
        'Run a particular image on the cluster',
        run,
        `annotations* attach? command? env* expose? image image-pull-policy labels/l leave-stdin-open? override-type overrides port privileged? quiet/q? restart rm? stdin/i? tty/t?${pods}${deletion}${files}${object}`,
      ),
      group('set', 'Set specific features on objects', [
        command(
          'env',
          'Update environment variables on a pod template',
          setEnv,
          `containers/c env/e* from keys* list? overwrite? prefix resolve?${setFlags}`,
        ),
        command('image', 'Update the image of a pod template', setImage, setFlags),
        command(
          'resources',
          'Update resource requests/limits on objects with pod templates',
          info.notSimulated,
          `limits requests containers/c${setFlags}`,
        ),
        command('selector', 'Set the selector on a resource', setSelector, `resource-version${setFlags}`),
      ]),
    ],
  ],
  [
    'Basic Commands (Intermediate)',
    [
      command('explain', 'Get documentation for a resource', explain, 'api-version output recursive?'),
      command(
        'get',
        'Display one or many resources',
        get,
        `all-namespaces/A? chunk-size# field-selector ignore-not-found? label-columns/L* no-headers? output-watch-events? raw selector/l server-print? show-kind? show-labels? sort-by subresource watch/w? watch-only?${files}${print}`,
      ),
      command(
        'edit',
        'Edit a resource on the server',
        edit,
        `output-patch? subresource windows-line-endings?${files}${object}`,
      ),
      command(
        'delete',
        'Delete resources by file names, stdin, resources and names, or by resources and label selector',
        deleteObjects,
        `ignore-not-found? interactive/i? now? output/o raw dry-run=unchanged${select}${deletion}${files}`,
      ),
    ],
  ],
  [
    'Deploy Commands',
    [
      group('rollout', 'Manage the rollout of a resource', [
        command('history', 'View rollout history', rollout.history, `revision#${rolloutFlags}`),
        command('pause', 'Mark the provided resource as paused', rollout.pause, rolloutFlags),
        command('restart', 'Restart a resource', rollout.restart, rolloutFlags),
        command('resume', 'Resume a paused resource', rollout.resume, rolloutFlags),
        command(
          'status',
          'Show the status of the rollout',
          rollout.status,
          `revision# timeout@ watch/w?${rolloutFlags}`,
        ),
        command(
          'undo',
          'Undo a previous rollout',
          rollout.undo,
          `dry-run=unchanged to-revision#${rolloutFlags}`,
        ),
      ]),
      command(
        'scale',
        'Set a new size for a deployment, replica set, or replication controller',
        scale,
        `current-replicas# replicas# resource-version timeout@${select}${files}${print}${dry}`,
      ),
      command(
        'autoscale',
        'Auto-scale a deployment, replica set, stateful set, or replication controller',
        info.notSimulated,
        `cpu-percent# max# min# name${files}${object}`,
      ),
    ],
  ],
  [
    'Cluster Management Commands',
    [
      command('certificate', 'Modify certificate resources', info.notSimulated, ''),
      command('cluster-info', 'Display cluster information', info.clusterInfo, ''),
      group('top', 'Display resource (CPU/memory) usage', [
        command(
          'node',
          'Display resource (CPU/memory) usage of nodes',
          info.top,
          'no-headers? selector/l show-capacity? sort-by use-protocol-buffers?',
          { aliases: ['nodes', 'no'] },
        ),
        command(
          'pod',
          'Display resource (CPU/memory) usage of pods',
          info.top,
          'all-namespaces/A? containers? field-selector no-headers? selector/l sort-by sum? use-protocol-buffers?',
          { aliases: ['pods', 'po'] },
        ),
      ]),
      command('cordon', 'Mark node as unschedulable', cordon, `selector/l${dry}`),
      command('uncordon', 'Mark node as schedulable', uncordon, `selector/l${dry}`),
      command(
        'drain',
        'Drain node in preparation for maintenance',
        drain,
        `chunk-size# delete-emptydir-data? disable-eviction? force? grace-period# ignore-daemonsets? pod-selector selector/l skip-wait-for-delete-timeout# timeout@${dry}`,
      ),
      command(
        'taint',
        'Update the taints on one or more nodes',
        taint,
        `all? overwrite? selector/l validate=strict${print}${dry}`,
      ),
    ],
  ],
  [
    'Troubleshooting and Debugging Commands',
    [
      command(
        'describe',
        'Show details of a specific resource or group of resources',
        describe,
        `all-namespaces/A? chunk-size# selector/l show-events?${files}`,
      ),
      command(
        'logs',
        'Print the logs for a container in a pod',
        logs,
        `all-containers? all-pods? container/c follow/f? ignore-errors? insecure-skip-tls-verify-backend? limit-bytes# max-log-requests# prefix? previous/p? selector/l since@ since-time tail# timestamps?${pods}`,
      ),
      command(
        'attach',
        'Attach to a running container',
        attach,
        `container/c quiet/q? stdin/i? tty/t?${pods}`,
      ),
      command(
        'exec',
        'Execute a command in a container',
        exec,
        `container/c filename/f* quiet/q? stdin/i? tty/t?${pods}`,
      ),
      command('port-forward', 'Forward one or more local ports to a pod', portForward, `address*${pods}`),
      command(
        'proxy',
        'Run a proxy to the Kubernetes API server',
        info.notSimulated,
        'address port/p# www/w',
      ),
      command(
        'cp',
        'Copy files and directories to and from containers',
        cp,
        'container/c no-preserve? retries#',
      ),
      group('auth', 'Inspect authorization', [
        command(
          'can-i',
          'Check whether an action is allowed',
          info.canI,
          'all-namespaces/A? list? no-headers? quiet/q? subresource',
        ),
        command('whoami', 'Experimental: Check self subject attributes', info.whoAmI, print),
      ]),
      command(
        'debug',
        'Create debugging sessions for troubleshooting workloads and nodes',
        info.notSimulated,
        `container/c image stdin/i? tty/t? target quiet/q?`,
      ),
      command(
        'events',
        'List events',
        info.events,
        `all-namespaces/A? chunk-size# for no-headers? types* watch/w?${print}`,
      ),
    ],
  ],
  [
    'Advanced Commands',
    [
      command(
        'diff',
        'Diff the live version against a would-be applied version',
        info.notSimulated,
        `selector/l${files}`,
      ),
      command(
        'apply',
        'Apply a configuration to a resource by file name or stdin',
        apply,
        `all? force-conflicts? openapi-patch? overwrite? prune? prune-allowlist* selector/l server-side? subresource${deletion}${files}${object}`,
      ),
      command(
        'patch',
        'Update fields of a resource',
        patch,
        `local? patch/p patch-file subresource type${files}${print}${dry}`,
      ),
      command(
        'replace',
        'Replace a resource by file name or stdin',
        replace,
        `raw subresource${deletion}${files}${object}`,
      ),
      command(
        'wait',
        'Experimental: Wait for a specific condition on one or many resources',
        wait,
        `for local? timeout@${select}${files}${print}`,
      ),
      command('kustomize', 'Build a kustomization target from a directory or URL', info.notSimulated, ''),
    ],
  ],
  [
    'Settings Commands',
    [
      command(
        'label',
        'Update the labels on a resource',
        label,
        `list? local? overwrite? resource-version${select}${files}${print}${dry}`,
      ),
      command(
        'annotate',
        'Update the annotations on a resource',
        annotate,
        `list? local? overwrite? resource-version${select}${files}${print}${dry}`,
      ),
      command(
        'completion',
        'Output shell completion code for the specified shell (bash, zsh, fish, or powershell)',
        info.notSimulated,
        '',
      ),
    ],
  ],
  [
    'Other Commands',
    [
      command(
        'api-resources',
        'Print the supported API resources on the server',
        info.apiResources,
        'api-group cached? categories* namespaced? no-headers? output/o sort-by verbs*',
      ),
      command(
        'api-versions',
        'Print the supported API versions on the server, in the form of "group/version"',
        info.apiVersions,
        '',
      ),
      group('config', 'Modify kubeconfig files', [
        command('current-context', 'Display the current-context', info.currentContext, ''),
        command('get-contexts', 'Describe one or many contexts', info.getContexts, 'no-headers? output/o'),
        command('set-context', 'Set a context entry in kubeconfig', info.setContext, 'current?'),
        command('use-context', 'Set the current-context in a kubeconfig file', info.useContext, '', {
          aliases: ['use'],
        }),
        command(
          'view',
          'Display merged kubeconfig settings or a specified kubeconfig file',
          info.viewConfig,
          `flatten? merge? minify? raw?${print}`,
        ),
      ]),
      command('plugin', 'Provides utilities for interacting with plugins', info.notSimulated, ''),
      command('version', 'Print the client and server version information', info.version, 'client? output/o'),
    ],
  ],
];

export const commands: readonly Command[] = commandGroups.flatMap(([, list]) => list);

export function findCommand(list: readonly Command[], name: string): Command | undefined {
  return list.find((candidate) => candidate.name === name || candidate.aliases?.includes(name) === true);
}
