import type { Root } from 'mdast';
import { visit } from 'unist-util-visit';

const omitted = '<!-- raw HTML omitted -->';

/**
 * Leaves raw HTML out as Hugo does while `markup.goldmark.renderer.unsafe` is off, with the same comment in its place.
 * `report` is called for each piece, comments aside. `<!--more-->` splits the summary and leaves nothing.
 */
export function omitRawHtml(tree: Root, report: (line: number, column: number, html: string) => void): void {
  visit(tree, 'html', (node, index, parent) => {
    if (parent === undefined || index === undefined) return undefined;
    if (/^<!--\s*more\s*-->$/.test(node.value)) {
      parent.children.splice(index, 1);
      return index;
    }
    const isComment = /^<!--[^]*-->\s*$/.test(node.value);
    if (!isComment && node.position !== undefined) {
      report(node.position.start.line, node.position.start.column, node.value);
    }
    node.value = omitted;
    return undefined;
  });
}
