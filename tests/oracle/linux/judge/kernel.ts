/** Runs exported labs on this machine's kernel and beside it in the engine. */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { frameBytes } from '../../../../src/engine/capture/wire.ts';
import { fromBase64 } from '../../../../src/engine/capture/base64.ts';
import {
  createCluster,
  netnsScript,
  type CommandResult,
  type NetnsLab,
} from '../../../../src/engine/index.ts';
import { readCapture } from './capture-file.ts';
import { flowsOf, type Flows } from './packets.ts';
import { differences } from './verdict.ts';

/** Why labs cannot run on this kernel; undefined when they can. */
export function whyNot(): string | undefined {
  if (process.platform !== 'linux') return 'this is no Linux';
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  for (const program of ['bash', 'ip', 'iptables-restore', 'nft', 'ipset', 'python3'])
    if (spawnSync('which', [program], { env }).status !== 0) return `${program} is not installed`;
  const name = `podwalk-try-${process.pid}`;
  const made = spawnSync('ip', ['netns', 'add', name], { env });
  if (made.status !== 0) return `network namespaces cannot be made: ${made.stderr.toString().trim()}`;
  spawnSync('ip', ['netns', 'del', name], { env });
  sweep();
  return undefined;
}

const PREFIX = 'podwalk-judge.';

/** Takes away what runs that were killed have left. */
function sweep(): void {
  const left = (name: string): boolean => {
    const pid = Number(name.split('.')[1]);
    return name.startsWith(PREFIX) && !existsSync(`/proc/${pid}`);
  };
  const made = spawnSync('ip', ['netns', 'list'], { env }).stdout.toString().split('\n');
  for (const name of made.map((line) => line.replace(/ .*/, '')).filter(left))
    spawnSync('ip', ['netns', 'del', name], { env });
  if (!existsSync('/etc/netns')) return;
  for (const name of readdirSync('/etc/netns').filter(left))
    rmSync(`/etc/netns/${name}`, { recursive: true, force: true });
}

const env = { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` };

export interface StepVerdict {
  readonly command: string;
  readonly differences: readonly string[];
}

/**
 * Runs a lab on both sides and compares every command's frames. The kernel's clock is this machine's: what differs is run
 * once more, since a difference that a late timer made does not come twice and one of the engine's does.
 */
export async function judge(lab: NetnsLab, name: string): Promise<readonly StepVerdict[]> {
  const first = await judgeOnce(lab, name).catch(() => undefined);
  if (first?.every((verdict) => verdict.differences.length === 0) === true) return first;
  console.log(`${name}: once more on the kernel`);
  return judgeOnce(lab, `${name}.again`);
}

async function judgeOnce(lab: NetnsLab, name: string): Promise<readonly StepVerdict[]> {
  const { script, diagnostics } = netnsScript(lab);
  if (script === undefined) throw new Error(diagnostics.map(({ message }) => message).join('; '));
  const folder = await mkdtemp(join(tmpdir(), 'podwalk-judge-'));
  try {
    const file = join(folder, 'lab.sh');
    await writeFile(file, script);
    const output = await runScript(file, folder, name);
    const earlier = { kernel: new Set<string>(), engine: new Set<string>() };
    const verdicts: StepVerdict[] = [];
    for (const { number, result } of engineRun(lab)) {
      const path = join(folder, `${String(number).padStart(2, '0')}.pcapng`);
      const capture = await readFile(path).catch(() => {
        throw new Error(`the script wrote no ${path}:\n${output}`);
      });
      const kernel = flowsOf(readCapture(capture), { earlier: earlier.kernel });
      const engine = engineFlows(result, earlier.engine);
      verdicts.push({ command: result.command, differences: differences(kernel, engine) });
    }
    return verdicts;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function runScript(file: string, folder: string, name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      'bash',
      [file, '--capture', folder],
      {
        env: { ...env, PODWALK_PREFIX: `${PREFIX}${process.pid}.${name}.` },
        timeout: 120_000,
        maxBuffer: 1 << 26,
      },
      (error, stdout, stderr) => {
        // A lab may end with a command that fails; what its build says is an error.
        if (error !== null && (error.killed === true || /lab\.sh: /.test(stderr)))
          reject(new Error(`${error.message}\n${stdout}${stderr}`));
        else resolve(`${stdout}${stderr}`);
      },
    );
  });
}

/** The steps that the script runs, as the engine runs them, with the numbers that the script gives them. */
function engineRun(lab: NetnsLab): { readonly number: number; readonly result: CommandResult }[] {
  const made = createCluster(lab.options);
  if ('diagnostics' in made) throw new Error(made.diagnostics.map(({ message }) => message).join('; '));
  const { cluster } = made;
  const from = lab.steps.findIndex((step, index) => index >= (lab.from ?? 0) && step.kind !== 'apply');
  return lab.steps.flatMap((step, index) => {
    switch (step.kind) {
      case 'apply':
        cluster.apply(step.manifest, step.file);
        return [];
      case 'advance':
        cluster.advance(step.microseconds);
        return [];
      case 'run': {
        const result = cluster.run(step.command);
        return index < from ? [] : [{ number: index - from + 1, result }];
      }
    }
  });
}

function engineFlows({ record }: CommandResult, earlier: Set<string>): Flows {
  const frames = record.events.filter((event) => event.kind === 'frame');
  const payload = (index: number): Uint8Array | undefined => {
    const text = record.payloads?.[index];
    return text === undefined ? undefined : fromBase64(text);
  };
  const crossings = frames.map(({ netns, dev, dir, at, header }) => ({
    netns,
    dev,
    dir,
    at: BigInt(at),
    bytes: frameBytes(record.headers[header] ?? [], payload),
  }));
  return flowsOf(crossings, { walkOf: (index) => frames[index]?.walk ?? -1, earlier });
}
