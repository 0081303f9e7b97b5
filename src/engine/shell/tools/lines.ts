import { eachLine, options, readFile } from '../text.ts';
import type { Task } from '../../net/task.ts';
import type { Tool, ToolContext } from '../tool.ts';

/** `-5` means `-n 5`, unless it is the value of `-n` itself. */
function dashNumber(args: readonly string[]): string[] {
  return args.flatMap((arg, i) =>
    /^-\d+$/.test(arg) && !/^-[nc]$/.test(args[i - 1] ?? '') ? ['-n', arg.slice(1)] : [arg],
  );
}

export const head: Tool = function* (ctx, args) {
  const given = options(ctx, dashNumber(args), { short: 'n:c:qv', long: { lines: 'n:', bytes: 'c:' } });
  if (given === undefined) return 1;
  const count = Number(given.value('n') ?? 10);
  if (!Number.isInteger(count)) {
    ctx.err(`head: invalid number of lines: '${given.value('n') ?? ''}'\n`);
    return 1;
  }
  if (given.has('c')) {
    const { text, status } = yield* everything(ctx, given.rest);
    ctx.out(text.slice(0, Number(given.value('c'))));
    return status;
  }
  if (count < 0) {
    const { text, status } = yield* everything(ctx, given.rest);
    for (const line of splitLines(text).slice(0, count)) ctx.out(`${line}\n`);
    return status;
  }
  if (count === 0) return 0;
  let status = 0;
  for (const file of given.rest.length === 0 ? ['-'] : given.rest) {
    let left = count;
    if (given.rest.length > 1) ctx.out(`==> ${file} <==\n`);
    status = yield* eachLine(ctx, [file], (line) => {
      ctx.out(`${line}\n`);
      return --left === 0;
    });
  }
  return status;
};

export const tail: Tool = function* (ctx, args) {
  const given = options(ctx, dashNumber(args), {
    short: 'n:c:fqv',
    long: { lines: 'n:', bytes: 'c:', follow: 'f' },
  });
  if (given === undefined) return 1;
  const wanted = given.value('n') ?? '10';
  if (!/^[+-]?\d+$/.test(wanted)) {
    ctx.err(`tail: invalid number of lines: '${wanted}'\n`);
    return 1;
  }
  const { text, status } = yield* everything(ctx, given.rest);
  if (given.has('c')) {
    const bytes = Math.abs(Number(given.value('c')));
    ctx.out(bytes === 0 ? '' : text.slice(-bytes));
    return status;
  }
  const lines = splitLines(text);
  const count = Math.abs(Number(wanted));
  const from = wanted.startsWith('+') ? Math.max(count - 1, 0) : Math.max(lines.length - count, 0);
  for (const line of lines.slice(from)) ctx.out(`${line}\n`);
  return status;
};

export const wc: Tool = function* (ctx, args) {
  const given = options(ctx, args, {
    short: 'lwcm',
    long: { lines: 'l', words: 'w', bytes: 'c', chars: 'm' },
  });
  if (given === undefined) return 1;
  let status = 0;
  const totals = [0, 0, 0];
  const columns =
    given.has('l') || given.has('w') || given.has('c') || given.has('m')
      ? [given.has('l'), given.has('w'), given.has('c') || given.has('m')]
      : [true, true, true];
  const files = given.rest.length === 0 ? ['-'] : given.rest;
  const alone = columns.filter(Boolean).length === 1 && files.length === 1;
  const row = (counts: readonly number[], name: string): void => {
    const shown = counts
      .filter((_, i) => columns[i])
      .map((n) => (alone ? String(n) : String(n).padStart(name === '-' ? 7 : 3)));
    ctx.out(`${shown.join(' ')}${name === '-' ? '' : ` ${name}`}\n`);
  };
  for (const file of files) {
    const text = file === '-' ? yield* ctx.stdin.readAll() : readFile(ctx, file);
    if (text === undefined) {
      status = 1;
      continue;
    }
    const counts = [
      text.split('\n').length - 1,
      text.split(/\s+/).filter((w) => w !== '').length,
      new TextEncoder().encode(text).length,
    ];
    for (const [i, n] of counts.entries()) totals[i] = (totals[i] ?? 0) + n;
    row(counts, file);
  }
  if (files.length > 1) row(totals, 'total');
  return status;
};

export const sort: Tool = function* (ctx, args) {
  const given = options(ctx, args, {
    short: 'nrufk:t:hVsbc',
    long: { reverse: 'r', unique: 'u', 'numeric-sort': 'n', key: 'k:' },
  });
  if (given === undefined) return 2;
  const { text, status } = yield* everything(ctx, given.rest);
  const spec = /^(\d+)(?:\.\d+)?([nrV]*)(?:,(\d+))?([nrV]*)/.exec(given.value('k') ?? '');
  const separator = given.value('t');
  const numeric = given.has('n') || given.has('h') || /n/.test(`${spec?.[2] ?? ''}${spec?.[4] ?? ''}`);
  const reverse = given.has('r') || /r/.test(`${spec?.[2] ?? ''}${spec?.[4] ?? ''}`);
  const keyOf = (line: string): string => {
    if (spec === null) return given.has('f') ? line.toLowerCase() : line;
    const fields = separator === undefined ? line.trim().split(/\s+/) : line.split(separator);
    return fields
      .slice(Number(spec[1]) - 1, spec[3] === undefined ? undefined : Number(spec[3]))
      .join(separator ?? ' ');
  };
  const compare = (a: string, b: string): number => {
    if (numeric) return (parseFloat(keyOf(a)) || 0) - (parseFloat(keyOf(b)) || 0);
    if (given.has('V')) return compareVersions(keyOf(a), keyOf(b));
    return byText(keyOf(a), keyOf(b));
  };
  let lines = splitLines(text).sort((a, b) => {
    const order = compare(a, b) || (given.has('s') || given.has('u') ? 0 : byText(a, b));
    return reverse ? -order : order;
  });
  if (given.has('u')) lines = lines.filter((line, i) => i === 0 || compare(line, lines[i - 1] ?? '') !== 0);
  ctx.out(lines.map((line) => `${line}\n`).join(''));
  return status;
};

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareVersions(a: string, b: string): number {
  const left = a.match(/\d+|\D+/g) ?? [];
  const right = b.match(/\d+|\D+/g) ?? [];
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const x = left[i] ?? '';
    const y = right[i] ?? '';
    const order = /^\d/.test(x) && /^\d/.test(y) ? Number(x) - Number(y) : byText(x, y);
    if (order !== 0) return order;
  }
  return 0;
}

export const uniq: Tool = function* (ctx, args) {
  const given = options(ctx, args, { short: 'cduif:', long: { count: 'c', repeated: 'd', unique: 'u' } });
  if (given === undefined) return 1;
  const { text, status } = yield* everything(ctx, given.rest);
  const groups: { line: string; count: number }[] = [];
  for (const line of splitLines(text)) {
    const last = groups.at(-1);
    const same =
      last !== undefined &&
      (given.has('i') ? last.line.toLowerCase() === line.toLowerCase() : last.line === line);
    if (same) last.count++;
    else groups.push({ line, count: 1 });
  }
  for (const { line, count } of groups) {
    if ((given.has('d') && count === 1) || (given.has('u') && count > 1)) continue;
    ctx.out(given.has('c') ? `${String(count).padStart(7)} ${line}\n` : `${line}\n`);
  }
  return status;
};

export const cut: Tool = function* (ctx, args) {
  const given = options(ctx, args, {
    short: 'd:f:c:b:s',
    long: { delimiter: 'd:', fields: 'f:', characters: 'c:' },
  });
  if (given === undefined) return 1;
  const list = given.value('f') ?? given.value('c') ?? given.value('b');
  const ranges = list?.split(',').map((part) => /^(\d*)(-?)(\d*)$/.exec(part));
  if (ranges === undefined || ranges.some((range) => range === null)) {
    ctx.err(
      list === undefined
        ? 'cut: you must specify a list of bytes, characters, or fields\n'
        : 'cut: invalid field range\n',
    );
    return 1;
  }
  const picked = (n: number): boolean =>
    ranges.some((range) => {
      const from = range?.[1] === '' ? 1 : Number(range?.[1]);
      const to = range?.[2] === '' ? from : range?.[3] === '' ? Infinity : Number(range?.[3]);
      return n >= from && n <= to;
    });
  const delimiter = given.has('f') ? (given.value('d') ?? '\t') : '';
  return yield* eachLine(ctx, given.rest, (line) => {
    if (given.has('f') && !line.includes(delimiter)) {
      if (!given.has('s')) ctx.out(`${line}\n`);
      return;
    }
    const parts = delimiter === '' ? [...line] : line.split(delimiter);
    ctx.out(`${parts.filter((_, i) => picked(i + 1)).join(delimiter)}\n`);
  });
};

export const tr: Tool = function* (ctx, args) {
  const given = options(ctx, args, {
    short: 'dscC',
    long: { delete: 'd', 'squeeze-repeats': 's', complement: 'c' },
  });
  if (given === undefined) return 1;
  const [first, second] = given.rest;
  if (first === undefined || (second === undefined && !given.has('d') && !given.has('s'))) {
    ctx.err(first === undefined ? 'tr: missing operand\n' : `tr: missing operand after '${first}'\n`);
    return 1;
  }
  const from = expandSet(first);
  const to = second === undefined ? [] : expandSet(second);
  const complement = given.has('c') || given.has('C');
  const inSet = (c: string): boolean => from.includes(c) !== complement;
  const squeezed = given.has('s')
    ? second === undefined || given.has('d')
      ? inSet
      : (c: string) => to.includes(c)
    : () => false;
  let last = '';
  const text = yield* ctx.stdin.readAll();
  let result = '';
  for (const c of text) {
    let mapped = c;
    if (inSet(c)) {
      if (given.has('d')) continue;
      if (second !== undefined) mapped = (complement ? to.at(-1) : (to[from.indexOf(c)] ?? to.at(-1))) ?? c;
    }
    if (mapped === last && squeezed(mapped)) continue;
    last = mapped;
    result += mapped;
  }
  ctx.out(result);
  return 0;
};

const CLASSES: Readonly<Record<string, string>> = {
  upper: 'A-Z',
  lower: 'a-z',
  digit: '0-9',
  alpha: 'A-Za-z',
  alnum: 'A-Za-z0-9',
  space: ' \t\n\r\f\v',
  blank: ' \t',
};

function expandSet(set: string): string[] {
  const text = set
    .replace(/\[:(\w+):\]/g, (whole, name: string) => CLASSES[name] ?? whole)
    .replace(/\\(.)/g, (_, c: string) => ({ n: '\n', t: '\t', r: '\r' })[c] ?? c);
  const chars: string[] = [];
  for (let i = 0; i < text.length; i++) {
    const low = text.charCodeAt(i);
    const high = text[i + 1] === '-' && i + 2 < text.length ? text.charCodeAt(i + 2) : low;
    for (let c = low; c <= high && chars.length < 4096; c++) chars.push(String.fromCharCode(c));
    if (high !== low || text[i + 1] === '-') i += text[i + 1] === '-' && i + 2 < text.length ? 2 : 0;
  }
  return chars;
}

function* everything(ctx: ToolContext, files: readonly string[]): Task<{ text: string; status: number }> {
  let text = '';
  let status = 0;
  for (const file of files.length === 0 ? ['-'] : files) {
    const more = file === '-' ? yield* ctx.stdin.readAll() : readFile(ctx, file);
    if (more === undefined) status = 1;
    else text += more;
  }
  return { text, status };
}

function splitLines(text: string): string[] {
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}
