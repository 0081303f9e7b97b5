import { execFileSync, spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Budget } from '../../../../src/engine/shell/regex/machine.ts';
import { Regex, type RegexOptions } from '../../../../src/engine/shell/regex/regex.ts';
import type { Syntax } from '../../../../src/engine/shell/regex/syntax.ts';

const endless: Budget = { spend: () => true };

function parsed(pattern: string, options: RegexOptions): Regex {
  const regex = Regex.parse(pattern, options);
  if ('error' in regex) throw new Error(`${pattern}: ${regex.error}`);
  return regex;
}

/** What `grep -o` prints. */
function found(pattern: string, syntax: Syntax, text: string): string[] {
  return [...parsed(pattern, { syntax }).matches(text, endless)]
    .map(({ start, end }) => text.slice(start, end))
    .filter((piece) => piece !== '');
}

describe('a regular expression', () => {
  test.each<[Syntax, string, string, string[]]>([
    ['extended', 'a|ab|abc', 'abcd', ['abc']],
    ['extended', '(a|ab)(c|bcd)?', 'abcd', ['abcd']],
    ['perl', 'a|ab|abc', 'abcd', ['a']],
    ['extended', 'x*', 'axxb', ['xx']],
    ['basic', 'a\\+b*', 'aabb+', ['aabb']],
    ['basic', 'a+b*', 'aa+bb', ['a+bb']],
    ['basic', '*a', 'b*a', ['*a']],
    ['basic', '\\(ab\\)*c\\|d', 'ababcd', ['ababc', 'd']],
    ['basic', 'a^b$c', 'a^b$c', ['a^b$c']],
    ['extended', '[]a-]+', 'b]-a', [']-a']],
    ['extended', '[^[:space:][:digit:]]+', 'ab 12 c', ['ab', 'c']],
    ['extended', '\\<[0-9]+\\>', 'a1 22 b', ['22']],
    ['extended', 'a{2,3}', 'aaaaa', ['aaa', 'aa']],
    ['extended', 'a{,2}b', 'aaab', ['aab']],
    ['extended', 'a{b', 'a{b', ['a{b']],
    ['extended', '10.244.[0-9]+', '10.244.1 10x244.2', ['10.244.1', '10x244.2']],
    ['fixed', 'a.b', 'axb a.b', ['a.b']],
    ['perl', '(?<=src )\\S+', 'src 10.0.0.1 dst', ['10.0.0.1']],
    ['perl', 'dport \\K\\d+', '--dport 80', ['80']],
    ['perl', '"(.*?)"', '"a" "b"', ['"a"', '"b"']],
    ['perl', '\\d+(?!\\d|\\.)', '10.2', ['2']],
    ['perl', '(?<!-)\\b[a-z]+', '-ab cd', ['cd']],
    ['extended', '파드|서비스', '파드와 서비스', ['파드', '서비스']],
  ])('%s /%s/ in "%s"', (syntax, pattern, text, pieces) => {
    expect(found(pattern, syntax, text)).toEqual(pieces);
  });

  test('gives its groups, undefined for one that took no part', () => {
    const regex = parsed('(a+)(b)?(c|d)', { syntax: 'extended' });
    expect(regex.match('xaac', 0, endless)).toEqual({
      start: 1,
      end: 4,
      groups: ['aac', 'aa', undefined, 'c'],
    });
  });

  test('takes letters of any case when asked to', () => {
    const regex = parsed('n[o-p]de', { syntax: 'basic', letters: 'any case' });
    expect(regex.test('the NODE', endless)).toBe(true);
  });

  test.each<[Syntax, string, string]>([
    ['extended', '(', 'Unmatched ( or \\('],
    ['basic', 'a\\)', 'Unmatched ) or \\)'],
    ['extended', '[a', 'Unmatched [, [^, [:, [., or [='],
    ['extended', '[[:foo:]]', 'Invalid character class name'],
    ['extended', '[z-a]', 'Invalid range end'],
    ['extended', 'a{3,2}', 'Invalid content of \\{\\}'],
    ['extended', 'a{99999}', 'Regular expression too big'],
    ['extended', '((a{300}){300}){300}', 'Regular expression too big'],
    ['extended', '('.repeat(5000), 'Regular expression too big'],
    ['basic', 'a\\{1', 'Unmatched \\{'],
    ['basic', 'a\\', 'Trailing backslash'],
    ['basic', '\\1', 'Invalid back reference'],
    ['basic', '\\(a\\)\\1', 'back references in patterns are not simulated'],
    ['perl', '(?<=a*)b', 'lookbehind assertion is not fixed length'],
  ])('%s %s is refused: %s', (syntax, pattern, error) => {
    expect(Regex.parse(pattern, { syntax })).toEqual({ error });
  });

  test.each(['(a+)+$', '(a|a)*$', '(a|aa)+$', '(.*)*x', '(a?){40}a{40}b', '((a*)*)*b'])(
    '%s costs no more than its length times the text',
    (pattern) => {
      let spent = 0;
      const counted: Budget = { spend: (n) => (spent += n) >= 0 };
      const regex = parsed(pattern, { syntax: 'extended' });
      const cost = (length: number): number => {
        spent = 0;
        regex.match(`${'a'.repeat(length)}!`, 0, counted);
        return spent;
      };
      expect(cost(4000)).toBeLessThan(5 * cost(1000));
    },
  );

  test('ends when its budget does', () => {
    let left = 1000;
    const regex = parsed('(a*)*b', { syntax: 'extended' });
    expect(regex.match('a'.repeat(100_000), 0, { spend: (n) => (left -= n) > 0 })).toBeUndefined();
    expect(left).toBeGreaterThan(-1000);
  });

  test('never throws and never hangs, whatever the pattern', () => {
    const letters = fc.constantFrom(...'ab.*+?(){}[]|^$\\,-1:<>=!K ');
    fc.assert(
      fc.property(
        fc.array(letters, { maxLength: 24 }),
        fc.constantFrom<Syntax>('basic', 'extended', 'perl', 'fixed'),
        fc.array(fc.constantFrom(...'ab1. -'), { maxLength: 40 }),
        (pattern, syntax, text) => {
          const regex = Regex.parse(pattern.join(''), { syntax });
          if ('error' in regex) expect(regex.error).not.toBe('');
          else
            for (const { start, end } of regex.matches(text.join(''), endless))
              expect(end).toBeGreaterThanOrEqual(start);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

const gnu = spawnSync('grep', ['--version'], { encoding: 'utf8' }).stdout?.includes('GNU') === true;

describe.skipIf(!gnu)('beside GNU grep', () => {
  const atom = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\w', '1');
  const times = fc.constantFrom('', '', '', '*', '+', '?', '{2}', '{1,2}', '{,1}', '{2,}');
  const repeated = fc.tuple(atom, times).map((parts) => parts.join(''));
  const sequence = fc.array(repeated, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(''));
  const grouped = fc
    .tuple(sequence, sequence, fc.constantFrom('', '*', '+', '?'))
    .map(([a, b, times]) => `(${a}|${b})${times}`);
  // glibc errs, or even aborts, where anchors stand inside.
  const extended = fc
    .tuple(
      fc.constantFrom('^', '\\<', '\\b', '', ''),
      fc.array(fc.oneof(sequence, grouped), { minLength: 1, maxLength: 3 }).map((parts) => parts.join('')),
      fc.constantFrom('$', '\\>', '\\b', '', ''),
    )
    .map((parts) => parts.join(''));
  const line = fc.array(fc.constantFrom(...'aabb1 -'), { maxLength: 12 }).map((chars) => chars.join(''));

  test('finds the same pieces for random extended expressions', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(extended, line), { minLength: 20, maxLength: 20 }), (cases) => {
        // One shell for all of them: a process each would be slow.
        const script = cases
          .map(
            ([pattern, text]) =>
              `printf '%s\\n' '${text}' | grep -oE -- '${pattern}' 2>/dev/null; echo "=$?"`,
          )
          .join('\n');
        const told = execFileSync('bash', ['-c', script], {
          encoding: 'utf8',
          env: { ...process.env, LC_ALL: 'C' },
        });
        const answers = told.split(/=\d\n/);
        for (const [i, [pattern, text]] of cases.entries())
          expect({ pattern, text, found: found(pattern, 'extended', text) }).toEqual({
            pattern,
            text,
            found: (answers[i] ?? '').split('\n').filter((piece) => piece !== ''),
          });
      }),
      { numRuns: 15 },
    );
  });
});
