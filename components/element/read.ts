import { panels, type LabBlock, type LabSource, type Panel } from '../../src/lesson/lab.ts';
import { readTranscript } from '../../src/lesson/transcript.ts';

/** The little that reading a lab needs to know of a document: the browser's DOM or a parsed file. */
export interface Reader<Node> {
  /** In lower case; undefined for text and comments. */
  readonly tag: (node: Node) => string | undefined;
  /** The text of a text node, else nothing. */
  readonly text: (node: Node) => string;
  readonly attribute: (node: Node, name: string) => string | undefined;
  readonly children: (node: Node) => Iterable<Node>;
}

/** A lab as a page has it: what it is, and the nodes that it was read from. */
export interface ReadLab<Node> {
  readonly source: LabSource;
  /** One per block of the source, in its order. */
  readonly blocks: readonly Node[];
  /** What is neither: the instruction text. */
  readonly rest: readonly Node[];
}

/**
 * Reads a lab back from the HTML that it became, by whichever generator: Expressive Code, Shiki, Chroma with or without
 * line numbers, or a bare `<pre>`. A prerendered lab reads the same, since its blocks are kept in its panels.
 */
export function readLab<Node>(element: Node, reader: Reader<Node>, fallbackId: string): ReadLab<Node> {
  const found: { node: Node; order: number }[] = [];
  const rest: Node[] = [];
  const visit = (node: Node, top: boolean): boolean => {
    if (reader.attribute(node, 'data-lab-block') !== undefined) {
      const order = Number(reader.attribute(node, 'data-lab-order') ?? found.length);
      found.push({ node, order });
      return true;
    }
    let inside = false;
    for (const child of reader.children(node)) inside = visit(child, false) || inside;
    if (top && !inside) rest.push(node);
    return inside;
  };
  for (const child of reader.children(element)) visit(child, true);
  found.sort((a, b) => a.order - b.order);

  const blocks: LabBlock[] = [];
  let manifests = 0;
  for (const { node } of found) {
    const text = codeText(node, reader);
    if (reader.attribute(node, 'data-lab-block') === 'console') {
      blocks.push({ kind: 'console', steps: readTranscript(text).steps });
      continue;
    }
    manifests += 1;
    const name =
      reader.attribute(node, 'data-title') ??
      (manifests === 1 ? 'manifest.yaml' : `manifest-${manifests}.yaml`);
    blocks.push({
      kind: 'manifest',
      name,
      text,
      readonly: reader.attribute(node, 'data-readonly') !== undefined,
    });
  }
  return {
    source: { ...readAttributes(element, reader, fallbackId), blocks },
    blocks: found.map(({ node }) => node),
    rest,
  };
}

function readAttributes<Node>(
  element: Node,
  reader: Reader<Node>,
  fallbackId: string,
): Omit<LabSource, 'blocks'> {
  const get = (name: string) => reader.attribute(element, name) || undefined;
  const nodes = Number(get('nodes'));
  const { title, cni, proxy, podCIDR, serviceCIDR, cluster } = {
    title: get('title'),
    cni: get('cni'),
    proxy: get('proxy'),
    podCIDR: get('podcidr'),
    serviceCIDR: get('servicecidr'),
    cluster: get('cluster'),
  };
  return {
    id: get('id') ?? fallbackId,
    show: (get('show') ?? '').split(/[\s,]+/).filter(isPanel),
    ...(Number.isInteger(nodes) && nodes > 0 ? { nodes } : {}),
    ...(title === undefined ? {} : { title }),
    ...(cni === undefined ? {} : { cni }),
    ...(proxy === undefined ? {} : { proxy }),
    ...(podCIDR === undefined ? {} : { podCIDR }),
    ...(serviceCIDR === undefined ? {} : { serviceCIDR }),
    ...(cluster === undefined ? {} : { cluster }),
  };
}

function isPanel(word: string): word is Panel {
  return panels.some((panel) => panel === word);
}

/** The text of a highlighted code block: the last `<code>` in it, or `<pre>` where there is none, without line numbers. */
function codeText<Node>(block: Node, reader: Reader<Node>): string {
  const code = last(block, reader, 'code') ?? last(block, reader, 'pre') ?? block;
  const lines: string[] = [];
  collectLines(code, reader, lines);
  const text = lines.length > 0 ? lines.join('\n') : plainText(code, reader);
  return text.endsWith('\n') || text === '' ? text : `${text}\n`;
}

function last<Node>(node: Node, reader: Reader<Node>, tag: string): Node | undefined {
  let found: Node | undefined = reader.tag(node) === tag ? node : undefined;
  for (const child of reader.children(node)) found = last(child, reader, tag) ?? found;
  return found;
}

/** Expressive Code makes every line an element and has no line breaks between them. */
function collectLines<Node>(node: Node, reader: Reader<Node>, lines: string[]): void {
  if (hasClass(node, reader, 'ec-line')) {
    lines.push(plainText(node, reader).replace(/\n$/, ''));
    return;
  }
  for (const child of reader.children(node)) collectLines(child, reader, lines);
}

const notText = ['gutter', 'ln', 'lnt', 'copy'];

function plainText<Node>(node: Node, reader: Reader<Node>): string {
  if (notText.some((name) => hasClass(node, reader, name)) || reader.tag(node) === 'button') return '';
  let text = reader.text(node);
  for (const child of reader.children(node)) text += plainText(child, reader);
  return text;
}

function hasClass<Node>(node: Node, reader: Reader<Node>, name: string): boolean {
  return reader.attribute(node, 'class')?.split(/\s+/).includes(name) ?? false;
}
