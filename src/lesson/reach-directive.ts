import type { LeafDirective } from 'mdast-util-directive';
import { readAttributes } from './attributes.ts';
import type { DirectiveContext } from './directives.ts';
import { elementAttributes, freeLabId, writtenOn } from './lab-directive.ts';
import type { LabSource } from './lab.ts';

/** `::reach{cluster=NAME}`: who can talk to whom in a cluster that labs above it made. It becomes a lab without steps of its own. */
export function reachDirective(node: LeafDirective, context: DirectiveContext): void {
  const before = context.reported.length;
  const place = {
    file: context.file,
    line: node.position?.start.line ?? 1,
    column: node.position?.start.column ?? 1,
  };
  const { options, problems } = readAttributes(writtenOn(node, context.file), ['id', 'title', 'cluster']);
  for (const { rule, message, place: where } of problems)
    context.report({ line: where.line, column: where.column, severity: 'error', rule, message });
  const tell = (rule: string, message: string): void =>
    context.report({ line: place.line, column: place.column, severity: 'error', rule, message });
  const names = [...new Set(context.labs.flatMap(({ cluster }) => cluster ?? []))];
  const { cluster } = options;
  if (cluster === undefined) tell('reach/no-cluster', '::reach needs a cluster: write ::reach{cluster=NAME}');
  else if (!names.includes(cluster))
    tell(
      'reach/unknown-cluster',
      `no lab above has cluster=${cluster}${names.length === 0 ? '' : `; there is ${names.join(', ')}`}`,
    );
  if (context.labs.some(({ id }) => id === options.id))
    tell('lab/duplicate-id', `the id "${options.id ?? ''}" belongs to a lab already`);

  const [error] = context.errorsSince(before);
  if (error !== undefined) {
    node.data = { hName: 'div', hProperties: { dataLabError: error.rule } };
    node.children = [{ type: 'text', value: error.message }];
    return;
  }
  const lab: LabSource = {
    ...options,
    id: options.id ?? freeLabId(context),
    show: ['reach'],
    blocks: [],
    place,
  };
  context.labs.push(lab);
  node.children = [];
  node.data = { hName: 'pod-lab', hProperties: elementAttributes(lab) };
}
