import { beforeEach, describe, expect, test } from 'vitest';
import type { Pod } from '../../../../src/engine/api/types.ts';
import { Processes } from '../../../../src/engine/shell/processes.ts';
import { VirtualFiles } from '../../../../src/engine/shell/files.ts';
import type { LogLine } from '../../../../src/engine/shell/kubectl/host.ts';
import type { Place, Tool } from '../../../../src/engine/shell/tool.ts';
import { Bench } from './harness.ts';

const echo: Tool = function* (ctx, args) {
  ctx.out(`${ctx.place.name}: ${args.join(' ')}\n`);
  return 0;
};
const cat: Tool = function* (ctx) {
  ctx.out(yield* ctx.stdin.readAll());
  return 0;
};
const fail: Tool = function* (_, args) {
  return Number(args[0]);
};

let bench: Bench;
let logs: Map<string, LogLine[]>;

beforeEach(() => {
  logs = new Map();
  bench = new Bench({
    container: (pod, container) => place(`${pod.metadata.name}/${container}`),
    log: (pod, container, run) => logs.get(`${pod.metadata.name}/${container}/${run}`),
  });
  bench.put(
    pod('a', ['c']),
    pod('two', ['first', 'second']),
    pod('web-1', ['c'], { app: 'web' }),
    pod('web-2', ['c'], { app: 'web' }),
  );
  bench.put({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: meta('web'),
    spec: { selector: { app: 'web' }, ports: [{ port: 80 }] },
    status: {},
  });
});

function place(name: string): Place {
  const netns = bench.world.netnses.get(name) ?? bench.world.createNetns(name, { kind: 'pod' });
  return {
    name,
    kind: 'container',
    netns,
    files: new VirtualFiles(netns),
    env: {},
    tools: new Map([
      ['echo', echo],
      ['cat', cat],
      ['fail', fail],
    ]),
    processes: new Processes(bench.world),
  };
}

function meta(name: string, labels: Record<string, string> = {}) {
  return {
    name,
    namespace: 'default',
    uid: name,
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
    labels,
  };
}

function pod(name: string, containers: readonly string[], labels: Record<string, string> = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: meta(name, labels),
    spec: {
      nodeName: 'node-1',
      containers: containers.map((container) => ({ name: container, image: 'x' })),
    },
    status: { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] },
  };
}

describe('exec', () => {
  test('runs a program in the container and passes what it prints', () => {
    expect(bench.line('exec a -- echo hi there')).toEqual({ stdout: 'a/c: hi there\n', stderr: '', code: 0 });
    expect(bench.line('exec -it pod/a -- echo hi').stdout).toBe('a/c: hi\n');
  });
  test('flags after -- are the program’s', () => {
    expect(bench.line('exec a -- echo -n default --help').stdout).toBe('a/c: -n default --help\n');
  });
  test('chooses the first of several containers and says so', () => {
    expect(bench.line('exec two -- echo')).toEqual({
      stdout: 'two/first: \n',
      stderr: 'Defaulted container "first" out of: first, second\n',
      code: 0,
    });
    expect(bench.line('exec two -c second -- echo').stdout).toBe('two/second: \n');
    expect(bench.line('exec two -c third -- echo').stderr).toBe(
      'error: unable to upgrade connection: container not found ("third")\n',
    );
  });
  test('takes a pod that a Service selects', () => {
    expect(bench.line('exec svc/web -- echo').stdout).toBe('web-1/c: \n');
  });
  test('passes standard input on with -i only', () => {
    expect(bench.line('exec -i a -- cat', 'hello').stdout).toBe('hello');
    expect(bench.line('exec a -- cat', 'hello').stdout).toBe('');
  });
  test('passes the exit code on', () => {
    expect(bench.line('exec a -- fail 7')).toEqual({
      stdout: '',
      stderr: 'command terminated with exit code 7\n',
      code: 7,
    });
  });
  test('says what the runtime says of a program that is not there', () => {
    const { stderr, code } = bench.line('exec a -- curl x');
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /^error: Internal error occurred: error executing command in container: .*: exec: "curl": executable file not found in \$PATH: unknown\n$/,
    );
  });
});

describe('logs', () => {
  beforeEach(() => {
    const lines = ['one\n', 'two\n', 'three\n'].map((text, index) => ({ time: index * 1_000_000, text }));
    logs.set('a/c/current', lines);
    logs.set('web-1/c/current', lines.slice(0, 1));
    logs.set('web-2/c/current', lines.slice(1));
    bench.world.now = 3_000_000;
  });
  const cases: readonly (readonly [string, string])[] = [
    ['logs a', 'one\ntwo\nthree\n'],
    ['logs pod/a c', 'one\ntwo\nthree\n'],
    ['logs a --tail=1', 'three\n'],
    ['logs a --tail=0', ''],
    ['logs a --since=1500ms', 'three\n'],
    ['logs a --timestamps --tail=1', '2026-01-01T00:00:02.000000000Z three\n'],
    ['logs -l app=web --prefix', '[pod/web-1/c] one\n[pod/web-2/c] two\n[pod/web-2/c] three\n'],
    [
      'logs a --previous',
      'Error from server (BadRequest): previous terminated container "c" in pod "a" not found\n',
    ],
    ['logs svc/web', 'Found 2 pods, using pod/web-1\none\n'],
    [
      'logs two -c second',
      'Error from server (BadRequest): container "second" in pod "two" is waiting to start: ContainerCreating\n',
    ],
    ['logs two -c x', 'error: container x is not valid for pod two\n'],
  ];
  test.each(cases)('%s', (line, printed) => {
    const { stdout, stderr } = bench.line(line);
    expect(stderr + stdout).toBe(printed);
  });
  test('-f goes on while the container writes', () => {
    bench.world.schedule(500_000, () => logs.get('a/c/current')?.push({ time: 3_500_000, text: 'four\n' }));
    const { stdout, code } = bench.line('logs a -f --tail=1');
    expect(stdout).toBe('three\nfour\n');
    expect(code).toBe(130);
  });
});

describe('run --rm -i', () => {
  test('shows what the pod prints, ends with its code and deletes it', () => {
    bench.world.schedule(1_000_000, () => {
      logs.set('t/t/current', [{ time: 1, text: 'hi\n' }]);
      bench.api.modify('Pod', 'default', 't', (live) => ({
        ...live,
        status: {
          phase: 'Failed',
          containerStatuses: [
            {
              ...{ name: 't', image: 'x', imageID: '', ready: false, restartCount: 0 },
              state: { terminated: { exitCode: 3, reason: 'Error' } },
            },
          ],
        },
      }));
    });
    expect(bench.line('run t --image=x --rm -it --restart=Never -- echo hi')).toEqual({
      stdout: 'hi\npod "t" deleted\n',
      stderr: 'pod default/t terminated (Error)\n',
      code: 3,
    });
    expect(bench.line('get pod t').code).toBe(1);
  });
});
