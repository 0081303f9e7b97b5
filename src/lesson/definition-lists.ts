import type { BlockContent, Paragraph, PhrasingContent, Root } from 'mdast';
import type {} from 'mdast-util-to-hast';
import { visit } from 'unist-util-visit';

/**
 * Definition lists as Goldmark has them, in their tight form: lines of terms, then lines that begin with a colon and a
 * blank. Paragraphs of that kind in a row make one list.
 */
export function makeDefinitionLists(tree: Root): void {
  visit(tree, 'paragraph', (node, index, parent) => {
    if (parent === undefined || index === undefined) return undefined;
    const items = definitionItems(node);
    if (items === undefined) return undefined;
    const previous = parent.children[index - 1];
    if (previous?.type === 'blockquote' && previous.data?.hName === 'dl') {
      previous.children.push(...items);
      parent.children.splice(index, 1);
      return index;
    }
    parent.children[index] = { type: 'blockquote', data: { hName: 'dl' }, children: items };
    return index + 1;
  });
}

function definitionItems(paragraph: Paragraph): BlockContent[] | undefined {
  const isCandidate = paragraph.children.some(
    (child) => child.type === 'text' && /\n:[ \t]/.test(child.value),
  );
  if (!isCandidate) return undefined;
  const items: { name: 'dt' | 'dd'; children: PhrasingContent[] }[] = [];
  for (const line of inlineLines(paragraph.children)) {
    const first = line[0];
    const marker = first?.type === 'text' ? /^:[ \t]+/.exec(first.value) : null;
    const last = items.at(-1);
    if (first?.type === 'text' && marker !== null) {
      if (items.length === 0) return undefined;
      items.push({
        name: 'dd',
        children: [{ ...first, value: first.value.slice(marker[0].length) }, ...line.slice(1)],
      });
    } else if (last?.name === 'dd') {
      last.children.push({ type: 'text', value: '\n' }, ...line);
    } else {
      items.push({ name: 'dt', children: line });
    }
  }
  return items.map(({ name, children }) => ({ type: 'paragraph', data: { hName: name }, children }));
}

/** The inline content of a paragraph, line by line. */
function inlineLines(children: readonly PhrasingContent[]): PhrasingContent[][] {
  const lines: PhrasingContent[][] = [[]];
  for (const child of children) {
    if (child.type !== 'text') {
      lines.at(-1)?.push(child);
      continue;
    }
    child.value.split('\n').forEach((value, index) => {
      if (index > 0) lines.push([]);
      if (value !== '') lines.at(-1)?.push({ ...child, value });
    });
  }
  return lines;
}
