import { fromBase64, toBase64 } from '../../capture/base64.ts';
import type { Task } from '../../net/task.ts';
import { resolve } from '../expand.ts';
import { fileErrorText } from '../files.ts';
import { options, readFile } from '../text.ts';
import type { Tool, ToolContext } from '../tool.ts';

export const base64: Tool = function* (ctx, args) {
  const given = options(ctx, args, { short: 'diw:', long: { decode: 'd', wrap: 'w:' } });
  if (given === undefined) return 1;
  const text = yield* textOf(ctx, given.rest[0]);
  if (text === undefined) return 1;
  if (given.has('d')) {
    const packed = text.replace(/\s/g, '');
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(packed) || packed.length % 4 !== 0) {
      ctx.err(`${ctx.name}: invalid input\n`);
      return 1;
    }
    ctx.out(new TextDecoder().decode(fromBase64(packed)));
    return 0;
  }
  const width = Number(given.value('w') ?? 76);
  const encoded = toBase64(new TextEncoder().encode(text));
  if (width === 0 || encoded === '') ctx.out(encoded);
  else for (let at = 0; at < encoded.length; at += width) ctx.out(`${encoded.slice(at, at + width)}\n`);
  return 0;
};

/** The bytes as `hexdump -C` shows them, sixteen a line. */
export const hexdump: Tool = function* (ctx, args) {
  const given = options(ctx, args, { short: 'Cvn:' });
  if (given === undefined) return 1;
  const text = yield* textOf(ctx, given.rest[0]);
  if (text === undefined) return 1;
  const all = new TextEncoder().encode(text);
  const bytes = given.has('n') ? all.subarray(0, Number(given.value('n')) || 0) : all;
  const canonical = given.has('C') || ctx.name === 'hd';
  const offset = (at: number): string => at.toString(16).padStart(canonical ? 8 : 7, '0');
  for (let at = 0; at < bytes.length && ctx.session.limit === undefined; at += 16) {
    const row = bytes.subarray(at, at + 16);
    ctx.out(`${offset(at)}${canonical ? canonicalRow(row) : wordsRow(row)}\n`);
  }
  if (bytes.length > 0) ctx.out(`${offset(bytes.length)}\n`);
  return 0;
};

function canonicalRow(row: Uint8Array): string {
  const hex = Array.from({ length: 16 }, (_, i) => {
    const byte = row[i];
    return `${i === 8 ? ' ' : ''} ${byte === undefined ? '  ' : hexByte(byte)}`;
  }).join('');
  const shown = [...row].map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : '.')).join('');
  return ` ${hex}  |${shown}|`;
}

/** Pairs of bytes as little-endian words. */
function wordsRow(row: Uint8Array): string {
  let text = '';
  for (let i = 0; i < row.length; i += 2) text += ` ${hexByte(row[i + 1] ?? 0)}${hexByte(row[i] ?? 0)}`;
  return text;
}

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

/** `dd if= of= bs= count= status=none`. */
export const dd: Tool = function* (ctx, args) {
  const operands = new Map<string, string>();
  for (const arg of args) {
    const equals = arg.indexOf('=');
    const name = arg.slice(0, Math.max(0, equals));
    if (!/^(if|of|bs|ibs|obs|count|status|conv)$/.test(name)) {
      ctx.err(`dd: unrecognized operand '${arg}'\nTry 'dd --help' for more information.\n`);
      return 1;
    }
    operands.set(name, arg.slice(equals + 1));
  }
  const size = sizeOf(operands.get('bs') ?? operands.get('ibs') ?? '512');
  const count = operands.has('count') ? sizeOf(operands.get('count') ?? '') : Infinity;
  if (size === undefined || size === 0 || count === undefined) {
    ctx.err(
      `dd: invalid number: '${operands.get(size === undefined || size === 0 ? 'bs' : 'count') ?? ''}'\n`,
    );
    return 1;
  }
  const input = operands.get('if');
  const found = input === undefined ? undefined : ctx.files.read(resolve(ctx.cwd, input));
  if (found?.ok === false) {
    ctx.err(`dd: failed to open '${input ?? ''}': ${fileErrorText(found.error)}\n`);
    return 1;
  }
  const began = ctx.world.now;
  const text = (found?.value ?? (yield* ctx.stdin.readAll())).slice(0, size * count);
  const output = operands.get('of');
  if (output === undefined) ctx.out(text);
  else {
    const written = ctx.files.write(resolve(ctx.cwd, output), text, 'truncate');
    if (!written.ok) {
      ctx.err(`dd: failed to open '${output}': ${fileErrorText(written.error)}\n`);
      return 1;
    }
  }
  if (operands.get('status') === 'none') return 0;
  const records = `${Math.floor(text.length / size)}+${text.length % size === 0 ? 0 : 1}`;
  const took = Math.max(1, ctx.world.now - began) / 1e6;
  ctx.err(
    `${records} records in\n${records} records out\n${text.length} bytes${humanSize(text.length)} copied, ${took} s, ${rate(text.length / took)}\n`,
  );
  return 0;
};

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  c: 1,
  w: 2,
  b: 512,
  k: 1024,
  K: 1024,
  kB: 1000,
  M: 1024 ** 2,
  MB: 1000 ** 2,
  G: 1024 ** 3,
};

function sizeOf(text: string): number | undefined {
  const [, digits, unit = ''] = /^(\d{1,12})([a-zA-Z]*)$/.exec(text) ?? [];
  const factor = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}

function humanSize(bytes: number): string {
  if (bytes < 1000) return '';
  const scaled = (base: number, names: string): string => {
    let value = bytes;
    let at = -1;
    for (; value >= base && at < names.length - 1; at++) value /= base;
    const text = value < 10 ? value.toFixed(1) : String(Math.round(value));
    return `${text} ${names[at] ?? ''}`;
  };
  const decimal = `${scaled(1000, 'kMG')}B`;
  return bytes < 1024 ? ` (${decimal})` : ` (${decimal}, ${scaled(1024, 'KMG')}iB)`;
}

function rate(perSecond: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  let value = perSecond;
  let at = 0;
  for (; value >= 1000 && at < units.length - 1; at++) value /= 1000;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[at] ?? ''}/s`;
}

function* textOf(ctx: ToolContext, file: string | undefined): Task<string | undefined> {
  return file === undefined || file === '-' ? yield* ctx.stdin.readAll() : readFile(ctx, file);
}
