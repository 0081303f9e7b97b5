import { labAttributes, readAttributes, type LabOptions, type WrittenAttribute } from './attributes.ts';
import { isRecord, type FrontMatter } from './front-matter.ts';
import type { Message } from './message.ts';

/** What a page may set for all of its labs: everything but a lab's own name. */
const pageAttributes = labAttributes.filter((name) => name !== 'id' && name !== 'title');

/** Reads the page's `lab:` field. */
export function readPageDefaults(
  frontMatter: FrontMatter,
  file: string,
): { defaults: LabOptions; messages: Message[] } {
  const field = frontMatter.data['lab'];
  if (field === undefined || field === null) return { defaults: {}, messages: [] };
  if (!isRecord(field)) {
    const { line, column } = frontMatter.placeOf('lab');
    const message = 'the lab field must be a map such as { nodes: 2, cni: flannel }';
    return {
      defaults: {},
      messages: [{ file, line, column, severity: 'error', rule: 'front-matter/lab', message }],
    };
  }
  const written = Object.entries(field).map(([key, value]): WrittenAttribute => ({
    // Front matter knows no capitals in keys.
    name: pageAttributes.find((name) => name.toLowerCase() === key) ?? key,
    value: Array.isArray(value) ? value.join(' ') : String(value),
    place: frontMatter.placeOf('lab', key),
  }));
  const { options, problems } = readAttributes(written, pageAttributes);
  const messages = problems.map(({ rule, message, place: { line, column } }): Message => ({
    file,
    line,
    column,
    severity: 'error',
    rule,
    message,
  }));
  return { defaults: options, messages };
}
