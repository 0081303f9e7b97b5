import type { Nodes } from 'mdast';
import type { Diagnostic } from '../engine/index.ts';
import type { Lesson } from './lesson.ts';
import type { Message } from './message.ts';
import type { LabRun, LabStep } from './run.ts';
import { diffOutput, matchOutput, splitTranscript, updateOutput } from './transcript.ts';

type RunStep = Extract<LabStep, { kind: 'run' }>;

/** Compares what labs did with what the lesson says: transcripts and manifests. Its own messages are not repeated. */
export function checkLesson(lesson: Pick<Lesson, 'file'>, runs: readonly LabRun[]): Message[] {
  return runs.flatMap((run) => [
    ...diagnosticMessages(run.diagnostics, lesson.file),
    ...run.steps.flatMap((step) => (step.kind === 'run' ? checkStep(step, run, lesson.file) : [])),
  ]);
}

/** What a lab's manifests and options have against them, as messages about the lesson; `file` is for those that have none. */
export function diagnosticMessages(diagnostics: readonly Diagnostic[], file: string): Message[] {
  return diagnostics.flatMap((told): Message[] => {
    if (told.severity === 'info') return [];
    const { line, column, endLine, endColumn, code, message, hint } = told;
    return [
      {
        file: told.file ?? file,
        line,
        column,
        ...(endLine === undefined ? {} : { endLine }),
        ...(endColumn === undefined ? {} : { endColumn }),
        severity: told.severity === 'warning' ? 'warn' : 'error',
        rule: code,
        message: hint === undefined ? message : `${message} (${hint})`,
      },
    ];
  });
}

function checkStep(step: RunStep, run: LabRun, file: string): Message[] {
  const { command, expected, result } = step;
  if (matchOutput(expected, result.output)) return [];
  const place = step.place ?? run.source.place ?? { line: 1, column: 1 };
  const at = { file: place.file ?? file, line: place.line, column: place.column, severity: 'error' } as const;
  const detail = diffOutput(expected, result.output);
  if (result.limit !== undefined) {
    return [
      {
        ...at,
        rule: 'console/limit',
        message: `"${command}" was ended by the limit ${result.limit}`,
        detail,
      },
    ];
  }
  if (result.exitCode === 127) {
    const firstLine = result.output.split('\n', 1)[0] ?? '';
    return [
      {
        ...at,
        rule: 'console/unknown-command',
        message: firstLine === '' ? `"${command}" does not exist` : firstLine,
        detail,
      },
    ];
  }
  return [
    { ...at, rule: 'console/output', message: `"${command}" does not print what is written here`, detail },
  ];
}

/**
 * The lesson's source with what its commands printed, for `podwalk check --update`. Only output that differs is
 * written; everything else stays, byte for byte, and wildcards that still hold stay too.
 */
export function updateLesson(lesson: Pick<Lesson, 'source' | 'tree'>, runs: readonly LabRun[]): string {
  const lines = lesson.source.split(/(?<=\r\n|\n|\r(?!\n))/);
  const ends = fenceEnds(lesson.tree, lines);
  const edits = runs
    .flatMap((run) => run.steps.filter((step) => step.kind === 'run').map((step) => ({ step, run })))
    .flatMap(({ step, run }) => editOf(step, run, lines, ends))
    .sort((a, b) => b.from - a.from);
  for (const { from, count, text } of edits) lines.splice(from, count, ...text);
  return lines.join('');
}

function editOf(
  step: RunStep,
  run: LabRun,
  lines: readonly string[],
  ends: ReadonlyMap<number, number>,
): { from: number; count: number; text: string[] }[] {
  const block = run.source.blocks[step.block];
  const end = block?.place === undefined ? undefined : ends.get(block.place.line);
  if (step.place === undefined || end === undefined || matchOutput(step.expected, step.result.output))
    return [];
  const first = step.place.line - 1;
  const commandLine = lines[first] ?? '';
  const indent = commandLine.slice(0, commandLine.indexOf('$'));
  const eol = /\r\n$|\r$|\n$/.exec(commandLine)?.[0] ?? '\n';
  const own = lines.slice(first, end).map((line) => unindent(line.replace(/[\r\n]+$/, ''), indent));
  const [entry] = splitTranscript(own).entries;
  if (entry === undefined) return [];
  let written = entry.output.length;
  while (written > 0 && (entry.output[written - 1] ?? '').trim() === '') written--;
  const output = updateOutput(step.expected, step.result.output);
  const text =
    output === '' ? [] : output.split('\n').map((line) => (indent + shieldLine(line)).trimEnd() + eol);
  return [{ from: first + entry.commandLines.length, count: written, text }];
}

/** A line of output that would end the fence, the lab or begin a shortcode has a wildcard in that place. */
function shieldLine(line: string): string {
  return line
    .replace(/^\s*(?:`{3,}|~{3,})/, '[..]')
    .replace(/^\s*:{3,}(?=\s*$)/, '[..]')
    .replace(/\{\{(?=[<%])/g, '[..]');
}

/** Takes a fence's indentation from a line, or as much of it as there is. */
function unindent(line: string, indent: string): string {
  if (line.startsWith(indent)) return line.slice(indent.length);
  let at = 0;
  while (at < indent.length && /[ \t>]/.test(line[at] ?? '')) at++;
  return line.slice(at);
}

/** For every code fence, by the line of its first content: the index of the line that closes it. */
function fenceEnds(tree: Nodes, lines: readonly string[]): Map<number, number> {
  const ends = new Map<number, number>();
  const walk = (node: Nodes): void => {
    if (node.type === 'code' && node.position !== undefined) {
      const last = node.position.end.line;
      const isClosed =
        /^[\s>]*(?:`{3,}|~{3,})\s*$/.test(lines[last - 1] ?? '') && last > node.position.start.line;
      ends.set(node.position.start.line + 1, isClosed ? last - 1 : last);
    }
    if ('children' in node) node.children.forEach(walk);
  };
  walk(tree);
  return ends;
}
