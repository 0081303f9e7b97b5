import type { TargetExtension } from '../iptables-extension.ts';
import { parseInteger, quote } from '../iptables-rule.ts';

const LEVELS = ['emerg', 'alert', 'crit', 'err', 'warn', 'notice', 'info', 'debug'];
const LEVEL_ALIASES: ReadonlyMap<string, number> = new Map([
  ...LEVELS.map((name, level) => [name, level] as const),
  ['panic', 0],
  ['error', 3],
  ['warning', 4],
]);

const FLAGS = [
  ['log-tcp-sequence', 1, 'tcp-sequence'],
  ['log-tcp-options', 2, 'tcp-options'],
  ['log-ip-options', 4, 'ip-options'],
  ['log-uid', 8, 'uid'],
  ['log-macdecode', 32, 'macdecode'],
] as const;

/** Writes to the kernel's log, which nobody reads here; the record has the decision. */
export const log: TargetExtension = {
  name: 'LOG',
  options: [
    { name: 'log-level', argument: 'required' },
    { name: 'log-prefix', argument: 'required' },
    ...FLAGS.map(([name]) => ({ name, argument: 'none' }) as const),
  ],
  create(given) {
    const levelText = given.get('log-level')?.value;
    const level =
      levelText === undefined
        ? 4
        : (LEVEL_ALIASES.get(levelText.toLowerCase()) ?? parseInteger(levelText, 7));
    if (level === undefined) return { error: `log level "${levelText ?? ''}" unknown\n` };
    const prefix = (given.get('log-prefix')?.value ?? '').slice(0, 29);
    const set = FLAGS.filter(([name]) => given.has(name));
    const bits = set.reduce((sum, [, bit]) => sum | bit, 0);
    return {
      kind: 'extension',
      name: 'LOG',
      save: `${prefix === '' ? '' : ` --log-prefix${quote(prefix)}`}${level === 4 ? '' : ` --log-level ${level}`}${set.map(([name]) => ` --${name}`).join('')}`,
      list(numeric) {
        const head = numeric ? ` LOG flags ${bits} level ${level}` : ` LOG level ${LEVELS[level] ?? level}`;
        return `${head}${numeric ? '' : set.map(([, , word]) => ` ${word}`).join('')}${prefix === '' ? '' : ` prefix "${prefix}"`}`;
      },
      apply: () => 'CONTINUE',
    };
  },
};

export const nflog: TargetExtension = {
  name: 'NFLOG',
  options: [
    { name: 'nflog-group', argument: 'required' },
    { name: 'nflog-prefix', argument: 'required' },
    { name: 'nflog-size', argument: 'required' },
    { name: 'nflog-threshold', argument: 'required' },
  ],
  create(given) {
    let save = '';
    let list = '';
    const prefix = given.get('nflog-prefix')?.value;
    if (prefix !== undefined) {
      save += ` --nflog-prefix${quote(prefix.slice(0, 63))}`;
      list += ` nflog-prefix${quote(prefix.slice(0, 63))}`;
    }
    for (const [name, max] of [
      ['nflog-group', 65535],
      ['nflog-size', 0xffffffff],
      ['nflog-threshold', 65535],
    ] as const) {
      const option = given.get(name);
      if (option === undefined) continue;
      const value = parseInteger(option.value, max);
      if (value === undefined)
        return { error: `NFLOG: bad value for option "--${name}", or out of range (0-${max}).\n` };
      if (name === 'nflog-group' && value === 0) continue;
      save += ` --${name} ${value}`;
      list += ` ${name} ${value}`;
    }
    return { kind: 'extension', name: 'NFLOG', save, list: () => list, apply: () => 'CONTINUE' };
  },
};

/** No program reads queues here, so a queued packet is lost, unless the rule says to bypass. */
export const nfqueue: TargetExtension = {
  name: 'NFQUEUE',
  options: [
    { name: 'queue-num', argument: 'required' },
    { name: 'queue-bypass', argument: 'none' },
  ],
  create(given) {
    const number = parseInteger(given.get('queue-num')?.value ?? '0', 65535);
    if (number === undefined)
      return { error: 'NFQUEUE: bad value for option "--queue-num", or out of range (0-65535).\n' };
    const bypass = given.has('queue-bypass');
    return {
      kind: 'extension',
      name: 'NFQUEUE',
      save: ` --queue-num ${number}${bypass ? ' --queue-bypass' : ''}`,
      list: () => ` NFQUEUE num ${number}${bypass ? ' bypass' : ''}`,
      apply: () => (bypass ? 'ACCEPT' : 'QUEUE'),
    };
  },
};
