import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parse, type DefaultTreeAdapterTypes } from 'parse5';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildWithAstro, buildWithHugo, hasHugo, hasSeed, makeSite, seedPage } from './builds.ts';

type Node = DefaultTreeAdapterTypes.Node;
type Element = DefaultTreeAdapterTypes.Element;

const made = makeSite();
let dist = '';
let hugo = '';

beforeAll(() => {
  dist = buildWithAstro(made.source);
  if (hasHugo) hugo = buildWithHugo(made.source);
}, 180_000);
afterAll(() => {
  made.remove();
  for (const folder of [dist, hugo, `${made.source}-hugo`])
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
});

function elements(root: Node, test: (element: Element) => boolean): Element[] {
  const found: Element[] = [];
  const walk = (node: Node): void => {
    if ('tagName' in node && test(node)) found.push(node);
    if ('childNodes' in node) node.childNodes.forEach(walk);
  };
  walk(root);
  return found;
}

function text(node: Node): string {
  if (node.nodeName === '#text' && 'value' in node) return node.value;
  return 'childNodes' in node ? node.childNodes.map(text).join('') : '';
}

const attribute = (element: Element, name: string): string | undefined =>
  element.attrs.find((each) => each.name === name)?.value;
const page = (folder: string, path: string): Node =>
  parse(readFileSync(join(folder, path, 'index.html'), 'utf8'));
const isHeading = (element: Element): boolean =>
  /^h[2-6]$/.test(element.tagName) && attribute(element, 'id') !== undefined;
const main = (root: Node): Node =>
  elements(root, (element) => /\bsl-markdown-content\b/.test(attribute(element, 'class') ?? ''))[0] ?? root;
const headingIds = (root: Node): (string | undefined)[] =>
  elements(main(root), isHeading).map((heading) => attribute(heading, 'id'));

describe.skipIf(!hasSeed)('the seed page, dropped in unmodified', () => {
  const path = 'docs/pod-to-pod-communications';

  it('has all 92 bold spans bold', () => {
    const bold = elements(main(page(dist, path)), (element) => element.tagName === 'strong');
    expect(bold).toHaveLength(92);
    expect(text(main(page(dist, path)))).not.toContain('**');
  });

  it('loses no text', () => {
    const words = (value: string): string => value.replace(/[^\p{L}\p{N}]+/gu, ' ').trim();
    const body = readFileSync(seedPage, 'utf8').replace(/^---[^]*?\n---\n/, '');
    const shown = words(text(main(page(dist, path))));
    // Link targets and the languages of fences are not text.
    const written = body.replace(/\]\(https?:[^)]*\)/g, ']').replace(/^\s*```\w*$/gm, '');
    for (const word of new Set(words(written).split(' '))) expect(shown).toContain(word);
    expect(text(main(page(dist, path)))).toContain('curl http://10.244.1.3:80');
  });

  it.skipIf(!hasHugo)('has the address and the heading anchors that hugo gives it', () => {
    expect(existsSync(join(hugo, path, 'index.html'))).toBe(true);
    const ours = headingIds(page(dist, path)).filter((id) => id !== undefined && !id.startsWith('_'));
    const theirs = elements(page(hugo, path), (element) => /^h[1-6]$/.test(element.tagName))
      .map((heading) => attribute(heading, 'id'))
      .filter((id) => id !== undefined);
    const h1 = elements(main(page(dist, path)), (element) => element.tagName === 'h1').map((heading) =>
      attribute(heading, 'id'),
    );
    expect([...h1, ...ours]).toEqual(theirs);
  });
});

describe('labs in a site of ours', () => {
  it('are whole without JavaScript: diagram, hops, transcript and manifests', () => {
    for (const path of ['docs/lesson', 'en/docs/lesson', 'docs/notations']) {
      const labs = elements(page(dist, path), (element) => element.tagName === 'pod-lab');
      expect(labs.length).toBeGreaterThan(1);
      for (const lab of labs) {
        expect(elements(lab, (element) => element.tagName === 'svg').length).toBeGreaterThan(0);
        expect(text(lab)).toContain('$ ');
      }
    }
  });

  it('load their script and style on pages that have one, and on no other', () => {
    const html = (path: string): string => readFileSync(join(dist, path, 'index.html'), 'utf8');
    expect(html('docs/lesson').match(/podwalk\/pod-lab\.js/g)).toHaveLength(1);
    expect(html('').match(/podwalk\/pod-lab\.js/g)).toBeNull();
  });

  it('do not show a draft', () => {
    expect(existsSync(join(dist, 'docs/draft/index.html'))).toBe(false);
  });
});

describe.skipIf(!hasHugo)('the same tree built by real hugo with raw HTML off', () => {
  const labIds = (root: Node): (string | undefined)[] =>
    elements(root, (element) => element.tagName === 'pod-lab').map((lab) => attribute(lab, 'id'));

  it('has the same labs on every page', () => {
    for (const path of ['docs/lesson', 'en/docs/lesson', 'docs/notations']) {
      expect(labIds(page(hugo, path))).toEqual(labIds(page(dist, path)));
    }
  });

  it('keeps labs inside other shortcodes and lists', () => {
    expect(labIds(page(hugo, 'en/docs/nested'))).toEqual(['boxed', 'listed']);
  });

  it('has one script for a page with labs and none elsewhere', () => {
    const scripts = (path: string): number =>
      elements(
        page(hugo, path),
        (element) => element.tagName === 'script' && attribute(element, 'type') === 'module',
      ).length;
    expect(scripts('docs/lesson')).toBe(1);
    expect(scripts('')).toBe(0);
  });
});
