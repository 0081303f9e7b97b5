import { structType } from '../../../api/fields.ts';
import { resourceNamed, resourceOfKind } from '../../../api/kinds.ts';
import type { Task } from '../../../net/task.ts';
import { descriptions } from '../descriptions.ts';
import type { Invocation } from '../invocation.ts';

export function* explain(k: Invocation): Task<number> {
  const [argument] = k.args;
  if (argument === undefined) {
    return k.fail(
      'You must specify the type of resource to explain. Use "kubectl api-resources" for a complete list of supported resources.',
    );
  }
  if (k.args.length > 1) return k.fail('We accept only this format: explain RESOURCE');
  const [name = '', ...path] = argument.split('.');
  const resource = resourceNamed(name) ?? resourceOfKind(name);
  if (resource === undefined) {
    k.note(`the server doesn't have a resource type ${JSON.stringify(name)}`);
    return 1;
  }
  let code = resource.kind;
  let shownType = resource.kind;
  let owner = resource.kind;
  for (const step of path) {
    const field = structType(elementCode(code))?.fields.get(step);
    if (field === undefined) return k.fail(`field ${JSON.stringify(step)} does not exist`);
    owner = elementCode(code);
    code = field.code;
    shownType = typeName(code);
  }
  const group = resource.group === '' ? '' : `GROUP:      ${resource.group}\n`;
  k.print(`${group}KIND:       ${resource.kind}\nVERSION:    ${resource.version}\n\n`);
  const last = path.at(-1);
  if (last !== undefined) k.print(`FIELD: ${last} <${shownType}>\n\n`);
  const element = elementCode(code);
  const said = [last === undefined ? undefined : describe(`${owner}.${last}`), describe(element)];
  const description = said.flatMap((text) => (text === undefined ? [] : [`${text}\n`])).join('');
  k.print(`DESCRIPTION:\n${indented(description === '' ? '<empty>' : description, 4, WIDTH)}\n`);
  if (structType(element) !== undefined) {
    const form = k.flags.on('recursive') ? 'names' : 'texts';
    k.print(`FIELDS:\n${explainFields(element, form, '  ', [])}\n`);
  }
  return 0;
}

const WIDTH = 76;
let texts: ReadonlyMap<string, string> | undefined;

/** What OpenAPI says of `Type` or `Type.field`. */
function describe(name: string): string | undefined {
  texts ??= new Map(
    descriptions
      .trim()
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('|')), line.slice(line.indexOf('|') + 1)]),
  );
  const text = texts.get(name);
  return text === undefined ? undefined : String(JSON.parse(`"${text}"`));
}

/** Wrapped at blanks, every line moved in; what is wider than a line stays whole. */
function indented(text: string, by: number, width: number): string {
  const lines = text.split('\n').flatMap((line) => {
    const wrapped: string[] = [];
    let rest = line;
    while (rest.length > width) {
      const before = rest.lastIndexOf(' ', width);
      const at = before > 0 ? before : rest.indexOf(' ', width);
      if (at < 0) break;
      wrapped.push(rest.slice(0, at));
      rest = rest.slice(at + 1).trimStart();
    }
    return [...wrapped, rest];
  });
  return lines.map((line) => ' '.repeat(by) + line).join('\n');
}

/** The fields of a type: with their texts, or with their own fields below them. */
function explainFields(
  code: string,
  form: 'texts' | 'names',
  indent: string,
  above: readonly string[],
): string {
  let text = '';
  for (const [name, field] of structType(code)?.fields ?? []) {
    const inner = elementCode(field.code);
    text += `${indent}${name}\t<${typeName(field.code)}>${field.required ? ' -required-' : ''}\n`;
    if (inner.includes('/')) text += `${indent}enum: ${inner.split('/').join(', ')}\n`;
    if (form === 'texts')
      text += `${indented(describe(`${code}.${name}`) ?? '<no description>', 4, WIDTH)}\n\n`;
    else if (!above.includes(inner)) text += explainFields(inner, form, `${indent}  `, [...above, inner]);
  }
  return text;
}

function elementCode(code: string): string {
  return code.replace(/^(\[\]|\{\})+/, '');
}

function typeName(code: string): string {
  if (code.startsWith('[]')) return `[]${typeName(code.slice(2))}`;
  if (code.startsWith('{}')) return `map[string]${typeName(code.slice(2))}`;
  return scalarNames[code] ?? (code.includes('/') ? 'string' : code);
}

const scalarNames: Readonly<Record<string, string>> = {
  s: 'string',
  b: 'boolean',
  i: 'integer',
  l: 'integer',
  q: 'Quantity',
  x: 'IntOrString',
  t: 'string',
  y: 'string',
  a: 'Object',
};
