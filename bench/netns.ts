/** The time from nothing to the first answered `curl` of a two-node lab: here, and on this machine's own kernel. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createCluster, netnsScript } from '../src/engine/index.ts';
import { pods } from './lab.ts';
import { medianOf } from './lessons.ts';
import type { Row } from './table.ts';

const MANIFEST = pods('node-1', 'node-2');
const COMMAND = 'kubectl exec pod-a -- curl -s http://10.244.2.2';
const ANSWER = 'Welcome to nginx';
const ROUNDS = 5;

/** The rows, or a sentence that says why the kernel cannot be asked. */
export async function firstCurl(): Promise<readonly Row[] | string> {
  const lab = {
    title: 'bench',
    options: { nodes: 2 },
    steps: [
      { kind: 'apply', manifest: MANIFEST, file: 'pods.yaml' },
      { kind: 'run', command: COMMAND },
    ],
  } as const;
  const { script } = netnsScript(lab);
  if (script === undefined) throw new Error('the lab cannot be exported');
  mkdirSync('.cache/bench', { recursive: true });
  writeFileSync('.cache/bench/pods.yaml', MANIFEST);
  writeFileSync('.cache/bench/lab.sh', script);
  if (process.getuid?.() !== 0 || spawnSync('ip', ['netns']).status !== 0)
    return 'Network namespaces are left out: they take root and iproute2.';
  const kernel = await medianUntilAnswered('bash', ['.cache/bench/lab.sh']);
  if (kernel === undefined)
    return 'Network namespaces are left out: this kernel does not take the exported lab.';
  const program = await medianUntilAnswered(process.execPath, [
    'src/cli/podwalk.js',
    'run',
    '.cache/bench/pods.yaml',
    '--nodes',
    '2',
    '--',
    COMMAND,
  ]);
  if (program === undefined) throw new Error('podwalk run has no answer');
  const engine = await medianOf(ROUNDS, () => {
    const made = createCluster(lab.options);
    if ('diagnostics' in made) throw new Error('the options are wrong');
    made.cluster.apply(MANIFEST);
    if (!made.cluster.run(COMMAND).output.includes(ANSWER)) throw new Error('curl has no answer');
  });
  const row = (what: string, measured: number): Row => ({
    what: `from nothing to the first answered curl: ${what}`,
    measured,
    unit: 'ms',
    comparedWith: 'its network namespaces',
    reference: kernel,
  });
  return [row('the engine, loaded', engine), row('podwalk run, with its start', program)];
}

/** Milliseconds from the start of a program until the page is on its output; undefined when it ends without. */
async function medianUntilAnswered(command: string, args: readonly string[]): Promise<number | undefined> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const took = await untilAnswered(command, args);
    if (took === undefined) return undefined;
    times.push(took);
  }
  return times.sort((a, b) => a - b)[Math.floor(ROUNDS / 2)];
}

function untilAnswered(command: string, args: readonly string[]): Promise<number | undefined> {
  const began = performance.now();
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  let answered: number | undefined;
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
    if (answered === undefined && output.includes(ANSWER)) answered = performance.now() - began;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => resolve(answered));
  });
}
