import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { convertLesson, type LabForm } from '../../src/lesson/convert.ts';
import { parseLesson } from '../../src/lesson/lesson.ts';

function convert(source: string, to: LabForm): string {
  return convertLesson(source, to, 'page.md').source;
}

describe('converting a lesson', () => {
  it.each([
    [':::lab\n```yaml\na: 1\n```\n:::\n', '{{< lab >}}\n```yaml\na: 1\n```\n{{< /lab >}}\n'],
    [
      ':::lab{#same-node title="같은 노드의 두 파드" nodes=2 cni=flannel}\nx\n:::',
      '{{< lab id=same-node title="같은 노드의 두 파드" nodes=2 cni=flannel >}}\nx\n{{< /lab >}}',
    ],
    [
      ':::lab{podCIDR=10.0.0.0/16  nodes="3"}\r\nx\r\n:::\r\n',
      '{{< lab podCIDR=10.0.0.0/16  nodes="3" >}}\r\nx\r\n{{< /lab >}}\r\n',
    ],
    [
      '- a\n\n  :::lab\n  ```console\n  $ x\n  ```\n  :::\n- b\n',
      '- a\n\n  {{< lab >}}\n  ```console\n  $ x\n  ```\n  {{< /lab >}}\n- b\n',
    ],
    ['::::lab\n```md\n:::\n```\n::::\n', '{{< lab >}}\n```md\n:::\n```\n{{< /lab >}}\n'],
    [
      '---\ntitle: "{{< lab >}}"\n---\n:::lab{title="say &quot;hi&quot; &amp;amp;"}\nx\n:::\n',
      '---\ntitle: "{{< lab >}}"\n---\n{{< lab title="say \\"hi\\" &amp;" >}}\nx\n{{< /lab >}}\n',
    ],
  ])('turns %j into %j and back', (directive, shortcode) => {
    expect(convert(directive, 'shortcode')).toBe(shortcode);
    expect(convert(shortcode, 'directive')).toBe(directive);
  });

  it.each([
    '````md\n:::lab\n```yaml\n```\n:::\n````\n',
    '    :::lab\n    :::\n',
    '`:::lab` and ::: lab\n',
    '{{</* lab */>}} x {{</* /lab */>}}\n',
    '~~~\n{{< lab >}}\n{{< /lab >}}\n~~~\n',
    'plain text, 10.244.1.3:80\n',
  ])('leaves %j as it is, both ways', (source) => {
    expect(convert(source, 'shortcode')).toBe(source);
    expect(convert(source, 'directive')).toBe(source);
  });

  it('leaves a lab in a block quote, and says why', () => {
    const source = '> :::lab\n> x\n> :::\n';
    const converted = convertLesson(source, 'shortcode', 'page.md');
    expect(converted.source).toBe(source);
    expect(converted.messages).toMatchObject([{ rule: 'convert/left', line: 1, column: 3 }]);
  });

  it('reads {{% lab %}} and calls over several lines too', () => {
    expect(convert('{{% lab\n  title=`a "b"`\n  nodes=2 %}}\nx\n{{% /lab %}}\n', 'directive')).toBe(
      ':::lab{title="a &quot;b&quot;" nodes=2}\nx\n:::\n',
    );
  });
});

const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,7}$/);
const title = fc.stringMatching(/^[ -~가-힣✅]{0,12}$/u).filter((text) => !/`.*\\|\\.*`/.test(text));
const attributes = fc
  .record(
    {
      id: word,
      title,
      nodes: fc.integer({ min: 1, max: 9 }),
      cni: fc.constantFrom('flannel', 'calico'),
      cluster: word,
    },
    { requiredKeys: [] },
  )
  .map(({ id, title, nodes, cni, cluster }) => {
    const escaped = title?.replace(/&(?=#|[A-Za-z])/g, '&amp;').replaceAll('"', '&quot;');
    const written = [
      id === undefined ? '' : `#${id}`,
      escaped === undefined ? '' : `title="${escaped}"`,
      nodes === undefined ? '' : `nodes=${nodes}`,
      cni === undefined ? '' : `cni=${cni}`,
      cluster === undefined ? '' : `cluster=${cluster}`,
    ].filter((part) => part !== '');
    return written.length === 0 ? '' : `{${written.join(' ')}}`;
  });
const body = fc
  .array(
    fc.constantFrom(
      'text **서비스 (Service)**는',
      '',
      '```yaml title="a.yaml"\nkind: Pod\n```',
      '```console\n$ kubectl get pods\nNAME\n...\n```',
      '- item\n\n  more',
      '> quote',
      '{{</* lab */>}}',
      '```md\n:::lab\n:::\n```',
      '::leaf',
      '| a |\n| - |\n| b |',
      '<div>\n',
      '    indented',
      ':',
      '10.244.1.3:80',
      '{{ .Values.x }}',
    ),
    { maxLength: 6 },
  )
  .map((parts) => parts.join('\n\n'));
const lab = fc.tuple(attributes, body, fc.constantFrom('', '  ')).map(([attributes, inside, indent]) => {
  const colons =
    Math.max(2, ...Array.from(inside.matchAll(/^[ \t]*(:{3,})/gm), (run) => (run[1] ?? '').length)) + 1;
  const fence = ':'.repeat(colons);
  const lines = `${fence}lab${attributes}\n${inside}\n${fence}`;
  return indent === '' ? lines : `- in a list\n\n${lines.replace(/^(?=.)/gm, indent)}`;
});
const lesson = fc
  .tuple(
    fc.constantFrom('', '---\ntitle: x\n---\n', '+++\ntitle = "x"\n+++\n', '{"title": "x"}\n'),
    fc.array(fc.oneof(lab, body), { maxLength: 6 }),
    fc.constantFrom('\n', '\r\n'),
  )
  .map(([frontMatter, parts, eol]) => (frontMatter + parts.join('\n\n') + '\n').replaceAll('\n', eol));

describe('for any lesson', () => {
  it('there and back is the same, byte for byte', () => {
    fc.assert(
      fc.property(lesson, (source) => {
        const { source: shortcodes, messages } = convertLesson(source, 'shortcode', 'p.md');
        if (messages.some((message) => message.rule === 'convert/meaning')) return false;
        return convert(shortcodes, 'directive') === source;
      }),
      { numRuns: 300 },
    );
  });

  it('no lab is lost and none changes its meaning', () => {
    const meaning = (source: string): unknown =>
      JSON.parse(
        JSON.stringify(parseLesson(source, 'p.md').labs, (key, value: unknown) =>
          key === 'place' ? undefined : value,
        ),
      );
    fc.assert(
      fc.property(lesson, (source) => {
        expect(meaning(convert(source, 'shortcode'))).toEqual(meaning(source));
      }),
      { numRuns: 100 },
    );
  });

  it('no source makes it throw', () => {
    const piece = fc.constantFrom(
      ':::',
      '::::',
      'lab',
      '{',
      '}',
      '{{<',
      '>}}',
      '{{%',
      '%}}',
      '/',
      '"',
      '`',
      '\n',
      '  ',
      '```',
      '$ ',
      '#a',
      'title=',
      '> ',
      '- ',
      '\r',
      '/*',
      '*/',
      '---\n',
      '\\',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const source = pieces.join('');
        convert(source, 'shortcode');
        convert(source, 'directive');
      }),
      { numRuns: 500 },
    );
  });
});
