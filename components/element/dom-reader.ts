import type { Reader } from './read.ts';

export const domReader: Reader<Node> = {
  tag: (node) => (node instanceof Element ? node.localName : undefined),
  text: (node) => (node instanceof Text ? node.data : ''),
  attribute: (node, name) => (node instanceof Element ? (node.getAttribute(name) ?? undefined) : undefined),
  children: (node) => node.childNodes,
};
