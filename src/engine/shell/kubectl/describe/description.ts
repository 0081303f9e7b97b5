import { ageAt, parseTimestamp } from '../duration.ts';
import { describeLayout, alignTabs } from '../tabwriter.ts';
import { entriesAt, fieldOf, listAt, numberAt, textAt, valueAt } from '../value.ts';

/** What a description may look up besides its own object. */
export interface DescribeContext {
  /** Seconds of virtual time. */
  readonly now: number;
  /** Objects of a kind, in all namespaces or in one, sorted by namespace and name. */
  list(kind: string, namespace?: string): readonly unknown[];
  /** Undefined with `--show-events=false`. */
  events(object: unknown): readonly unknown[] | undefined;
}

/** Collects the lines of `kubectl describe`; tabs become columns at the end. */
export class Description {
  private text = '';

  /** `Name:  value`, two spaces deeper per level. */
  field(label: string, value: string | number | boolean, level = 0): void {
    this.line(`${label}:\t${value}`, level);
  }

  /** A field that is left out when it has no value. */
  optional(label: string, value: string, level = 0): void {
    if (value !== '') this.field(label, value, level);
  }

  line(text: string, level = 0): void {
    this.text += `${'  '.repeat(level)}${text}\n`;
  }

  /** The first value beside the label, the others below it. */
  lines(label: string, values: readonly string[], indent = ''): void {
    if (values.length === 0) this.line(`${indent}${label}:\t<none>`);
    values.forEach((value, index) =>
      this.line(index === 0 ? `${indent}${label}:\t${value}` : `${indent}\t${value}`),
    );
  }

  labels(label: string, object: unknown, path: string): void {
    this.lines(
      label,
      entriesAt(object, path).map(([key, value]) => `${key}=${value}`),
    );
  }

  annotations(object: unknown, path = 'metadata.annotations', label = 'Annotations'): void {
    const shown = entriesAt(object, path).filter(([key]) => key !== lastApplied);
    this.lines(
      label,
      shown.map(([key, text]) => {
        const value = text.replace(/\n$/, '');
        if (value.length + key.length + 2 <= longest && !value.includes('\n')) return `${key}: ${value}`;
        const parts = value.split('\n').map((part) => `\n\t  ${shorten(part, longest - 2)}`);
        return `${key}:${parts.join('')}`;
      }),
    );
  }

  /** Name, namespace, labels and annotations, with which most descriptions begin. */
  identity(object: unknown): void {
    this.field('Name', textAt(object, 'metadata.name'));
    this.field('Namespace', textAt(object, 'metadata.namespace'));
    this.labels('Labels', object, 'metadata.labels');
    this.annotations(object);
  }

  /** Rows of cells under underlined headers. */
  table(headers: readonly string[], rows: readonly (readonly string[])[], level = 1): void {
    this.line(headers.join('\t'), level);
    this.line(headers.map((header) => '-'.repeat(header.length)).join('\t'), level);
    for (const row of rows) this.line(row.join('\t'), level);
  }

  events(object: unknown, context: DescribeContext): void {
    const events = context.events(object);
    if (events === undefined) return;
    if (events.length === 0) return this.field('Events', '<none>');
    this.line('Events:');
    this.line('Type\tReason\tAge\tFrom\tMessage', 1);
    this.line('----\t------\t----\t----\t-------', 1);
    for (const event of sortEvents(events)) {
      const from = textAt(event, 'source.component') || textAt(event, 'reportingComponent');
      const cells = [textAt(event, 'type'), textAt(event, 'reason'), eventAge(event, context.now), from];
      this.line([...cells, textAt(event, 'message').trim()].join('\t'), 1);
    }
  }

  toString(): string {
    return alignTabs(this.text, describeLayout);
  }
}

const lastApplied = 'kubectl.kubernetes.io/last-applied-configuration';
const longest = 140;

function shorten(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length)}...` : text;
}

export function controllerOf(object: unknown): unknown {
  return listAt(object, 'metadata.ownerReferences').find((owner) => fieldOf(owner, 'controller') === true);
}

/** `ReplicaSet/web-5d4`, or empty. */
export function controlledBy(object: unknown): string {
  const owner = controllerOf(object);
  return owner === undefined ? '' : `${textAt(owner, 'kind')}/${textAt(owner, 'name')}`;
}

/** By the time they were last seen, as `kubectl describe` and `kubectl events` list them. */
export function sortEvents(events: readonly unknown[]): readonly unknown[] {
  const time = (event: unknown) => parseTimestamp(lastSeen(event)) ?? 0;
  return [...events].sort((a, b) => time(a) - time(b));
}

function lastSeen(event: unknown): unknown {
  return (
    valueAt(event, 'series.lastObservedTime') ??
    valueAt(event, 'lastTimestamp') ??
    valueAt(event, 'eventTime')
  );
}

/** `3s`, or `3s (x4 over 2m)` for one that came again. */
export function eventAge(event: unknown, now: number): string {
  const first = ageAt(now, valueAt(event, 'eventTime') ?? valueAt(event, 'firstTimestamp'));
  const count = numberAt(event, 'series.count') || numberAt(event, 'count');
  return count > 1 ? `${ageAt(now, lastSeen(event))} (x${count} over ${first})` : first;
}
