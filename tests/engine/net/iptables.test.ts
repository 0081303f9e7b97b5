import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { iptables, iptablesSave, type IptablesResult } from '../../../src/engine/net/iptables.ts';
import { iptablesRestore, splitWords } from '../../../src/engine/net/iptables-restore.ts';
import type { Netfilter } from '../../../src/engine/net/netfilter.ts';
import { World } from '../../../src/engine/net/world.ts';

/**
 * The transcripts were recorded from iptables v1.8.9 (nf_tables) in an empty network namespace: `+ COMMAND`, what it
 * printed, `rc=EXIT`. Dates are written DATE and trailing spaces are cut.
 */
function transcript(file: string): { command: string; expected: string }[] {
  const text = readFileSync(new URL(file, import.meta.url), 'utf8');
  return text
    .split(/^\+ /m)
    .slice(1)
    .map((part) => {
      const end = part.indexOf('\n');
      return { command: part.slice(0, end), expected: part.slice(end + 1) };
    });
}

function run(netfilter: Netfilter, line: string): IptablesResult {
  const piped = /^printf "(.*)" \| (.*)$/.exec(line);
  const stdin = (piped?.[1] ?? '').replaceAll('\\n', '\n');
  const [name = '', ...args] = splitWords(piped?.[2] ?? line);
  const family = name.startsWith('ip6') ? 'ipv6' : 'ipv4';
  if (name === 'ipset') return netfilter.sets.run(args);
  if (name.endsWith('-save')) return iptablesSave(netfilter, family, args, 'DATE');
  if (name.endsWith('-restore')) return iptablesRestore(netfilter, family, args, stdin);
  return iptables(netfilter, family, args);
}

describe.each(['iptables-rules.txt', 'iptables-commands.txt'])('iptables, as in %s', (file) => {
  const { netfilter } = new World().createNetns('node');
  it.each(transcript(file))('$command', ({ command, expected }) => {
    const { out, error, exitCode } = run(netfilter, command);
    const printed = `${error}${out}rc=${exitCode}\n`.replaceAll(/ +$/gm, '');
    expect(printed).toBe(expected);
  });
});
