/** Something to tell the author of a lesson, with its place; lines and columns count from 1. */
export interface Message {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine?: number;
  readonly endColumn?: number;
  readonly severity: 'error' | 'warn';
  /** `lab/unknown-attribute`, `front-matter/yaml`, `console/output`, … */
  readonly rule: string;
  readonly message: string;
  /** More lines, such as a diff, for whoever prints more than one line. */
  readonly detail?: string;
}

export type Severity = 'error' | 'warn' | 'off';

/** Severities by rule; `lab/*` stands for every rule of a group, and a rule's own entry wins over it. */
export type Severities = Readonly<Record<string, Severity>>;

/** `content/ko/page.md:41:12 error lab/unknown-attribute  "node": did you mean "nodes"?`. */
export function formatMessage(message: Message): string {
  const head = `${message.file}:${message.line}:${message.column} ${message.severity} ${message.rule}  ${message.message}`;
  return message.detail === undefined ? head : `${head}\n${message.detail}`;
}

/** The messages with the severities that a site has set, in the order of their places. */
export function judgeMessages(messages: readonly Message[], severities: Severities = {}): Message[] {
  return messages
    .flatMap((message) => {
      const severity = severityOf(message, severities);
      return severity === 'off' ? [] : [{ ...message, severity }];
    })
    .sort((a, b) => (a.file === b.file ? a.line - b.line || a.column - b.column : a.file < b.file ? -1 : 1));
}

function severityOf(message: Message, severities: Severities): Severity {
  const group = message.rule.slice(0, message.rule.indexOf('/'));
  return severities[message.rule] ?? severities[`${group}/*`] ?? message.severity;
}

/** `"node": did you mean "nodes"?`, or what there is to choose from. */
export function unknownWord(word: string, known: readonly string[]): string {
  const near = nearest(word, known);
  return near === undefined
    ? `"${word}" is not known; known are ${known.join(', ')}`
    : `"${word}": did you mean "${near}"?`;
}

function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(word.slice(0, 60).toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance && distance < candidate.length) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}
