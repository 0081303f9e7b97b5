import type { Tool } from './tool.ts';
import { cat, ls, tee } from './tools/cat.ts';
import { echo, printf } from './tools/echo.ts';
import { grep } from './tools/grep.ts';
import { cut, head, sort, tail, tr, uniq, wc } from './tools/lines.ts';
import { env, kill, ps, sleep, timeout, watch, xargs } from './tools/process.ts';
import { sed } from './tools/sed.ts';
import { sh } from './tools/sh.ts';
import { date, hostname, id, no, rm, seq, touch, uname, which, whoami, yes } from './tools/system.ts';
import { test } from './tools/test.ts';

const TEXT: Readonly<Record<string, Tool>> = {
  '[': test,
  cat,
  cut,
  date,
  echo,
  egrep: grep,
  env,
  false: no,
  fgrep: grep,
  grep,
  head,
  hostname,
  id,
  kill,
  ls,
  printf,
  ps,
  rm,
  sed,
  seq,
  sh,
  sleep,
  sort,
  tail,
  tee,
  test,
  timeout,
  touch,
  tr,
  true: yes,
  uname,
  uniq,
  watch,
  wc,
  which,
  whoami,
  xargs,
};

/** The programs that this engine has, by the name of what brings them. */
export const TOOLSETS = {
  /** coreutils, grep, sed, a shell. */
  base: TEXT,
} as const satisfies Readonly<Record<string, Readonly<Record<string, Tool>>>>;

export type ToolsetName = keyof typeof TOOLSETS;

export function toolset(...names: readonly ToolsetName[]): ReadonlyMap<string, Tool> {
  return new Map(names.flatMap((name) => Object.entries(TOOLSETS[name])));
}
