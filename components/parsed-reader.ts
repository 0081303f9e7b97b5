import type { DefaultTreeAdapterMap } from 'parse5';
import type { Reader } from './element/read.ts';

/** Reads what parse5 parsed. */
export const parsedReader: Reader<DefaultTreeAdapterMap['node']> = {
  tag: (node) => ('tagName' in node ? node.tagName : undefined),
  text: (node) => (node.nodeName === '#text' && 'value' in node ? node.value : ''),
  attribute: (node, name) =>
    'attrs' in node ? node.attrs.find((attr) => attr.name === name)?.value : undefined,
  children: (node) => ('childNodes' in node ? node.childNodes : []),
};
