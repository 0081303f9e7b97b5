import { describe, expect, it } from 'vitest';
import { defaultConfig, readConfig } from '../../src/lesson/hugo/config.ts';
import { lintLesson } from '../../src/lesson/lint.ts';
import { formatMessage } from '../../src/lesson/message.ts';

function told(source: string, config = defaultConfig()): string[] {
  return lintLesson(source, 'p.md', config).messages.map(formatMessage);
}

const lab = '```console\n$ x\n```\n';

describe('a mistake is told with its place and rule', () => {
  it.each([
    [`:::lab{node=2}\n${lab}:::`, 'p.md:1:8 error lab/unknown-attribute  "node": did you mean "nodes"?'],
    [
      `:::lab{title="x"  colour=red}\n${lab}:::`,
      'p.md:1:19 error lab/unknown-attribute  "colour" is not known; known are id, title, nodes, cni, proxy, podCIDR, serviceCIDR, cluster, show',
    ],
    [
      `:::lab{nodes=many}\n${lab}:::`,
      'p.md:1:8 error lab/bad-attribute  nodes=many: a number from 1 to 5000 is needed',
    ],
    [`:::lab{cni=flanel}\n${lab}:::`, 'p.md:1:8 error lab/bad-attribute  "flanel": did you mean "flannel"?'],
    [
      `:::lab{podCIDR=10.0.0.0}\n${lab}:::`,
      'p.md:1:8 error lab/bad-attribute  podCIDR=10.0.0.0: a prefix such as 10.244.0.0/16 is needed',
    ],
    [
      `:::lab{show="hops screen"}\n${lab}:::`,
      'p.md:1:8 error lab/bad-attribute  "screen" is not known; known are topology, hops, tables, terminal, manifest, packet, reach',
    ],
    [
      `- x\n\n  {{< lab "Title" >}}\n  x\n  {{< /lab >}}\n`,
      'p.md:3:11 error lab/bad-attribute  "Title" has no name: write title="Title" or the like',
    ],
    ['::reach', 'p.md:1:1 error reach/no-cluster  ::reach needs a cluster: write ::reach{cluster=NAME}'],
    [
      `:::lab{cluster=shop}\n${lab}:::\n\n::reach{cluster=shp}`,
      'p.md:7:1 error reach/unknown-cluster  no lab above has cluster=shp; there is shop',
    ],
    [
      `:::lab{cluster=shop}\n${lab}:::\n\n::reach{cluster=shop nodes=2}`,
      'p.md:7:22 error lab/unknown-attribute  "nodes" is not known; known are id, title, cluster',
    ],
    [`\n:::lab\n${lab}`, 'p.md:2:1 error lab/unclosed  this lab is never closed by a line of colons'],
    [`\n{{< lab >}}\n${lab}`, 'p.md:2:1 error lab/unclosed  unclosed shortcode "lab"'],
    [
      `{{< lab />}}\n`,
      'p.md:1:1 error lab/empty  this lab has nothing inside: write its blocks and {{< /lab >}} after it',
    ],
    [
      `:::lab{#a}\n${lab}:::\n\n:::lab{#a}\n${lab}:::\n`,
      'p.md:7:1 error lab/duplicate-id  the id "a" belongs to the lab on line 1 already',
    ],
    [
      `:::lab\ntext\n:::`,
      'p.md:1:1 warn lab/empty  this lab has no yaml and no console block, so nothing runs',
    ],
    [
      `:::lab{cluster=c nodes=2}\n${lab}:::\n\n:::lab{cluster=c nodes=3}\n${lab}:::\n`,
      'p.md:7:1 error lab/cluster-options  the cluster "c" was made on line 1 with nodes=2',
    ],
    [
      `:::lba\nx\n:::`,
      'p.md:1:1 warn lab/unknown-directive  :::lba is shown as it was written: "lba": did you mean "lab"?',
    ],
    [
      `:::quiz{#q}\nx\n:::`,
      'p.md:1:1 error lab/reserved-directive  :::quiz is part of the lesson format, but not built yet',
    ],
    [`::: lab\nx\n:::`, 'p.md:1:1 error lab/malformed  write :::lab without a blank between'],
    [
      'x\n\n:::lab{nodes=2 "x"}\n',
      'p.md:3:1 error lab/malformed  :::lab is not read as a directive: its attributes must be {…} right after the name, on one line, with values that have blanks or quotes inside quoted',
    ],
    [
      '```\n{{< lab >}}\n```\n\n{{< /lab >}}\n',
      'p.md:2:1 error shortcode/in-code  Hugo runs {{< lab >}} in code too; to show it, write {{</* … */>}}',
    ],
    [
      'a {{< lab >}} b\n\n{{< /lab >}}\n',
      'p.md:1:1 error lab/placement  the opening call of "lab" must stand alone on its line',
    ],
    [
      '\n\n{{< figure src="x" >}}',
      'p.md:3:1 error shortcode/unknown  shortcode "figure" is not known; known are lab',
    ],
    [
      'x {{< lab title="y >}}',
      'p.md:1:3 error shortcode/syntax  unterminated quoted string in shortcode parameter-argument',
    ],
    [
      ':::lab\n```console\nout\n$ x\n```\n:::',
      'p.md:3:1 error console/no-command  output stands before the first "$ command"',
    ],
    ['---\nlab:\n  nodse: 2\n---\n', 'p.md:3:10 error lab/unknown-attribute  "nodse": did you mean "nodes"?'],
    [
      '---\nlab: 2\n---\n',
      'p.md:2:6 error front-matter/lab  the lab field must be a map such as { nodes: 2, cni: flannel }',
    ],
    ['---\nweight: high\n---\n', 'p.md:2:9 error front-matter/field  weight must be a number, not "high"'],
    [
      '---\ndate: yesterday\n---\n',
      'p.md:2:7 error front-matter/field  date must be a date such as 2024-05-17, not "yesterday"',
    ],
    ['<script>\n', 'p.md:1:1 warn html/omitted  raw HTML is left out while unsafe is off: <script>'],
  ])('%j', (source, expected) => {
    expect(told(source)).toContain(expected);
  });

  it('and nothing is told of a lesson without mistakes', () => {
    expect(
      told(`---\ntitle: x\ndate: 2024-05-17\n---\n# A\n\n:::lab{#a title="x"}\n${lab}:::\n\n10.0.0.1:80\n`),
    ).toEqual([]);
  });
});

describe('the site’s configuration', () => {
  it('sets the severity of a rule or of a group of rules', () => {
    const { config, messages } = readConfig(
      'params:\n  podwalk:\n    rules:\n      lab/*: warn\n      lab/empty: off\n      html/omitted: error\n',
      'hugo.yaml',
    );
    expect(messages).toEqual([]);
    expect(told(':::lab{node=2}\n:::\n\n<b>', config)).toEqual([
      'p.md:1:8 warn lab/unknown-attribute  "node": did you mean "nodes"?',
      'p.md:4:1 error html/omitted  raw HTML is left out while unsafe is off: <b>',
    ]);
  });

  it('is told of a severity that is none, and of its own mistakes, at their lines', () => {
    expect(
      readConfig(
        'title: x\nparams: { podwalk: { rules: { lab/empty: fatal } } }\n',
        'hugo.yaml',
      ).messages.map(formatMessage),
    ).toEqual(['hugo.yaml:2:42 error config/rule  rule "lab/empty" must be error, warn or off']);
    expect(readConfig('title = "x"\nbaseURL = \n', 'hugo.toml').messages).toMatchObject([
      { line: 2, rule: 'front-matter/toml' },
    ]);
  });
});
