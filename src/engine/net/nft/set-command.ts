import { parseSetBlock, type SetDeclaration } from './declaration.ts';
import { parseElements, type ParsedElement } from './elements.ts';
import type { Span, Token } from './lexer.ts';
import { listTable } from './list.ts';
import { KERNEL, NOT_FOUND, type Session, type Verb } from './session.ts';
import { firstOf, formatElement, lastOf, type NftSet, type SetElement } from './set.ts';
import type { NftTable } from './table.ts';

export function setCommand(session: Session, verb: Verb, kind: 'set' | 'map'): void {
  const { cursor } = session;
  const table = session.existing(verb === 'delete' ? KERNEL : '');
  const name = table === undefined ? undefined : cursor.word();
  if (table === undefined || name === undefined) return;
  if (verb !== 'delete') {
    declareSet(session, table, kind, name, verb);
    session.ruleset.changed();
    return;
  }
  const set = table.set(name.text);
  if (set?.spec.kind !== kind) {
    cursor.fail(`${KERNEL}${NOT_FOUND}`, name);
    return;
  }
  const used = table
    .chains()
    .some(({ rules }) =>
      rules.some((rule) => rule.statements.some(({ sets }) => sets?.includes(name.text) === true)),
    );
  if (used) cursor.fail(`${KERNEL}Device or resource busy`, name);
  else table.deleteSet(name.text);
}

export function declareSet(
  session: Session,
  table: NftTable,
  kind: 'set' | 'map',
  name: Token,
  verb: Verb,
): void {
  const { cursor } = session;
  const declared = parseSetBlock(cursor, kind, name.text, session.context(table));
  if (declared === undefined) return;
  const known = table.set(name.text);
  if (known !== undefined && (verb === 'create' || !sameDeclaration(known, declared))) {
    cursor.fail(`${KERNEL}File exists`, name);
    return;
  }
  const set = known ?? table.addSet(declared.spec);
  addElements(session, set, declared.elements, 'add');
}

export function elementCommand(session: Session, verb: Verb): void {
  const { cursor } = session;
  const table = session.existing(verb === 'delete' ? KERNEL : '');
  const name = table === undefined ? undefined : cursor.word();
  if (table === undefined || name === undefined) return;
  const set = table.set(name.text);
  if (set === undefined) {
    cursor.fail(NOT_FOUND, name);
    return;
  }
  const { spec } = set;
  const shape = verb === 'delete' || verb === 'get' ? { kind: 'set' as const, key: spec.key } : spec;
  const elements = parseElements(cursor, shape, session.context(table));
  if (elements === undefined) return;
  switch (verb) {
    case 'add':
    case 'create':
      addElements(session, set, elements, verb);
      if (elements.some(({ element }) => leadsTo(element.data))) session.judge(table, session.whole());
      break;
    case 'delete':
      for (const { element, span } of elements)
        if (!set.delete(element)) cursor.fail(`${KERNEL}${NOT_FOUND}`, span);
      break;
    case 'get':
      getElements(session, table, set, elements);
      break;
    default:
      cursor.fail(`${KERNEL}Operation not supported`, session.start);
  }
  session.ruleset.changed();
}

function addElements(
  session: Session,
  set: NftSet,
  elements: readonly ParsedElement[],
  verb: 'add' | 'create',
): void {
  const { now } = session.options;
  for (const { element, span } of elements) {
    const ranged = element.key.some((part) => typeof part === 'object');
    if (ranged && !set.interval) {
      session.cursor.fail(
        "You must add 'flags interval' to your set declaration if you want to add prefix elements",
        span,
      );
      return;
    }
    const known = set.get(element, now);
    if (known !== undefined) {
      if (verb !== 'create' && sameData(known, element)) continue;
      session.cursor.fail(`${KERNEL}File exists`, span);
      return;
    }
    const { size } = set.spec;
    if (size !== undefined && set.list(now).length >= size) {
      session.cursor.fail(`${KERNEL}Too many open files in system`, span);
      return;
    }
    const added = merged(session, set, alive(session, set, element), span);
    if (added === undefined) return;
    set.add(added);
  }
}

function alive(session: Session, set: NftSet, element: SetElement): SetElement {
  const { spec } = set;
  const timeout = element.timeout ?? spec.timeout;
  return {
    ...element,
    ...(timeout === undefined ? {} : { expires: session.options.now + timeout * 1000 }),
    ...(spec.counter === true && element.counter === undefined ? { counter: { packets: 0, bytes: 0 } } : {}),
  };
}

/** Intervals keep apart, or with `auto-merge` become one with those that they touch. */
function merged(session: Session, set: NftSet, element: SetElement, span: Span): SetElement | undefined {
  if (!set.interval || set.spec.key.length > 1) return element;
  const { now } = session.options;
  if (set.spec.autoMerge !== true) {
    return set.overlapping(element, now) === undefined
      ? element
      : session.cursor.fail('interval overlaps with an existing one', span);
  }
  let [part] = element.key;
  for (;;) {
    if (part === undefined) return element;
    const first = Number(firstOf(part));
    const last = Number(lastOf(part));
    const wide = { key: [[Math.max(first - 1, 0), last + 1]] as const };
    const other = set.overlapping(wide, now);
    const [touched] = other?.key ?? [];
    if (other === undefined || touched === undefined) return { ...element, key: [part] };
    set.delete(other);
    part = [Math.min(first, Number(firstOf(touched))), Math.max(last, Number(lastOf(touched)))];
  }
}

function getElements(
  session: Session,
  table: NftTable,
  set: NftSet,
  elements: readonly ParsedElement[],
): void {
  const found: SetElement[] = [];
  for (const { element } of elements) {
    const one = set.lookup(element.key.map(firstOf), session.options.now);
    if (one === undefined) {
      session.cursor.fail(`${KERNEL}${NOT_FOUND}`, session.whole());
      return;
    }
    found.push(one);
  }
  const lines = listTable(table, { ...session.options, terse: true }, { sets: [set], chains: [] });
  const text = found
    .map((element) => formatElement(set.spec, element, session.options.now, session.options))
    .join(', ');
  lines.splice(-2, 0, `\t\telements = { ${text} }`);
  session.out += `${lines.join('\n')}\n`;
}

/** Whether an element's verdict leads to a chain, or to that one. */
export function leadsTo(data: SetElement['data'], chain?: string): boolean {
  return data !== undefined && 'chain' in data && (chain === undefined || data.chain === chain);
}

function sameData(a: SetElement, b: SetElement): boolean {
  return JSON.stringify(a.data) === JSON.stringify(b.data);
}

function sameDeclaration({ spec }: NftSet, { spec: other }: SetDeclaration): boolean {
  const shape = ({ kind, key, data, flags }: typeof spec): string =>
    [
      kind,
      ...key.map(({ name }) => name),
      data === 'verdict' ? data : data?.map(({ name }) => name),
      ...[...flags].sort(),
    ].join(' ');
  return shape(spec) === shape(other);
}
