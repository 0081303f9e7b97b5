import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { LateModule, LateModules } from '../../../components/worker/late.ts';
import type { Reply, Request, WorldStep } from '../../../components/worker/protocol.ts';
import { supplyOf } from '../../../components/worker/supply.ts';
import { Worlds } from '../../../components/worker/worlds.ts';

const { stand } = vi.hoisted(() => ({
  /** What stands in the place of a module that comes late, as the build of the worker makes it. */
  stand: (name: string, functions: readonly string[]) => async () => {
    const { late } = await import('../../../components/worker/late.ts');
    return Object.fromEntries(functions.map((one) => [one, late(name, one)]));
  },
}));
vi.mock('../../../src/engine/shell/tools/sed.ts', stand('shell/tools/sed', ['sed']));
vi.mock('../../../src/engine/shell/tools/grep.ts', stand('shell/tools/grep', ['grep']));
vi.mock('../../../src/engine/shell/tools/sysctl.ts', stand('shell/tools/sysctl', ['sysctl']));
vi.mock(
  '../../../src/engine/shell/kubectl/completion.ts',
  stand('shell/kubectl/completion', ['completeKubectl']),
);

const real = async (name: string): Promise<LateModule> =>
  vi.importActual<LateModule>(`../../../src/engine/${name}.ts`);

const run = (command: string): WorldStep => ({ kind: 'run', command, record: false });

/** What was printed, and every other word that was said. */
async function ask(worlds: Worlds, request: Request): Promise<string[]> {
  const said: string[] = [];
  for await (const reply of worlds.handle(request)) said.push(wordOf(reply));
  return said;
}

function wordOf(reply: Reply): string {
  if (reply.type === 'completion') return reply.completion.options.join(' ');
  if (reply.type !== 'step') return reply.type;
  return reply.result.kind === 'run' ? reply.result.result.output : reply.result.result.output;
}

describe('a world that is asked who can talk to whom', () => {
  it('answers of itself as it stands', async () => {
    const worlds = new Worlds(supplyOf(new Map()));
    const pods = ['a', 'b']
      .map((name) =>
        JSON.stringify({
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name },
          spec: { containers: [{ name: 'c', image: 'nginx' }] },
        }),
      )
      .join('\n---\n');
    const policy = JSON.stringify({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'NetworkPolicy',
      metadata: { name: 'closed' },
      spec: { podSelector: {} },
    });
    const state = async (): Promise<string | undefined> => {
      for await (const reply of worlds.handle({ type: 'reach', world: 'w' }))
        if (reply.type === 'reach')
          return reply.view.pairs.find(({ from, to }) => from === 'default/a' && to === 'default/b')?.state;
      return undefined;
    };
    const apply = (manifest: string): WorldStep => ({ kind: 'apply', manifest, file: 'm.yaml' });
    await ask(worlds, { type: 'open', world: 'w', options: { cni: 'calico' }, steps: [apply(pods)] });
    expect(await state()).toBe('all');
    await ask(worlds, { type: 'do', world: 'w', step: apply(policy) });
    expect(await state()).toBe('none');
    expect(await ask(worlds, { type: 'reach', world: 'nowhere' })).toEqual(['refused']);
  });
});

describe('worlds whose code comes late', () => {
  let loaded: string[];
  let offline: boolean;
  let modules: LateModules;
  beforeEach(() => {
    loaded = [];
    offline = false;
    const module = (name: string, names: readonly string[]) =>
      [
        name,
        {
          names,
          load: async () => {
            if (offline) throw new Error('offline');
            loaded.push(name);
            return real(name);
          },
        },
      ] as const;
    modules = new Map([
      module('shell/tools/sed', ['sed']),
      module('shell/tools/grep', ['grep']),
      module('shell/tools/sysctl', ['sysctl']),
      module('shell/kubectl/completion', ['completeKubectl']),
    ]);
  });
  const open = (...steps: WorldStep[]): Request => ({
    type: 'open',
    world: 'w',
    options: { nodes: 1 },
    steps,
  });
  const step = (command: string): Request => ({ type: 'do', world: 'w', step: run(command) });

  it('say that code could not be had, and go on when it can', async () => {
    const worlds = new Worlds(supplyOf(modules));
    offline = true;
    expect(await ask(worlds, open(run('echo a | sed s/a/b/')))).toEqual([
      'loading',
      'loading',
      'unavailable',
    ]);
    expect(await ask(worlds, step('echo a'))).toEqual(['refused']);
    offline = false;
    expect(await ask(worlds, open(run('echo a | sed s/a/b/')))).toEqual(['loading', 'b\n', 'done']);
  });

  it('load what a command names before it runs, and nothing else', async () => {
    const worlds = new Worlds(supplyOf(modules));
    expect(await ask(worlds, open(run('echo a | grep a')))).toEqual(['loading', 'a\n', 'done']);
    expect(loaded).toEqual(['shell/tools/grep']);
  });

  it('do everything again, and come to the same place, when a script calls what nobody could foresee', async () => {
    const worlds = new Worlds(supplyOf(modules));
    const forwarding = 'n=ctl; sys$n net.ipv4.ip_forward';
    expect(
      await ask(worlds, open(run('ssh node-1 echo 0 \\> /proc/sys/net/ipv4/ip_forward'), run('date'))),
    ).toHaveLength(3);
    const before = await ask(worlds, step('date +%s.%N'));
    expect(await ask(worlds, step(`ssh node-1 '${forwarding}'`))).toEqual([
      'loading',
      'net.ipv4.ip_forward = 0\n',
      'done',
    ]);
    expect(loaded).toEqual(['shell/tools/sysctl']);
    const after = await ask(worlds, step('date +%s.%N'));
    expect(Number(after[0])).toBeGreaterThan(Number(before[0]));
  });

  it('complete a line with code that comes for it', async () => {
    const worlds = new Worlds(supplyOf(modules));
    await ask(worlds, open());
    const request: Request = { type: 'complete', world: 'w', line: 'kubectl desc', cursor: 12 };
    expect(await ask(worlds, request)).toEqual(['loading', 'describe', 'done']);
  });

  it('refuse options that no cluster can have', async () => {
    const worlds = new Worlds(supplyOf(modules));
    const request: Request = { type: 'open', world: 'w', options: { cni: 'weave' }, steps: [] };
    expect(await ask(worlds, request)).toEqual(['refused']);
  });
});
