import type { Element, Root } from 'hast';
import { visit } from 'unist-util-visit';

/** Rehype plugin: footnotes get Goldmark's ids, `fn:1` and `fnref:1`, numbered as they are shown. */
export function rehypeFootnoteIds(): (tree: Root) => void {
  return (tree) => {
    const renamed = new Map<string, string>();
    visit(tree, 'element', (node: Element) => {
      if (node.tagName !== 'section' || !('dataFootnotes' in node.properties)) return;
      let number = 0;
      visit(node, 'element', (item: Element) => {
        const id = item.tagName === 'li' ? String(item.properties['id'] ?? '') : '';
        const label = /^(?:user-content-)?fn-(.*)$/s.exec(id)?.[1];
        if (label !== undefined) renamed.set(label, String(++number));
      });
    });
    if (renamed.size === 0) return;
    const rename = (value: string): string => {
      const found = /^(#?)(?:user-content-)?(fn|fnref)-(.*)$/s.exec(value);
      if (found === null) return value;
      const [, hash = '', kind = '', rest = ''] = found;
      // The second and later references to one footnote end in `-2`, `-3`, …; Goldmark writes `fnref1:1`.
      const again = kind === 'fnref' && !renamed.has(rest) ? /^(.*)-(\d+)$/s.exec(rest) : null;
      const number = renamed.get(again?.[1] ?? rest);
      if (number === undefined) return value;
      return `${hash}${kind}${again === null ? '' : Number(again[2]) - 1}:${number}`;
    };
    visit(tree, 'element', (node: Element) => {
      for (const name of ['id', 'href'] as const) {
        const value = node.properties[name];
        if (typeof value === 'string') node.properties[name] = rename(value);
      }
    });
  };
}
