import { Regex, type Match } from '../regex/regex.ts';
import { eachLine, options, searchBudget } from '../text.ts';
import type { Tool } from '../tool.ts';

export const grep: Tool = function* (ctx, args) {
  const given = options(ctx, args, {
    short: 'EFGPivcnoqshHlwxe:A:B:C:m:r',
    long: {
      'extended-regexp': 'E',
      'fixed-strings': 'F',
      'perl-regexp': 'P',
      'ignore-case': 'i',
      'invert-match': 'v',
      count: 'c',
      'line-number': 'n',
      'only-matching': 'o',
      quiet: 'q',
      silent: 'q',
      'no-messages': 's',
      'no-filename': 'h',
      'with-filename': 'H',
      'files-with-matches': 'l',
      'word-regexp': 'w',
      'line-regexp': 'x',
      regexp: 'e:',
      'after-context': 'A:',
      'before-context': 'B:',
      context: 'C:',
      'max-count': 'm:',
      color: 'color',
      colour: 'color',
      'line-buffered': 'buffered',
      recursive: 'r',
    },
  });
  if (given === undefined) {
    ctx.err("Usage: grep [OPTION]... PATTERNS [FILE]...\nTry 'grep --help' for more information.\n");
    return 2;
  }
  const files = [...given.rest];
  const patterns = given.has('e') ? given.values('e') : files.splice(0, 1);
  if (patterns.length === 0) {
    ctx.err("Usage: grep [OPTION]... PATTERNS [FILE]...\nTry 'grep --help' for more information.\n");
    return 2;
  }
  const syntax =
    given.has('F') || ctx.name === 'fgrep'
      ? 'fixed'
      : given.has('P')
        ? 'perl'
        : given.has('E') || ctx.name === 'egrep'
          ? 'extended'
          : 'basic';
  const tests: Regex[] = [];
  for (const pattern of patterns.flatMap((p) => p.split('\n'))) {
    const problem = /^\[:\w+:\]$/.test(pattern) && syntax !== 'fixed';
    const test = problem
      ? { error: 'character class syntax is [[:space:]], not [:space:]' }
      : Regex.parse(pattern, {
          syntax,
          letters: given.has('i') ? 'any case' : 'exact',
          ...(given.has('x') ? { whole: 'line' } : given.has('w') ? { whole: 'word' } : {}),
        });
    if ('error' in test) {
      ctx.err(`grep: ${test.error}\n`);
      return 2;
    }
    tests.push(test);
  }
  const budget = searchBudget(ctx);
  const after = Number(given.value('A') ?? given.value('C') ?? 0);
  const before = Number(given.value('B') ?? given.value('C') ?? 0);
  const context = given.has('A') || given.has('B') || given.has('C');
  const max = Number(given.value('m') ?? Infinity);
  const named = given.has('H') || (files.length > 1 && !given.has('h'));
  const counts = new Map<string, number>((files.length === 0 ? ['-'] : files).map((file) => [file, 0]));
  let matched = 0;
  let number = 0;
  let current = '';
  let printedTo = 0;
  let trailing = 0;
  let recent: string[] = [];
  const print = (file: string, at: number, text: string, separator: string): void => {
    const name = named ? `${file === '-' ? '(standard input)' : file}${separator}` : '';
    ctx.out(`${name}${given.has('n') ? `${at}${separator}` : ''}${text}\n`);
  };
  /** What matched of a line, the longer of two that begin together; what is not there cannot be shown. */
  const pieces = (line: string): string[] => {
    if (given.has('v')) return [];
    const texts: string[] = [];
    for (let at = 0; at <= line.length;) {
      const found = tests
        .flatMap((test) => test.match(line, at, budget) ?? [])
        .reduce<Match | undefined>(
          (best, one) =>
            best === undefined || one.start < best.start || (one.start === best.start && one.end > best.end)
              ? one
              : best,
          undefined,
        );
      if (found === undefined) break;
      if (found.end > found.start) texts.push(line.slice(found.start, found.end));
      at = found.end > found.start ? found.end : found.end + 1;
    }
    return texts;
  };
  const silent = given.has('q') || given.has('c') || given.has('l');
  const failed = yield* eachLine(ctx, files, (line, file) => {
    if (file !== current) {
      current = file;
      number = 0;
      printedTo = 0;
      trailing = 0;
      recent = [];
    }
    number++;
    const hit = tests.some((test) => test.test(line, budget));
    if (ctx.session.limit !== undefined) return true;
    if (hit === given.has('v')) {
      if (trailing > 0 && !silent) {
        trailing--;
        printedTo = number;
        print(file, number, line, '-');
      }
      if (before > 0) recent = [...recent, line].slice(-before);
      return false;
    }
    matched++;
    counts.set(file, (counts.get(file) ?? 0) + 1);
    if (given.has('q')) return true;
    if (!silent) {
      const first = number - recent.length;
      if (context && printedTo > 0 && first > printedTo + 1) ctx.out('--\n');
      for (const [i, text] of recent.entries()) print(file, first + i, text, '-');
      recent = [];
      for (const text of given.has('o') ? pieces(line) : [line]) print(file, number, text, ':');
      printedTo = number;
      trailing = after;
    }
    return (counts.get(file) ?? 0) >= max && after === 0 && files.length <= 1;
  });
  if (given.has('c')) for (const [file, count] of counts) ctx.out(`${named ? `${file}:` : ''}${count}\n`);
  if (given.has('l'))
    for (const [file, count] of counts)
      if (count > 0) ctx.out(`${file === '-' ? '(standard input)' : file}\n`);
  return failed !== 0 && !given.has('q') ? 2 : matched > 0 ? 0 : 1;
};
