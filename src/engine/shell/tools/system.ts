import { resolve } from '../expand.ts';
import { fileErrorText } from '../files.ts';
import { formatIp, isLoopback } from '../../net/address.ts';
import { options } from '../text.ts';
import type { FileResult, Files, Tool, ToolContext } from '../tool.ts';

/** A tool that takes no time. */
function instant(run: (ctx: ToolContext, args: readonly string[]) => number): Tool {
  return function* (ctx, args) {
    return run(ctx, args);
  };
}

export const success = instant(() => 0);
export const failure = instant(() => 1);

export const hostname = instant((ctx, args) => {
  const flag = args[0] ?? '';
  if (flag === '-i' || flag === '-I') {
    const addresses = [...ctx.netns.devices.values()]
      .flatMap((device) => device.addresses.map((a) => a.ip))
      .filter((ip) => !isLoopback(ip));
    ctx.out(`${addresses.map((ip) => `${formatIp(ip)} `).join('')}\n`);
    return 0;
  }
  if (flag !== '' && !/^-[sf]$/.test(flag)) {
    ctx.err('hostname: you must be root to change the host name\n');
    return 1;
  }
  ctx.out(`${ctx.place.name}\n`);
  return 0;
});

export const id = instant((ctx, args) => {
  ctx.out(
    args.includes('-u')
      ? '0\n'
      : args.includes('-un')
        ? 'root\n'
        : 'uid=0(root) gid=0(root) groups=0(root)\n',
  );
  return 0;
});

export const whoami = instant((ctx) => {
  ctx.out('root\n');
  return 0;
});

export const uname = instant((ctx, args) => {
  const given = options(ctx, args, { short: 'asnrvmpio' });
  if (given === undefined) return 1;
  const facts: readonly (readonly [string, string])[] = [
    ['s', 'Linux'],
    ['n', ctx.place.name],
    ['r', '6.18.0'],
    ['v', '#1 SMP PREEMPT_DYNAMIC'],
    ['m', 'x86_64'],
    ['o', 'GNU/Linux'],
  ];
  const shown = facts.filter(
    ([letter]) => given.has('a') || given.has(letter) || (args.length === 0 && letter === 's'),
  );
  ctx.out(`${shown.map(([, text]) => text).join(' ')}\n`);
  return 0;
});

/** The cluster was born at midnight of the first day of 2026. */
const EPOCH = 1_767_225_600;
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

export interface CalendarTime {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly microsecond: number;
  readonly epoch: number;
}

/** Virtual microseconds as a date in UTC (civil-from-days, Howard Hinnant). */
export function calendar(now: number): CalendarTime {
  const epoch = EPOCH + Math.floor(now / 1e6);
  const days = Math.floor(epoch / 86400);
  const z = days + 719468;
  const era = Math.floor(z / 146097);
  const doe = z - era * 146097;
  const yoe = Math.floor(
    (doe - Math.floor(doe / 1460) + Math.floor(doe / 36524) - Math.floor(doe / 146096)) / 365,
  );
  const doy = doe - (365 * yoe + Math.floor(yoe / 4) - Math.floor(yoe / 100));
  const mp = Math.floor((5 * doy + 2) / 153);
  const month = mp < 10 ? mp + 3 : mp - 9;
  const rest = epoch - days * 86400;
  return {
    year: yoe + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: doy - Math.floor((153 * mp + 2) / 5) + 1,
    weekday: (days + 4) % 7,
    hour: Math.floor(rest / 3600),
    minute: Math.floor(rest / 60) % 60,
    second: rest % 60,
    microsecond: Math.floor(now % 1e6),
    epoch,
  };
}

export function two(n: number): string {
  return String(n).padStart(2, '0');
}

export const date = instant((ctx, args) => {
  const t = calendar(ctx.world.now);
  const month = MONTHS[t.month - 1] ?? '';
  const day = DAYS[t.weekday] ?? '';
  const clock = `${two(t.hour)}:${two(t.minute)}:${two(t.second)}`;
  const format = args.find((arg) => arg.startsWith('+'));
  if (format === undefined) {
    ctx.out(`${day} ${month} ${String(t.day).padStart(2)} ${clock} UTC ${t.year}\n`);
    return 0;
  }
  const nanos = String(t.microsecond * 1000).padStart(9, '0');
  const words: Readonly<Record<string, string>> = {
    s: String(t.epoch),
    N: nanos,
    '3N': nanos.slice(0, 3),
    Y: String(t.year),
    m: two(t.month),
    d: two(t.day),
    H: two(t.hour),
    M: two(t.minute),
    S: two(t.second),
    F: `${t.year}-${two(t.month)}-${two(t.day)}`,
    T: clock,
    a: day,
    b: month,
    e: String(t.day).padStart(2),
    Z: 'UTC',
    z: '+0000',
    n: '\n',
    '%': '%',
  };
  ctx.out(`${format.slice(1).replace(/%(3N|.)/g, (whole, key: string) => words[key] ?? whole)}\n`);
  return 0;
});

export const seq = instant((ctx, args) => {
  let separator = '\n';
  let equalWidth = false;
  const numbers: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i] ?? '';
    if (/^-s./.test(arg)) separator = arg.slice(2);
    else if (arg === '-s') separator = args[++i] ?? '';
    else if (arg === '-w') equalWidth = true;
    else numbers.push(arg);
  }
  const bad = numbers.find((n) => n.trim() === '' || !Number.isFinite(Number(n)));
  if (numbers.length === 0 || numbers.length > 3 || bad !== undefined) {
    ctx.err(
      `seq: ${bad !== undefined ? `invalid floating point argument: '${bad}'` : numbers.length === 0 ? 'missing operand' : `extra operand '${numbers[3] ?? ''}'`}\nTry 'seq --help' for more information.\n`,
    );
    return 1;
  }
  const values = numbers.map(Number);
  const first = values.length > 1 ? (values[0] ?? 1) : 1;
  const step = values.length > 2 ? (values[1] ?? 1) : 1;
  const last = values.at(-1) ?? 1;
  if (step === 0) {
    ctx.err("seq: invalid Zero increment value: '0'\n");
    return 1;
  }
  const count = Math.min(Math.floor((last - first) / step) + 1, ctx.session.limits.output);
  if (count <= 0) return 0;
  const digits = Math.max(...numbers.map((n) => n.split('.')[1]?.length ?? 0));
  const texts = Array.from({ length: count }, (_, i) => (first + i * step).toFixed(digits));
  const width = equalWidth ? Math.max(...[texts[0], texts.at(-1)].map((t) => t?.length ?? 0)) : 0;
  ctx.out(`${texts.map((t) => t.padStart(width, '0')).join(separator)}\n`);
  return 0;
});

export const which = instant((ctx, args) => {
  let status = 0;
  for (const name of args) {
    if (ctx.place.tools.has(name)) ctx.out(`/usr/bin/${name}\n`);
    else status = 1;
  }
  return status;
});

export const rm = instant((ctx, args) => {
  const given = options(ctx, args, { short: 'frRi' });
  if (given === undefined) return 1;
  let status = 0;
  for (const file of given.rest) {
    const path = resolve(ctx.cwd, file);
    const removed = given.has('r') || given.has('R') ? removeTree(ctx.files, path) : ctx.files.remove(path);
    if (removed.ok || (given.has('f') && removed.error === 'ENOENT')) continue;
    ctx.err(`rm: cannot remove '${file}': ${fileErrorText(removed.error)}\n`);
    status = 1;
  }
  return status;
});

function removeTree(files: Files, path: string): FileResult<void> {
  if (files.kind(path) !== 'directory') return files.remove(path);
  const names = files.list(path);
  if (!names.ok) return names;
  for (const name of names.value) {
    const removed = removeTree(files, path === '/' ? `/${name}` : `${path}/${name}`);
    if (!removed.ok) return removed;
  }
  return files.removeDirectory(path);
}

export const rmdir = instant((ctx, args) => {
  const given = options(ctx, args, { short: 'p' });
  if (given === undefined) return 1;
  let status = 0;
  for (const name of given.rest) {
    const removed = ctx.files.removeDirectory(resolve(ctx.cwd, name));
    if (removed.ok) continue;
    ctx.err(`rmdir: failed to remove '${name}': ${fileErrorText(removed.error)}\n`);
    status = 1;
  }
  return status;
});

export const touch = instant((ctx, args) => {
  let status = 0;
  for (const file of args) {
    const path = resolve(ctx.cwd, file);
    if (ctx.files.kind(path) !== undefined) continue;
    const written = ctx.files.write(path, '', 'truncate');
    if (written.ok) continue;
    ctx.err(`touch: cannot touch '${file}': ${fileErrorText(written.error)}\n`);
    status = 1;
  }
  return status;
});

export const mkdir = instant((ctx, args) => {
  const given = options(ctx, args, { short: 'pm:v' });
  if (given === undefined) return 1;
  let status = 0;
  for (const name of given.rest) {
    const made = ctx.files.makeDirectory(resolve(ctx.cwd, name), given.has('p'));
    if (made.ok) continue;
    ctx.err(
      `mkdir: cannot create directory '${name}': ${made.error === 'EEXIST' ? 'File exists' : fileErrorText(made.error)}\n`,
    );
    status = 1;
  }
  return status;
});
