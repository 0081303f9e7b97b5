/** The C++ simulator ns-3 over the same three links: `ns3.cc`, built where Debian's packages for it are installed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

const MODULES = ['core', 'network', 'internet', 'csma', 'point-to-point'].map((name) => `ns3-${name}`);
const PROGRAM = '.cache/bench/ns3';

export type Ns3Link = 'csma' | 'point-to-point';

export interface Ns3 {
  /** Crossings of a link per CPU second. */
  crossings(link: Ns3Link): number;
  /** Bytes that a thousand datagrams on their way take. */
  flight(link: Ns3Link): number;
}

/** What can be asked of it, or a sentence that says what is missing. */
export function buildNs3(): Ns3 | string {
  const flags = spawnSync('pkg-config', ['--cflags', '--libs', ...MODULES], { encoding: 'utf8' });
  if (flags.status !== 0 || spawnSync('g++', ['--version']).status !== 0)
    return 'ns-3 is left out: it takes g++, pkg-config and the packages libns3-dev libgsl-dev libsqlite3-dev libxml2-dev.';
  mkdirSync('.cache/bench', { recursive: true });
  const options = flags.stdout.trim().split(/\s+/);
  execFileSync('g++', ['-O2', '-o', PROGRAM, 'bench/ns3.cc', ...options], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ask = (...args: string[]): number[] =>
    execFileSync(PROGRAM, args, { encoding: 'utf8' }).trim().split(' ').map(Number);
  return {
    crossings(link) {
      const [crossings = NaN, seconds = NaN] = ask('rounds', link, '50000');
      return crossings / seconds;
    },
    flight(link) {
      const [bytes = NaN] = ask('flight', link, '10000');
      return bytes / 10;
    },
  };
}
