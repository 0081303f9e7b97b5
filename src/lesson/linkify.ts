import type { Root } from 'mdast';
import { visit } from 'unist-util-visit';

/** A bare `www.example.org` links with Hugo's `linkifyProtocol`, https. */
export function secureBareLinks(tree: Root): void {
  visit(tree, 'link', (node) => {
    const text = node.children[0];
    if (text?.type === 'text' && /^www\./i.test(text.value) && node.url === `http://${text.value}`) {
      node.url = `https://${text.value}`;
    }
  });
}
