/** Go's `text/tabwriter` with spaces for padding: cells end with a tab, and a column is a run of lines that have that cell. */

export interface TabwriterOptions {
  readonly minWidth: number;
  readonly padding: number;
  /** Widths of columns already printed, which later rows keep (`-w` prints one row at a time); updated in place. */
  readonly remembered?: number[];
}

/** What `kubectl get` uses. */
export const tableLayout = { minWidth: 6, padding: 3 } as const;
/** What `kubectl describe` uses. */
export const describeLayout = { minWidth: 0, padding: 2 } as const;

export function alignTabs(text: string, options: TabwriterOptions): string {
  const lines = text.split('\n').map((line) => line.split('\t'));
  const out: string[] = [];
  const widths: number[] = [];

  const write = (from: number, to: number) => {
    for (const line of lines.slice(from, to)) {
      out.push(line.map((cell, column) => cell + ' '.repeat(padding(cell, widths[column]))).join(''));
    }
  };

  const format = (from: number, to: number) => {
    const column = widths.length;
    let start = from;
    for (let at = from; at < to; at++) {
      if (column >= (lines[at]?.length ?? 0) - 1) continue;
      write(start, at);
      start = at;
      let width = Math.max(options.minWidth, options.remembered?.[column] ?? 0);
      for (; at < to; at++) {
        const line = lines[at] ?? [];
        if (column >= line.length - 1) break;
        width = Math.max(width, runes(line[column] ?? '') + options.padding);
      }
      if (options.remembered !== undefined) options.remembered[column] = width;
      widths.push(width);
      format(start, at);
      widths.pop();
      start = at;
    }
    write(start, to);
  };

  format(0, lines.length);
  return out.join('\n');
}

function padding(cell: string, width: number | undefined): number {
  return width === undefined ? 0 : Math.max(0, width - runes(cell));
}

/** Go counts code points, not the columns a terminal gives them. */
function runes(cell: string): number {
  let count = 0;
  for (const _ of cell) count++;
  return count;
}
