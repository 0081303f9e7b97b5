import { createMarkdownProcessor } from '@astrojs/markdown-remark';
import remarkDirective from 'remark-directive';
import { describe, expect, it } from 'vitest';
import { lessonRehypePlugins, lessonRemarkPlugins, type MarkdownOptions } from '../../src/lesson/markdown.ts';
import { parseLesson } from '../../src/lesson/lesson.ts';

async function html(
  source: string,
  options: MarkdownOptions = {},
  others: readonly unknown[] = [],
): Promise<string> {
  const processor = await createMarkdownProcessor({
    syntaxHighlight: false,
    smartypants: false,
    remarkPlugins: [...lessonRemarkPlugins(options), ...others] as never,
    rehypePlugins: lessonRehypePlugins() as never,
  });
  return (await processor.render(source)).code;
}

describe('text', () => {
  it.each(['10.244.1.3:80', 'nginx:1.25', '비고:주의', 'a :b[c]{d}', 'http:80', '::1'])(
    'keeps %j whole',
    async (text) => {
      expect(await html(`x ${text} y`)).toContain(`<p>x ${text} y</p>`);
    },
  );

  it('keeps colons whole when somebody else registers directives too', async () => {
    expect(await html('10.244.1.3:80\n\n:::lab\nx\n:::\n', {}, [remarkDirective])).toMatch(
      /<p>10.244.1.3:80<\/p>\n<pod-lab/,
    );
  });

  it.each([
    ['**서비스 (Service)**는', '<strong>서비스 (Service)</strong>는'],
    ['~~서비스 (Service)~~는', '<del>서비스 (Service)</del>는'],
    ['*「강조」*입니다', '<em>「강조」</em>입니다'],
  ])('marks %j as Korean means it', async (source, expected) => {
    expect(await html(source)).toContain(expected);
  });

  it('has tables, tasks and autolinks once', async () => {
    expect(await html('| a |\n| - |\n| b |\n\n- [x] done\n\nhttps://example.org')).toMatch(
      /<table>[^]*<input type="checkbox" checked disabled> done[^]*<a href="https:\/\/example.org">/,
    );
  });

  it('numbers footnotes as Goldmark does', async () => {
    const page = await html('a[^z] b[^1] c[^z]\n\n[^1]: one\n[^z]: zed\n');
    expect(Array.from(page.matchAll(/ id="(fn[^"]*)"/g), ([, id]) => id)).toEqual([
      'fnref:1',
      'fnref:2',
      'fnref1:1',
      'fn:1',
      'fn:2',
    ]);
    expect(page).toContain('href="#fn:2"');
  });

  it('leaves raw HTML out, with Hugo’s comment, unless it is allowed', async () => {
    expect(await html('a <b>x</b>\n\n<div>\n\n<!--more-->\n')).toBe(
      '<p>a <!-- raw HTML omitted -->x<!-- raw HTML omitted --></p>\n<!-- raw HTML omitted -->',
    );
    expect(await html('a <b>x</b>', { unsafe: true })).toBe('<p>a <b>x</b></p>');
  });

  it('shows what a literal shortcode shows', async () => {
    expect(await html('{{</* lab title="x" */>}} and\n\n```md\n{{%/* lab */%}}\n```\n')).toBe(
      '<p>{{&#x3C; lab title="x" >}} and</p>\n<pre><code class="language-md">{{% lab %}}\n</code></pre>',
    );
  });

  it('replaces shortcodes that stand for a text', async () => {
    const shortcodes = {
      ref: (tag: { args: readonly { value: string }[] }) => `/to/${tag.args[0]?.value ?? ''}/`,
    };
    expect(await html('[x]({{< ref "a" >}})', { shortcodes })).toBe('<p><a href="/to/a/">x</a></p>');
  });
});

const manifest =
  '```yaml {filename="pod.yaml"}\nkind: Pod\n```\n\ntext **bold**\n\n```console\n$ kubectl get pods\nNAME\n```\n';
const element =
  '<pod-lab id="same" title="두 &#x22;파드&#x22;" nodes="2" cni="calico" podcidr="10.0.0.0/16" show="hops tables">' +
  '<div data-lab-block="yaml" data-title="pod.yaml">\n<pre><code class="language-yaml">kind: Pod\n</code></pre>\n</div>' +
  '<p>text <strong>bold</strong></p>' +
  '<div data-lab-block="console">\n<pre><code class="language-console">$ kubectl get pods\nNAME\n</code></pre>\n</div></pod-lab>';

describe('a lab', () => {
  it.each([
    [
      'a directive',
      `:::lab{#same title="두 &quot;파드&quot;" nodes=2 cni=calico podCIDR=10.0.0.0/16 show="hops tables"}\n${manifest}:::\n`,
    ],
    [
      'a directive in blanks and with more colons',
      `:::::lab{ id="same"  title='두 "파드"' nodes="2" cni=calico podCIDR=10.0.0.0/16 show="hops,tables" }\n${manifest}:::::  \n`,
    ],
    [
      'a shortcode',
      `{{< lab id=same title="두 \\"파드\\"" nodes=2 cni=calico podCIDR="10.0.0.0/16" show="hops tables" >}}\n${manifest}{{< /lab >}}\n`,
    ],
    [
      'a shortcode in percent signs over several lines',
      `{{% lab\n  id="same"\n  title=\`두 "파드"\`\n  nodes=2 cni=calico\n  podCIDR=10.0.0.0/16 show="hops tables" %}}\n${manifest}{{% /lab %}}\n`,
    ],
    [
      'a shortcode with the page’s defaults',
      `---\nlab: { nodes: 2, cni: calico, podCIDR: 10.0.0.0/16, show: [hops, tables] }\n---\n{{< lab id=same title="두 \\"파드\\"" >}}\n${manifest}{{< /lab >}}\n`,
    ],
    [
      'a directive that knows better than the page',
      `+++\n[lab]\nnodes = 3\npodCIDR = "10.0.0.0/16"\n+++\n:::lab{#same title="두 &quot;파드&quot;" nodes=2 cni=calico show="hops tables"}\n${manifest}:::\n`,
    ],
  ])('written as %s is the same element', async (_name, source) => {
    expect(await html(source)).toBe(element);
  });

  it('may stand in a list, and hold shown labs', async () => {
    const page = await html(
      '- a\n\n  {{< lab >}}\n  ```console\n  $ x\n  ```\n  ```md\n  {{</* lab */>}}\n  :::::\n  ```\n  {{< /lab >}}\n- b\n',
    );
    expect(page).toMatch(
      /<li>\n<p>a<\/p>\n<pod-lab id="lab-1"[^]*\$ x\n<\/code>[^]*\{\{&#x3C; lab >}}\n:::::\n<\/code><\/pre><\/pod-lab>\n<\/li>\n<li>\n<p>b/,
    );
  });

  it('in code is text', async () => {
    expect(await html('````md\n:::lab\n```yaml\n```\n:::\n````\n')).toBe(
      '<pre><code class="language-md">:::lab\n```yaml\n```\n:::\n</code></pre>',
    );
  });

  it('with an error shows it in its place, with its code and no element', async () => {
    expect(await html(':::lab{nodez=2}\n```yaml\na: 1\n```\n:::\n')).toBe(
      '<div data-lab-error="lab/unknown-attribute"><blockquote>\n<p>"nodez": did you mean "nodes"?</p>\n</blockquote>' +
        '<div data-lab-block="yaml">\n<pre><code class="language-yaml">a: 1\n</code></pre>\n</div></div>',
    );
    expect(
      await html(':::lab{nodez=2}\n:::\n', { severities: { 'lab/unknown-attribute': 'warn' } }),
    ).toContain('<pod-lab');
  });

  it('is known with the place of every manifest and command', () => {
    const { labs } = parseLesson(`---\ntitle: x\n---\n\n:::lab{#a}\n${manifest}:::\n`, 'p.md');
    expect(labs).toEqual([
      {
        id: 'a',
        show: [],
        place: { file: 'p.md', line: 5, column: 1 },
        blocks: [
          {
            kind: 'manifest',
            name: 'pod.yaml',
            text: 'kind: Pod',
            readonly: false,
            place: { file: 'p.md', line: 7, column: 1 },
          },
          {
            kind: 'console',
            place: { file: 'p.md', line: 13, column: 1 },
            steps: [
              { command: 'kubectl get pods', expected: 'NAME', place: { file: 'p.md', line: 13, column: 1 } },
            ],
          },
        ],
      },
    ]);
  });

  it('names manifests that have no title, and locks those that are read only', () => {
    const { labs } = parseLesson(
      ':::lab\n```yaml readonly\na\n```\n```yml title=b.yaml\nb\n```\n```YAML {3}\nc\n```\n:::\n',
      'p.md',
    );
    expect(labs[0]?.blocks).toMatchObject([
      { name: 'manifest.yaml', readonly: true },
      { name: 'b.yaml', readonly: false },
      { name: 'manifest-3.yaml', readonly: false },
    ]);
  });

  it('without an id has a number that no other lab has', () => {
    const { labs } = parseLesson(':::lab{#lab-2}\n:::\n\n:::lab\n:::\n\n:::lab\n:::\n', 'p.md');
    expect(labs.map((lab) => lab.id)).toEqual(['lab-2', 'lab-3', 'lab-4']);
  });
});

describe('an unknown directive', () => {
  it('is given back as it was written', async () => {
    expect(
      await html('::leaf[a *b*]{c=d}\n\n:::note[T]{x="y"}\ninside **bold**\n:::\n\n:::lab\nx\n:::\n'),
    ).toMatch(
      /^<p>::leaf\[a \*b\*\]\{c=d\}<\/p>\n<p>:::note\[T\]\{x="y"\}<\/p>\n<p>inside <strong>bold<\/strong><\/p>\n<p>:::<\/p>\n<pod-lab/,
    );
  });

  it('is left to whoever it belongs to', () => {
    const { tree, messages } = parseLesson(':::note\nx\n:::\n', 'p.md', { foreign: ['note'] });
    expect(tree.children[0]?.type).toBe('containerDirective');
    expect(messages).toEqual([]);
  });
});
