import type { Heading } from 'mdast';

/** Takes `{#id .class key=value}` from the end of a heading, as Goldmark does; nothing when there is none. */
export function takeHeadingAttributes(heading: Heading): Record<string, string> | undefined {
  const last = heading.children.at(-1);
  if (last?.type !== 'text') return undefined;
  const found = /[ \t]*\{([^{}]*)\}[ \t]*$/.exec(last.value);
  if (found === null) return undefined;
  const attributes = readAttributeList(found[1] ?? '');
  if (attributes === undefined) return undefined;
  last.value = last.value.slice(0, found.index);
  if (last.value === '') heading.children.pop();
  return attributes;
}

/** Reads `#id .class key=value key="v w"`; nothing when any part of it is something else (`parser/attribute.go` of Goldmark). */
function readAttributeList(list: string): Record<string, string> | undefined {
  const attributes: Record<string, string> = {};
  const part =
    /[\s,]*(?:#([^\s#.,{}="']+)|\.([^\s#.,{}="']+)|([A-Za-z_:][\w:.-]*)=(?:["“”]([^"“”]*)["“”]|([^\s"',{}]+)))/y;
  let at = 0;
  while (list.slice(at).trim() !== '') {
    part.lastIndex = at;
    const found = part.exec(list);
    if (found === null) return undefined;
    at = part.lastIndex;
    const [, id, className, name, quoted, bare] = found;
    if (id !== undefined) attributes['id'] = id;
    else if (className !== undefined)
      attributes['class'] = [attributes['class'], className].filter(Boolean).join(' ');
    else if (name !== undefined) attributes[name] = quoted ?? bare ?? '';
  }
  return Object.keys(attributes).length > 0 ? attributes : undefined;
}
