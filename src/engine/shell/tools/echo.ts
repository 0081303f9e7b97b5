import { sleep } from '../../net/task.ts';
import type { Tool } from '../tool.ts';

/** The words, or `y`, until nobody listens. */
export const yes: Tool = function* (ctx, args) {
  const lines = `${args.length === 0 ? 'y' : args.join(' ')}\n`.repeat(500);
  while (ctx.session.limit === undefined) {
    ctx.out(lines);
    yield* sleep(ctx.world, 1);
  }
  return 0;
};

export const echo: Tool = function* (ctx, args) {
  let newline = true;
  let escapes = false;
  let at = 0;
  for (; /^-[neE]+$/.test(args[at] ?? ''); at++) {
    const flags = args[at] ?? '';
    if (flags.includes('n')) newline = false;
    if (flags.includes('e')) escapes = true;
    if (flags.includes('E')) escapes = false;
  }
  const text = args.slice(at).join(' ');
  ctx.out((escapes ? unescapeText(text) : text) + (newline ? '\n' : ''));
  return 0;
};

export const printf: Tool = function* (ctx, args) {
  const [format, ...values] = args;
  if (format === undefined) {
    ctx.err('printf: usage: printf [-v var] format [arguments]\n');
    return 2;
  }
  let at = 0;
  let bad: string | undefined;
  for (let round = 0; round === 0 || (at < values.length && round < 10_000); round++) {
    const before = at;
    ctx.out(
      unescapeText(format).replace(
        /%(%|([-+ 0#]*)(\d*)(?:\.(\d+))?([sdiuxXocbqfeg]))/g,
        (whole, all: string, flags: string, width: string, precision: string | undefined, kind: string) => {
          if (all === '%') return '%';
          const value = values[at++] ?? '';
          let text = value;
          if (kind === 'b') text = unescapeText(value);
          else if (kind === 'c') text = value.slice(0, 1);
          else if (kind === 's') text = precision === undefined ? value : value.slice(0, Number(precision));
          else if (kind !== 'q') {
            const number = value === '' ? 0 : Number(value);
            if (Number.isNaN(number)) bad = value;
            const places = Math.min(Number(precision ?? 6), 50);
            const real = Number.isFinite(number) ? number : 0;
            const whole = Number.isFinite(number) ? Math.trunc(number) : 0;
            text = whole.toString(kind === 'o' ? 8 : /x/i.test(kind) ? 16 : 10);
            if (kind === 'f') text = real.toFixed(places);
            if (kind === 'e') text = real.toExponential(places).replace(/e([-+])(\d)$/, 'e$10$2');
            if (kind === 'g') text = String(Number(real.toPrecision(Math.max(1, places))));
            if (kind === 'X') text = text.toUpperCase();
          }
          const columns = Math.min(Number(width), 10_000);
          if (flags.includes('-')) return text.padEnd(columns);
          return flags.includes('0') && kind !== 's' ? text.padStart(columns, '0') : text.padStart(columns);
        },
      ),
    );
    if (at === before || ctx.session.limit !== undefined) break;
  }
  if (bad === undefined) return 0;
  ctx.err(`printf: ${bad}: invalid number\n`);
  return 1;
};

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
  e: '\x1b',
  '\\': '\\',
  '"': '"',
};

export function unescapeText(text: string): string {
  return text.replace(
    /\\(?:x([0-9a-fA-F]{1,2})|0?([0-7]{1,3})|(.))/gs,
    (whole, hex: string | undefined, octal: string | undefined, letter: string | undefined) => {
      if (hex !== undefined) return String.fromCharCode(parseInt(hex, 16));
      if (octal !== undefined) return String.fromCharCode(parseInt(octal, 8) & 255);
      return ESCAPES[letter ?? ''] ?? whole;
    },
  );
}
