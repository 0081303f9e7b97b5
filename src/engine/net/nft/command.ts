import type { NftFailure } from './cursor.ts';
import { interpret } from './interpreter.ts';
import type { NftRuleset } from './ruleset.ts';
import { Session, type SessionOptions } from './session.ts';

export interface NftResult {
  readonly out: string;
  readonly error: string;
  readonly exitCode: number;
}

export interface NftFlags {
  readonly handles: boolean;
  readonly stateless: boolean;
  readonly terse: boolean;
  readonly numericPriority: boolean;
  readonly echo: boolean;
  /** Only looks whether it would work. */
  readonly check: boolean;
}

/** Where commands come from: the words behind `nft`, or a file, whose name errors begin with. */
export interface NftInput {
  readonly text: string;
  readonly file?: string;
}

/** Runs commands on a namespace's tables, all or none of them. */
export function runNft(
  ruleset: NftRuleset,
  input: NftInput,
  flags: NftFlags,
  host: Pick<SessionOptions, 'now' | 'hasInterface' | 'iptables'>,
): NftResult {
  const restore = ruleset.save();
  const session = new Session(input.text, ruleset, { ...flags, ...host });
  interpret(session);
  const { failure } = session.cursor;
  if (failure !== undefined || flags.check) restore();
  if (failure === undefined) return { out: session.out, error: session.warnings, exitCode: 0 };
  return { out: '', error: formatFailure(failure, input), exitCode: 1 };
}

/** The message, the line, and marks under what it is about: `^` and, for what that does not go with, `~`. */
function formatFailure({ message, span, also }: NftFailure, { text, file }: NftInput): string {
  // What is missing at the end of the input is shown with its last line.
  const ended = span.start >= text.length && text.endsWith('\n');
  const at = ended ? text.length - 1 : Math.min(span.start, text.length);
  const from = text.lastIndexOf('\n', at - 1) + 1;
  const to = text.indexOf('\n', at);
  const line = text.slice(from, to < 0 ? text.length : to);
  const marks = Array<string>(Math.max(span.end, also?.end ?? 0, from + 1) - from).fill(' ');
  const mark = (start: number, end: number, sign: string): void => {
    for (let i = Math.max(start, from); i < Math.max(end, start + 1) && i - from <= line.length; i++)
      marks[i - from] = sign;
  };
  if (also !== undefined) mark(also.start, also.end, '~');
  mark(span.start, span.end, '^');
  const shown = ended ? '^' : marks.join('').trimEnd();
  const number = text.slice(0, at).split('\n').length + (ended ? 1 : 0);
  const columns = ended ? '1-1' : `${span.start - from + 1}-${Math.max(span.end - from, 1)}`;
  const place = file === undefined ? '' : `${file}:${number}:${columns}: `;
  return `${place}Error: ${message}\n${line}\n${shown}\n`;
}
