import { readFileSync } from 'node:fs';
import { parseFragment, type DefaultTreeAdapterMap } from 'parse5';
import { describe, expect, it } from 'vitest';
import { readLab, type ReadLab } from '../../../components/element/read.ts';
import { parsedReader } from '../../../components/parsed-reader.ts';

type Node = DefaultTreeAdapterMap['node'];

function read(html: string): ReadLab<Node> {
  const [element] = parseFragment(html).childNodes;
  if (element === undefined) throw new Error('no element');
  return readLab<Node>(element, parsedReader, 'lab-7');
}
const fixture = (name: string) =>
  readFileSync(new URL(`../fixtures/html/${name}.html`, import.meta.url), 'utf8');
const manifest = 'apiVersion: v1\nkind: Service\n\nmetadata:\n  name: web # <b>\n';

describe('a lab read back from a page', () => {
  it.each(['plain', 'expressive-code', 'chroma', 'chroma-table', 'chroma-inline'])(
    'has its manifest to the letter: %s',
    (name) => {
      expect(read(fixture(name)).source.blocks[0]).toEqual({
        kind: 'manifest',
        name: 'service.yaml',
        text: manifest,
        readonly: true,
      });
    },
  );

  it.each(['plain', 'expressive-code', 'chroma'])('has its commands and what they print: %s', (name) => {
    const block = read(fixture(name)).source.blocks[1];
    expect(block?.kind === 'console' && block.steps[0]).toEqual({
      command: 'kubectl exec pod-a -- curl -s http://web',
      expected: '<!DOCTYPE html>\n...',
    });
  });

  it('keeps blank lines of a transcript', () => {
    const block = read(fixture('expressive-code')).source.blocks[1];
    expect(block?.kind === 'console' && block.steps[1]?.expected).toBe('NAME    READY\n\npod-a   1/1');
  });

  it('has its attributes, in the spelling that HTML leaves them', () => {
    const { blocks: _, ...rest } = read(fixture('plain')).source;
    expect(rest).toEqual({
      id: 'x',
      title: 'A & B',
      nodes: 2,
      cni: 'flannel',
      podCIDR: '10.0.0.0/16',
      cluster: 'web',
      show: ['hops', 'terminal'],
    });
  });

  it('keeps what is neither manifest nor transcript as its instruction', () => {
    expect(
      read(fixture('plain'))
        .rest.map((node) => parsedReader.tag(node))
        .filter(Boolean),
    ).toEqual(['p', 'p']);
  });

  it('takes the id that it is given when it has none, and no nonsense for a number', () => {
    expect(read('<pod-lab nodes="two"></pod-lab>').source).toEqual({ id: 'lab-7', show: [], blocks: [] });
  });

  it('names manifests without a title by their number', () => {
    const block = '<div data-lab-block="yaml"><pre><code>a: 1\n</code></pre></div>';
    expect(
      read(`<pod-lab>${block}${block}</pod-lab>`).source.blocks.map(
        (one) => one.kind === 'manifest' && one.name,
      ),
    ).toEqual(['manifest.yaml', 'manifest-2.yaml']);
  });

  it('goes back to the order in which it was written after the panels parted it', () => {
    const html = `<pod-lab><div><div data-lab-block="yaml" data-lab-order="1"><pre>b: 1\n</pre></div></div><div><div data-lab-block="console" data-lab-order="0"><pre>$ a\n</pre></div></div></pod-lab>`;
    expect(read(html).source.blocks.map((block) => block.kind)).toEqual(['console', 'manifest']);
  });
});
