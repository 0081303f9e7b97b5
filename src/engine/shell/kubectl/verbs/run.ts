import { setOwn } from '../../../api/json.ts';
import type { Draft, DraftValue } from '../../../api/json.ts';
import { resourceOfKind } from '../../../api/kinds.ts';
import type { KubeObject, Pod } from '../../../api/types.ts';
import type { Task } from '../../../net/task.ts';
import { Failure, failure, type Invocation } from '../invocation.ts';
import { dryRunOf } from '../output.ts';
import { listAt, numberAt, textAt, valueAt } from '../value.ts';
import { nextChange } from '../waiting.ts';
import { announce, createGenerated } from './generate.ts';

export function* run(k: Invocation): Task<number> {
  const { flags } = k;
  const [name, ...words] = k.args;
  if (name === undefined || flags.dash === 0) return k.misuse('NAME is required for run');
  if (!flags.has('image')) return k.fail('required flag(s) "image" not set');
  const restart = flags.text('restart') || 'Always';
  if (!['Always', 'OnFailure', 'Never'].includes(restart))
    return k.misuse(`invalid restart policy: ${restart}`);
  if (flags.on('tty') && !flags.on('stdin')) {
    return k.misuse('-i/--stdin is required for containers with -t/--tty=true');
  }
  if (flags.on('expose') && !flags.has('port')) {
    return k.misuse('--port must be set when exposing a service');
  }
  const attached = flags.has('attach') ? flags.on('attach') : flags.on('stdin');
  if (flags.on('rm') && !attached) return k.misuse('--rm should only be used for attached containers');
  const dryRun = dryRunOf(k);
  if (dryRun instanceof Failure) return k.fail(dryRun);
  if (attached && dryRun !== 'none') {
    return k.misuse(
      "--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)",
    );
  }
  const manifest = podManifest(k, name, words, restart);
  if (manifest instanceof Failure) return k.fail(manifest);
  const created = createGenerated(k, 'Pod', manifest, 'silent');
  if (created instanceof Failure) return k.fail(created);
  if (flags.on('expose')) {
    const port = Number(flags.text('port'));
    const service = createGenerated(k, 'Service', {
      metadata: { name },
      spec: { ports: [{ port, protocol: 'TCP', targetPort: port }], selector: { run: name } },
      status: { loadBalancer: {} },
    });
    if (service instanceof Failure) return k.fail(service);
  }
  // A pod that is attached to is not announced: what follows is what it prints.
  if (!attached) return announce(k, 'Pod', created.object, 'created');
  const ended = yield* attachTo(k, created.object, restart);
  if (flags.on('rm')) removePod(k, created.object);
  if (ended.message !== '') k.note(ended.message);
  return ended.code;
}

function podManifest(
  k: Invocation,
  name: string,
  words: readonly string[],
  restartPolicy: string,
): Draft | Failure {
  const { flags } = k;
  const labels: Draft = {};
  for (const pair of (flags.text('labels') || `run=${name}`).split(',')) {
    const [, key = '', value = ''] = /^([^=]+)=(.*)$/.exec(pair) ?? [];
    if (key === '') return failure(`unexpected label spec: ${pair}`);
    setOwn<DraftValue | undefined>(labels, key, value);
  }
  const env: Draft[] = [];
  for (const variable of flags.list('env')) {
    const [, key = '', value = ''] = /^([^=]+)=([^]*)$/.exec(variable) ?? [];
    if (key === '') return failure(`invalid env: ${variable}`);
    env.push({ name: key, value });
  }
  const port = flags.text('port');
  const pull = flags.text('image-pull-policy');
  const container: Draft = {
    ...(words.length > 0 ? { [flags.on('command') ? 'command' : 'args']: [...words] } : {}),
    ...(env.length > 0 ? { env } : {}),
    image: flags.text('image'),
    ...(pull === '' ? {} : { imagePullPolicy: pull }),
    name,
    ...(port === '' ? {} : { ports: [{ containerPort: Number(port) }] }),
    resources: {},
    ...(flags.on('privileged') ? { securityContext: { privileged: true } } : {}),
    ...(flags.on('stdin') ? { stdin: true, stdinOnce: true } : {}),
    ...(flags.on('tty') ? { tty: true } : {}),
  };
  const spec: Draft = { containers: [container], dnsPolicy: 'ClusterFirst', restartPolicy };
  const overrides = readOverrides(flags.text('overrides'));
  if (overrides instanceof Failure) return overrides;
  return {
    metadata: { labels, name },
    spec: { ...spec, ...overrides },
    status: {},
  };
}

/** The `spec` of `--overrides`; lists in it replace the generated ones. */
function readOverrides(text: string): Draft | Failure {
  if (text === '') return {};
  try {
    const parsed: unknown = JSON.parse(text);
    const spec = valueAt(parsed, 'spec');
    return typeof spec === 'object' && spec !== null ? (spec as Draft) : {};
  } catch {
    return failure('Invalid JSON Patch');
  }
}

function removePod(k: Invocation, pod: KubeObject): void {
  const resource = resourceOfKind('Pod');
  const { namespace, name } = pod.metadata;
  if (resource === undefined || k.store.get('Pod', namespace, name) === undefined) return;
  k.host.api.delete(resource, namespace, name);
  k.print(
    `pod ${JSON.stringify(name)} deleted${k.flags.has('namespace') ? ` from ${namespace ?? ''} namespace` : ''}\n`,
  );
}

/** Longest time without output or change after which an attached command is left, as with Ctrl-C. */
const patience = 60_000_000;
const poll = 50_000;

/** How an attached command ended: its exit code, and what there is to say about it. */
export interface Ended {
  readonly code: number;
  readonly message: string;
}

/** Shows what the pod's container prints until it ends. */
export function* attachTo(k: Invocation, created: KubeObject, restart: string): Task<Ended> {
  const { namespace = '', name, uid } = created.metadata;
  let shown = 0;
  let quietSince = k.ctx.world.now;
  let last: KubeObject | undefined;
  for (;;) {
    const pod = k.store.get('Pod', namespace, name);
    if (pod === undefined || pod.metadata.uid !== uid) {
      return { code: 1, message: `Error from server (NotFound): pods ${JSON.stringify(name)} not found` };
    }
    const container = pod.spec.containers[0]?.name ?? '';
    const lines = k.host.log(pod, container, 'current') ?? [];
    for (const line of lines.slice(shown)) k.print(line.text);
    if (lines.length > shown || pod !== last) quietSince = k.ctx.world.now;
    shown = lines.length;
    last = pod;
    const terminated = terminationOf(pod);
    if (terminated !== undefined) {
      const code = restart === 'Always' ? 0 : numberAt(terminated, 'exitCode');
      const detail = textAt(terminated, 'message');
      const message = `pod ${namespace}/${name} terminated (${textAt(terminated, 'reason')})${detail === '' ? '' : `\n${detail}`}`;
      return { code, message: code === 0 ? '' : message };
    }
    if (k.ctx.world.now - quietSince >= patience) {
      const waiting = textAt(listAt(pod, 'status.containerStatuses')[0], 'state.waiting.reason');
      if (waiting !== '' || pod.status.phase === 'Pending') {
        return { code: 1, message: 'error: timed out waiting for the condition' };
      }
      return { code: 130, message: '^C' };
    }
    yield* nextChange(k.ctx.world, k.store, 'Pod', poll);
  }
}

function terminationOf(pod: Pod): unknown {
  const status = pod.status.containerStatuses?.[0];
  return (
    status?.state?.terminated ??
    (status !== undefined && status.restartCount > 0 ? status.lastState?.terminated : undefined)
  );
}
