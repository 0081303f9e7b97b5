import { resourceNamed, resourceOfKind } from '../../../api/kinds.ts';
import { matchesSelector } from '../../../api/labels.ts';
import type { KubeObject, Pod } from '../../../api/types.ts';
import type { Task } from '../../../net/task.ts';
import { execute, findTool } from '../../execute.ts';
import { textInput } from '../../pipe.ts';
import { timestampOf } from '../../../api/clock.ts';
import { Failure, failure, type Invocation, refusal } from '../invocation.ts';
import type { LogLine } from '../host.ts';
import { findObject, readPath, selectObjects, sorted } from '../targets.ts';
import { parseTimestamp } from '../duration.ts';
import { fieldOf, listAt, textAt, valueAt } from '../value.ts';
import { nextChange } from '../waiting.ts';
import { attachTo } from './run.ts';

/** The pod that `web`, `pod/web`, `deploy/web` or `svc/web` means: its own, or the first of those it selects. */
export function findPod(k: Invocation, argument: string): { pod: Pod; siblings: number } | Failure {
  const path = argument.includes('/')
    ? readPath(argument)
    : { resource: resourceOfKind('Pod'), name: argument };
  if (!('name' in path)) return path;
  const { resource, name } = path;
  if (resource === undefined) return failure('pods are unknown');
  const object = findObject(k, resource, name);
  const group = resource.group === '' ? '' : `.${resource.group}`;
  if (object === undefined) {
    return refusal({
      reason: 'NotFound',
      message: `${resource.plural}${group} ${JSON.stringify(name)} not found`,
    });
  }
  if (isPod(object)) return { pod: object, siblings: 1 };
  const pods = podsOf(k, object);
  if (pods === undefined)
    return failure(
      `cannot attach to *v1.${resource.kind}: selector for *v1.${resource.kind} not implemented`,
    );
  const [first] = [...pods].sort((a, b) => rank(b) - rank(a));
  if (first === undefined) return failure('timed out waiting for the condition');
  return { pod: first, siblings: pods.length };
}

function isPod(object: KubeObject): object is Pod {
  return object.kind === 'Pod';
}

/** kubectl prefers pods that run and are ready. */
function rank(pod: Pod): number {
  const ready =
    pod.status.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
  return (
    (pod.spec.nodeName === undefined ? 0 : 4) + (pod.status.phase === 'Running' ? 2 : 0) + (ready ? 1 : 0)
  );
}

function podsOf(k: Invocation, object: KubeObject): readonly Pod[] | undefined {
  const selector =
    object.kind === 'Service'
      ? { matchLabels: valueAt(object, 'spec.selector') }
      : valueAt(object, 'spec.selector');
  if (
    valueAt({ selector }, 'selector.matchLabels') === undefined &&
    valueAt({ selector }, 'selector.matchExpressions') === undefined
  ) {
    return undefined;
  }
  return sorted(k.store.list('Pod', object.metadata.namespace))
    .filter(isPod)
    .filter((pod) => matchesSelector(selector as Parameters<typeof matchesSelector>[0], pod.metadata.labels));
}

/** The container that `-c`, the default annotation, or being first chooses. */
function chooseContainer(k: Invocation, pod: Pod, given: string): string | Failure {
  const names = containerNames(pod);
  if (given !== '') {
    if (names.some(({ name }) => name === given)) return given;
    return failure(
      k.command === 'logs'
        ? `container ${given} is not valid for pod ${pod.metadata.name}`
        : `unable to upgrade connection: container not found (${JSON.stringify(given)})`,
    );
  }
  const marked = String(fieldOf(pod.metadata.annotations, 'kubectl.kubernetes.io/default-container') ?? '');
  const first = pod.spec.containers[0]?.name ?? '';
  if (names.some(({ name }) => name === marked)) return marked;
  if (names.length > 1 && !k.flags.on('quiet')) {
    k.note(
      `Defaulted container ${JSON.stringify(first)} out of: ${names.map(({ label }) => label).join(', ')}`,
    );
  }
  return first;
}

function containerNames(pod: Pod): readonly { readonly name: string; readonly label: string }[] {
  return [
    ...pod.spec.containers.map(({ name }) => ({ name, label: name })),
    ...(pod.spec.initContainers ?? []).map(({ name }) => ({ name, label: `${name} (init)` })),
  ];
}

export function* exec(k: Invocation): Task<number> {
  const before = k.flags.dash === undefined ? k.args : k.args.slice(0, k.flags.dash);
  const [target, ...stray] = before;
  if (target === undefined && !k.flags.has('filename')) {
    return k.fail('pod, type/name or --filename must be specified');
  }
  if (stray.length > 0) {
    return k.misuse('exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead');
  }
  const command = k.flags.dash === undefined ? [] : k.args.slice(k.flags.dash);
  if (command.length === 0) return k.fail('you must specify at least one command for the container');
  const found = findPod(k, target ?? '');
  if (found instanceof Failure) return k.fail(found);
  const { pod } = found;
  const phase = pod.status.phase ?? '';
  if (phase === 'Succeeded' || phase === 'Failed') {
    return k.fail(`cannot exec into a container in a completed pod; current phase is ${phase}`);
  }
  const container = chooseContainer(k, pod, k.flags.text('container'));
  if (container instanceof Failure) return k.fail(container);
  if (pod.spec.nodeName === undefined) {
    return k.fail(
      refusal({ reason: 'BadRequest', message: `pod ${pod.metadata.name} does not have a host assigned` }),
    );
  }
  const place = k.host.container(pod, container);
  if (place === undefined) {
    return k.fail(`unable to upgrade connection: container not found (${JSON.stringify(container)})`);
  }
  if (findTool(place, command[0] ?? '') === undefined) {
    return k.fail(startFailure(command[0] ?? '', uidOf(pod)));
  }
  const stdin = k.flags.on('stdin') ? k.ctx.stdin : textInput('');
  const terminal = k.flags.on('tty') && k.ctx.tty === true ? 'tty' : 'pipe';
  const code = yield* execute(place, command, { ...k.ctx, stdin }, terminal);
  if (code !== 0 && k.ctx.session.limit === undefined) k.note(`command terminated with exit code ${code}`);
  return code;
}

/** What containerd and runc say of a program that is not there. */
function startFailure(program: string, id: string): string {
  const why = program.includes('/')
    ? `stat ${program}: no such file or directory`
    : 'executable file not found in $PATH';
  return (
    'Internal error occurred: error executing command in container: failed to exec in container: ' +
    `failed to start exec "${id}": OCI runtime exec failed: exec failed: unable to start container process: ` +
    `exec: ${JSON.stringify(program)}: ${why}: unknown`
  );
}

/** Sixty-four digits, as exec IDs have; the pod's own, so that the same command prints the same. */
function uidOf(pod: Pod): string {
  return pod.metadata.uid.replaceAll('-', '').padEnd(32, '0').repeat(2);
}

export function* attach(k: Invocation): Task<number> {
  const [target] = k.args;
  if (target === undefined) return k.fail('at least 1 argument is required for attach');
  const found = findPod(k, target);
  if (found instanceof Failure) return k.fail(found);
  const container = chooseContainer(k, found.pod, k.flags.text('container'));
  if (container instanceof Failure) return k.fail(container);
  k.note("If you don't see a command prompt, try pressing enter.");
  const ended = yield* attachTo(k, found.pod, 'Always');
  if (ended.message !== '') k.note(ended.message);
  return ended.code;
}

/** A quiet `logs -f` is left after this time, as with Ctrl-C. */
const patience = 60_000_000;
const poll = 100_000;

export function* logs(k: Invocation): Task<number> {
  const { flags } = k;
  const [target, inline] = k.args;
  const selector = flags.text('selector');
  if (k.args.length > 2 || (target === undefined && selector === '')) {
    return k.misuse(
      `expected '${k.command} [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.\nPOD or TYPE/NAME is a required argument for the logs command`,
    );
  }
  if (target !== undefined && selector !== '')
    return k.misuse('only a selector (-l) or a POD name is allowed');
  if (inline !== undefined && flags.has('container'))
    return k.fail('only one of -c or an inline [CONTAINER] arg is allowed');
  const pods: Pod[] = [];
  if (selector === '') {
    const found = findPod(k, target ?? '');
    if (found instanceof Failure) {
      const notFound = /^Error from server \(NotFound\): (.*)$/.exec(found.text);
      return k.fail(
        notFound === null
          ? found
          : `error from server (NotFound): ${notFound[1] ?? ''} in namespace ${JSON.stringify(k.namespace)}`,
      );
    }
    if (found.siblings > 1) k.note(`Found ${found.siblings} pods, using pod/${found.pod.metadata.name}`);
    pods.push(found.pod);
  } else {
    const resource = resourceNamed('pods');
    const chosen = resource === undefined ? [] : selectObjects(k, resource, selector);
    if (chosen instanceof Failure) return k.fail(chosen);
    pods.push(...chosen.filter(isPod));
    if (pods.length === 0) k.note(`No resources found in ${k.namespace} namespace.`);
  }
  let code = 0;
  for (const pod of pods) {
    const containers = flags.on('all-containers')
      ? [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(({ name }) => name)
      : [chooseContainer(k, pod, inline ?? flags.text('container'))];
    for (const container of containers) {
      const result =
        container instanceof Failure
          ? container
          : yield* showLog(k, pod, container, selector === '' ? -1 : 10);
      if (result instanceof Failure) code = k.fail(result);
      else code ||= result;
    }
  }
  return code;
}

function* showLog(k: Invocation, pod: Pod, container: string, lastLines: number): Task<number | Failure> {
  const { flags } = k;
  const run = flags.on('previous') ? 'previous' : 'current';
  const refused = (message: string) => refusal({ reason: 'BadRequest', message });
  const { name, namespace } = pod.metadata;
  if (pod.spec.nodeName === undefined) return refused(`pod ${name} does not have a host assigned`);
  const first = k.host.log(pod, container, run);
  if (run === 'previous' && first === undefined) {
    return refused(
      `previous terminated container ${JSON.stringify(container)} in pod ${JSON.stringify(name)} not found`,
    );
  }
  if (first === undefined) {
    const status = [
      ...listAt(pod, 'status.containerStatuses'),
      ...listAt(pod, 'status.initContainerStatuses'),
    ].find((candidate) => textAt(candidate, 'name') === container);
    const reason = textAt(status, 'state.waiting.reason');
    const pulling = /^(ErrImagePull|ImagePullBackOff)$/.test(reason)
      ? 'trying and failing to pull image'
      : reason;
    return refused(
      `container ${JSON.stringify(container)} in pod ${JSON.stringify(name)} is waiting to start: ${pulling || 'ContainerCreating'}`,
    );
  }
  const prefix = flags.on('prefix') ? `[pod/${name}/${container}] ` : '';
  const print = (lines: readonly LogLine[]) => {
    for (const { time, text } of lines) {
      k.print(`${prefix}${flags.on('timestamps') ? `${nanoseconds(time)} ` : ''}${text}`);
    }
  };
  const tail = flags.number('tail') ?? lastLines;
  const since = flags.seconds('since');
  const from = flags.has('since-time')
    ? (parseTimestamp(flags.text('since-time')) ?? 0) * 1e6
    : since === undefined
      ? 0
      : k.ctx.world.now - since * 1e6;
  const recent = first.filter(({ time }) => time >= from);
  print(tail >= 0 ? recent.slice(Math.max(0, recent.length - tail)) : recent);
  if (!flags.on('follow')) return 0;
  let shown = first.length;
  let quietSince = k.ctx.world.now;
  for (;;) {
    const live = k.store.get('Pod', namespace, name);
    const lines = (live === undefined ? undefined : k.host.log(live, container, 'current')) ?? [];
    if (lines.length > shown) quietSince = k.ctx.world.now;
    print(lines.slice(shown));
    shown = Math.max(shown, lines.length);
    if (
      live === undefined ||
      live.metadata.uid !== pod.metadata.uid ||
      k.host.container(live, container) === undefined
    )
      return 0;
    if (k.ctx.world.now - quietSince >= patience) break;
    yield* nextChange(k.ctx.world, k.store, 'Pod', poll);
  }
  k.ctx.err('^C\n');
  return 130;
}

function nanoseconds(microseconds: number): string {
  const fraction = String(microseconds % 1e6).padStart(6, '0');
  return timestampOf(microseconds).replace('Z', `.${fraction}000Z`);
}

export function* cp(k: Invocation): Task<number> {
  const [from, to, ...more] = k.args;
  if (from === undefined || to === undefined || more.length > 0) {
    return k.fail('source and destination are required');
  }
  if (!from.includes(':') && !to.includes(':')) {
    return k.fail('one of src or dest must be a remote file specification');
  }
  return k.fail('files of containers cannot be copied here: use "kubectl exec POD -- cat FILE"');
}
