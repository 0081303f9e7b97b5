import { byBytes, isFields, textAt } from '../value.ts';
import { type DescribeContext, Description } from './description.ts';

/** The description of a kind that has none of its own: every field, with its name in words. */
export function describeAnything(object: unknown, context: DescribeContext): string {
  const d = new Description();
  d.field('Name', textAt(object, 'metadata.name'));
  d.field('Namespace', textAt(object, 'metadata.namespace'));
  d.labels('Labels', object, 'metadata.labels');
  d.annotations(object);
  describeFields(d, object, 0, '');
  d.events(object, context);
  return d.toString();
}

const skipped = new Set(
  ['managedFields', 'name', 'namespace', 'labels', 'annotations'].map((name) => `.metadata.${name}`),
);

function describeFields(d: Description, fields: unknown, level: number, path: string): void {
  if (!isFields(fields)) return;
  for (const name of Object.keys(fields).sort(byBytes)) {
    const value = fields[name];
    const here = `${path}.${name}`;
    if (skipped.has(here)) continue;
    if (Array.isArray(value)) {
      d.line(`${inWords(name)}:`, level);
      for (const item of value) {
        if (isFields(item)) describeFields(d, item, level + 1, here);
        else d.line(String(item), level + 1);
      }
    } else if (isFields(value)) {
      d.line(`${inWords(name)}:`, level);
      describeFields(d, value, level + 1, here);
    } else {
      d.field(inWords(name), String(value ?? '<nil>'), level);
    }
  }
}

/** `apiVersion` → `API Version`; a name with other characters than letters stays as it is. */
function inWords(name: string): string {
  if (!/^[A-Za-z-]+$/.test(name)) return name;
  const words = name.match(/[A-Z]+(?![a-z])|[A-Z][a-z-]*|[a-z-]+/g) ?? [];
  return words
    .map((word) =>
      acronyms.has(word.toUpperCase()) ? word.toUpperCase() : (word[0] ?? '').toUpperCase() + word.slice(1),
    )
    .join(' ');
}

const acronyms = new Set(['API', 'URL', 'UID', 'OSB', 'GUID']);
