import { en } from '../../components/strings/en.ts';
import { ko } from '../../components/strings/ko.ts';
import { explain, type Language, type Strings } from '../../components/strings/strings.ts';
import { hopLine, type CommandResult, type RecordEvent } from '../engine/index.ts';
import type { Terminal } from './command.ts';

/** What is told of a command beside its output. */
export type Detail = 'output' | 'hops' | 'decisions';

const languages: Readonly<Record<Language, Strings>> = { en, ko };

/**
 * Prints what a command printed, each piece on its own stream, and between the pieces the frames that crossed an interface
 * meanwhile, one line each; with `decisions` also what was decided between the frames, indented.
 */
export function tell(result: CommandResult, detail: Detail, language: Language, terminal: Terminal): void {
  const lines = new WholeLines(terminal);
  const { events } = result.record;
  let next = 0;
  const eventsUpTo = (end: number): void => {
    for (; next < end; next++) {
      const event = events[next];
      const line = event === undefined ? undefined : eventLine(event, result, detail, languages[language]);
      if (line !== undefined) lines.line(line);
    }
  };
  for (const { stream, text, events: before } of result.pieces) {
    eventsUpTo(before);
    lines.text(stream, text);
  }
  eventsUpTo(events.length);
}

function eventLine(
  event: RecordEvent,
  { record }: CommandResult,
  detail: Detail,
  strings: Strings,
): string | undefined {
  switch (event.kind) {
    case 'frame':
      return detail === 'output' ? undefined : hopLine(event, record.headers[event.header] ?? []);
    case 'decision':
      return detail === 'decisions'
        ? `    ${explain(strings, event.decision, strings.place(event.netns))}`
        : undefined;
  }
}

/** Lines of ours do not begin in the middle of a line of the command's. */
class WholeLines {
  readonly #terminal: Terminal;
  readonly #midLine = { stdout: false, stderr: false };

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  text(stream: 'stdout' | 'stderr', text: string): void {
    if (text === '') return;
    if (stream === 'stdout') this.#terminal.out(text);
    else this.#terminal.err(text);
    this.#midLine[stream] = !text.endsWith('\n');
  }

  line(text: string): void {
    for (const stream of ['stderr', 'stdout'] as const) if (this.#midLine[stream]) this.text(stream, '\n');
    this.text('stdout', `${text}\n`);
  }
}
