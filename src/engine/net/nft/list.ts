import { formatPriority } from './priority.ts';
import { formatNftRule } from './rule.ts';
import { formatElement, type NftSet } from './set.ts';
import type { NftChain, NftTable } from './table.ts';
import { formatTime } from './time.ts';

export interface ListOptions {
  readonly handles: boolean;
  readonly stateless: boolean;
  /** Without the elements of sets. */
  readonly terse: boolean;
  readonly numericPriority: boolean;
  /** Virtual microseconds. */
  readonly now: number;
}

/** The lines of a table as `nft list table` prints them: all of it, or only the sets and chains that are picked. One that is
 * listed by itself has its table's name alone around it (`bare`). */
export function listTable(
  table: NftTable,
  options: ListOptions,
  pick: { readonly sets: readonly NftSet[]; readonly chains: readonly NftChain[] } = {
    sets: table.sets(),
    chains: table.chains(),
  },
  head: 'whole' | 'bare' = 'whole',
): string[] {
  const whole = head === 'whole';
  const lines = [`table ${table.family} ${table.name} {${whole ? handle(options, table.handle) : ''}`];
  if (whole && table.dormant) lines.push('\tflags dormant');
  if (whole && table.comment !== undefined) lines.push(`\tcomment "${table.comment}"`);
  const blocks = [
    ...pick.sets.map((set) => listSet(set, options)),
    ...pick.chains.map((chain) => listChain(chain, options)),
  ];
  for (const [i, block] of blocks.entries()) {
    if (i > 0) lines.push('');
    lines.push(...block);
  }
  lines.push('}');
  return lines;
}

function handle({ handles }: ListOptions, value: number): string {
  return handles ? ` # handle ${value}` : '';
}

export function listChain(chain: NftChain, options: ListOptions): string[] {
  const lines = [...chainHead(chain, options)];
  const { handles } = options.handles ? chain : { handles: [] };
  for (const [i, rule] of chain.rules.entries())
    lines.push(`\t\t${formatNftRule(rule, options)}${options.handles ? ` # handle ${handles[i] ?? 0}` : ''}`);
  lines.push('\t}');
  return lines;
}

/** A chain without its rules. */
export function chainHead(chain: NftChain, options: ListOptions): string[] {
  const lines = [`\tchain ${chain.name} {${handle(options, chain.handle)}`];
  if (chain.comment !== undefined) lines.push(`\t\tcomment "${chain.comment}"`);
  const { base } = chain;
  if (base !== undefined) {
    const priority = options.numericPriority
      ? String(base.priority)
      : formatPriority(base.priority, base.hook);
    lines.push(
      `\t\ttype ${base.type} hook ${base.hook.toLowerCase()} priority ${priority}; policy ${base.policy};`,
    );
  }
  return lines;
}

const NEXT_LINE = ',\n\t\t\t     ';

export function listSet(set: NftSet, options: ListOptions): string[] {
  const { spec } = set;
  const lines = [`\t${spec.kind} ${spec.name} {${handle(options, set.handle)}`];
  const key = spec.keyText ?? spec.key.map(({ name }) => name).join(' . ');
  const data =
    spec.dataText ??
    (spec.data === undefined || spec.data === 'verdict'
      ? spec.data
      : spec.data.map(({ name }) => name).join(' . '));
  lines.push(
    `\t\t${spec.keyText === undefined ? 'type' : 'typeof'} ${key}${data === undefined ? '' : ` : ${data}`}`,
  );
  if (spec.policy === 'memory') lines.push('\t\tpolicy memory');
  const size = spec.size ?? (spec.flags.has('dynamic') ? 65535 : undefined);
  if (size !== undefined) lines.push(`\t\tsize ${size}`);
  const flags = (['constant', 'dynamic', 'interval', 'timeout'] as const).filter((flag) =>
    spec.flags.has(flag),
  );
  // A timeout of the whole set says that it has timeouts.
  const implied = flags.length === 1 && flags[0] === 'timeout' && spec.timeout !== undefined;
  if (flags.length > 0 && !implied) lines.push(`\t\tflags ${flags.join(',')}`);
  if (spec.timeout !== undefined) lines.push(`\t\ttimeout ${formatTime(spec.timeout)}`);
  if (spec.gcInterval !== undefined) lines.push(`\t\tgc-interval ${formatTime(spec.gcInterval)}`);
  if (spec.autoMerge === true) lines.push('\t\tauto-merge');
  if (spec.counter === true) lines.push('\t\tcounter');
  if (spec.comment !== undefined) lines.push(`\t\tcomment "${spec.comment}"`);
  if (!options.terse) lines.push(...elementLines(set, options));
  lines.push('\t}');
  return lines;
}

/** `elements = { …` in lines: how many to a line depends on their type (`calculate_delim` of src/expression.c). */
function elementLines(set: NftSet, options: ListOptions): string[] {
  const elements = set.list(options.now);
  if (elements.length === 0) return [];
  const [type] = set.spec.key;
  const perLine = set.spec.key.length === 1 ? (type?.perLine ?? 1) : 1;
  let text = '\t\telements = { ';
  for (const [i, element] of elements.entries()) {
    if (i > 0) text += i % perLine === 0 ? NEXT_LINE : ', ';
    text += formatElement(set.spec, element, options.now, options);
  }
  return `${text} }`.split('\n');
}
