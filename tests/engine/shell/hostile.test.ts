import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from '../../../src/engine/shell/parse.ts';
import { toolset } from '../../../src/engine/shell/toolset.ts';
import { Lan } from './lan.ts';

const programs = [
  ...toolset('base', 'network', 'netfilter').keys(),
  ...[...toolset('busybox').keys()].map((name) => `busybox:${name}`),
];
const builtins = [
  'cd',
  'export',
  'set',
  'shift',
  'read x',
  'wait',
  'jobs',
  'eval',
  'type',
  'command',
  'unset',
  'exit',
  'break',
  'trap',
  ':',
  'time',
  '!',
];
const limits = { commandTime: 20e6, events: 60_000, scriptSteps: 300, output: 20_000, scriptDepth: 5 };

const word = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      '10.2.0.2',
      '10.1.0.1',
      '10.9.9.9',
      'server',
      'web',
      'nosuch',
      'eth0',
      'lo',
      'nope',
      '80',
      '81',
      '0',
      '-1',
      '99999',
      '1.5',
      'all',
      'default',
      'http://10.2.0.2/',
      'http://web',
      '::1',
      'fd00::1',
      '/etc/hosts',
      '/tmp/x',
      '/nope',
      '{}',
      'a=b',
      '127.0.0.1',
      '10.1.0.0/24',
      'tcp',
      'icmp',
      'port',
      'host',
      'and',
      'not',
      '02:00:00:00:00:01',
    ),
  },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      'addr',
      'link',
      'route',
      'neigh',
      'rule',
      'show',
      'add',
      'del',
      'replace',
      'set',
      'get',
      'flush',
      'dev',
      'via',
      'src',
      'table',
      'up',
      'down',
      'mtu',
      'lladdr',
      'nud',
      'permanent',
      'type',
      'bridge',
      'veth',
      'master',
      'name',
      'fdb',
      'netns',
      'exec',
      'list',
      'from',
      'to',
      'metric',
      'scope',
      'proto',
      'onlink',
      'nexthop',
      'blackhole',
    ),
  },
  { weight: 4, arbitrary: fc.stringMatching(/^-{1,2}[a-zA-Z0-9]{1,3}$/) },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      '-c1',
      '-w1',
      '-n',
      '-ni',
      '-s',
      '-v',
      '-sv',
      '-t',
      '-A',
      '-j',
      'DROP',
      'INPUT',
      '-L',
      '-S',
      '-p',
      '--dport',
      '-m1',
      '-o',
      '-d',
      '-z',
      '-e',
      '-i',
      '-E',
      '-F:',
      '-k2',
      "'{print $1}'",
      "'s/a/b/'",
      "'/x/p'",
      '2,3p',
      '%s',
      '+short',
      '@10.2.0.2',
      '-x',
    ),
  },
  { weight: 1, arbitrary: fc.string({ maxLength: 12 }).map((text) => `'${text.replaceAll("'", '')}'`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '$X',
      '"$@"',
      '$((1+1))',
      '$(date)',
      '`id`',
      '${X:-y}',
      '${#X}',
      '${X%%o*}',
      '~',
      '*',
      '/sys/*',
      '$?',
      '$!',
      '$((1/0))',
      '$((',
      '"',
      "'",
      '\\',
      '{a,b}',
      '{1..9999999}',
      '$',
      '#',
    ),
  },
);
const command = fc
  .tuple(fc.constantFrom(...programs, ...builtins), fc.array(word, { maxLength: 6 }))
  .map(([name, args]) => [name, ...args].join(' '));
const joiner = fc.constantFrom(
  ' | ',
  ' && ',
  ' || ',
  '; ',
  ' & ',
  '\n',
  ' > /tmp/x; ',
  ' 2>&1 | ',
  ' < /etc/hosts; ',
  ' <<< here; ',
  ' >&2; ',
);
const line = fc.array(fc.tuple(command, joiner), { minLength: 1, maxLength: 4 }).map((parts) =>
  parts
    .map(([text, end]) => text + end)
    .join('')
    .replace(/ [|&]+ $/, ''),
);

describe('hostile input', () => {
  it('never makes the parser throw or loop', () => {
    const piece = fc.constantFrom(
      'if ',
      'then ',
      'fi',
      'for ',
      'x in ',
      'do ',
      'done',
      'while ',
      'case ',
      'esac',
      '{ ',
      '}',
      '( ',
      ')',
      ';',
      ';;',
      '&',
      '&&',
      '|',
      '||',
      '\n',
      '"',
      "'",
      '`',
      '$(',
      '$((',
      '))',
      '${',
      '}',
      '\\',
      '<<E\n',
      'E\n',
      '<<<',
      '>',
      '2>&1',
      '!',
      'a',
      ' ',
      '#',
      '*',
      '$x',
      '=',
      '[[ ',
      ' ]]',
      '((',
      'f() ',
      'function f ',
      '<(',
      ' =~ ',
      '-f ',
      'for ((',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const result = parse(pieces.join(''));
        expect(typeof result.ok).toBe('boolean');
      }),
      { numRuns: 3000 },
    );
  });

  it('never makes a tool throw: a line ends, with an exit status and within its limits', () => {
    fc.assert(
      fc.property(line, (text) => {
        const result = new Lan(limits).run(text);
        expect(Number.isInteger(result.exitCode)).toBe(true);
        expect(result.output.length).toBeLessThan(limits.output + 500);
      }),
      { numRuns: 400 },
    );
  });

  it('bounds what is asked for by a pattern or a script', () => {
    const letters = fc.array(fc.constantFrom(...'ab1.*+?()[]{}|^$\\/,;&-=!~ \n<>"nsdpgNDGHxtbTyq'), {
      maxLength: 20,
    });
    const run = fc.constantFrom(
      (text: string) => `grep -E -- ${text}`,
      (text: string) => `grep -oP -- ${text}`,
      (text: string) => `grep -w -- ${text}`,
      (text: string) => `sed -- ${text}`,
      (text: string) => `sed -E -e s/${text}/x/g`,
      (text: string) => `sed -n -e ${text}`,
      (text: string) => `awk ${text}`,
      (text: string) => `awk -F${text} '{print $2}'`,
      (text: string) => `expr abab : ${text}`,
      (text: string) => `eval "[[ abab =~ "${text}" ]]"`,
      (text: string) => `ss -tan ${text}`,
      (text: string) => `printf ${text} 1 2`,
    );
    fc.assert(
      fc.property(run, letters, (make, text) => {
        const quoted = `'${text.join('').replaceAll("'", '')}'`;
        const result = new Lan(limits).run(`printf 'abab aab\\n1b\\n' | ${make(quoted)}`);
        expect(Number.isInteger(result.exitCode)).toBe(true);
        expect(result.output.length).toBeLessThan(limits.output + 500);
      }),
      { numRuns: 400 },
    );
  });

  it('answers the same line with the same words, always', () => {
    fc.assert(
      fc.property(line, (text) => {
        expect(new Lan(limits).run(text)).toEqual(new Lan(limits).run(text));
      }),
      { numRuns: 60 },
    );
  });

  it('bounds texts that double', () => {
    const lan = new Lan();
    lan.run(
      'X=aaaaaaaaaaaaaaaa; for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do X=$X$X; done',
    );
    expect(lan.run(`echo ${'$X'.repeat(3000)}`)).toMatchObject({
      exitCode: 1,
      output: 'bash: Argument list too long\n',
    });
    expect(lan.run(`echo ${'$X '.repeat(3000)}`)).toMatchObject({
      exitCode: 1,
      output: 'bash: Argument list too long\n',
    });
    expect(lan.run('awk \'BEGIN {x="ab"; while (1) x = x x}\'').limit).toBe('output');
    expect(lan.run('awk \'BEGIN {x="ab"; while (1) gsub(/a/, "aaaa", x)}\'').limit).toBe('output');
    expect(
      lan.run(
        "echo aa | sed 's/a/&&&&/g;s/a/&&&&/g;s/a/&&&&/g;s/a/&&&&/g;s/a/&&&&/g;s/a/&&&&/g;s/a/&&&&/g;s/a/&&&&/g;s/a/&&&&/g;s/a/&&&&/g;s/a/&&&&/g;s/a/&&&&/g;s/a/&&&&/g;s/a/&&&&/g'",
      ).limit,
    ).toBe('output');
  });

  it('bounds nesting that is written down', () => {
    for (const text of [
      '('.repeat(5000),
      '$('.repeat(5000),
      '${x:-'.repeat(5000),
      '"$('.repeat(5000),
      'if '.repeat(5000),
      '{ '.repeat(5000),
      '! '.repeat(5000),
      '[[ ( '.repeat(5000),
      '[[ ! '.repeat(5000),
      `[[ ${'( '.repeat(5000)}`,
      '(('.repeat(5000),
      'f() { '.repeat(5000),
      '<('.repeat(5000),
      '$(('.repeat(3000),
    ])
      expect(parse(text).ok).toBe(false);
    expect(
      new Lan(limits).run(`echo $((${'('.repeat(500)}1${')'.repeat(500)}))`).exitCode,
    ).toBeGreaterThanOrEqual(0);
    expect(new Lan(limits).run(`[ ${'! '.repeat(3000)} a ]`).exitCode).toBe(2);
    expect(new Lan(limits).run(`tcpdump -c1 '${'('.repeat(3000)}'`).exitCode).toBe(1);
    expect(new Lan(limits).run(`awk 'BEGIN {x=${'('.repeat(3000)}1}'`).exitCode).toBe(1);
  });
});
