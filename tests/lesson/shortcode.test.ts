import { mkdtempSync, cpSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { pairShortcodes, scanShortcodes, type ShortcodeTag } from '../../src/lesson/shortcode.ts';
import { buildWithHugo, fixtures, hasHugo } from './hugo/real-hugo.ts';

const site = join(fixtures, 'sites', 'shortcodes');

function calls(source: string): ShortcodeTag[] {
  return scanShortcodes(source).flatMap((token) =>
    token.kind === 'tag' && token.form !== 'close' ? [token] : [],
  );
}

function call(source: string): unknown {
  const [tag] = calls(source);
  return tag === undefined
    ? scanShortcodes(source).map((token) => (token.kind === 'error' ? token.message : token.kind))
    : [
        tag.name,
        tag.form,
        ...tag.args.map(({ name, value }) => (name === undefined ? value : `${name}=${value}`)),
      ];
}

describe('a shortcode call', () => {
  it.each<[string, readonly string[]]>([
    ['{{< lab >}}', ['lab', 'open']],
    ['{{<lab>}}', ['lab', 'open']],

    ['{{% lab nodes=2 %}}', ['lab', 'open', 'nodes=2']],
    ['{{< lab nodes=2 />}}', ['lab', 'self', 'nodes=2']],
    ['{{< lab/>}}', ['lab/', 'open']],
    ['{{< ref "docs/a.md" >}}', ['ref', 'open', 'docs/a.md']],
    ['{{< lab title="a >}} b" >}}', ['lab', 'open', 'title=a >}} b']],
    ['{{< lab title=`a\nb` >}}', ['lab', 'open', 'title=a\nb']],
    ['{{< lab\n  title="x"\n  nodes=2\n>}}', ['lab', 'open', 'title=x', 'nodes=2']],
  ])('%j is read', (source, expected) => {
    expect(call(source)).toEqual(expected);
  });

  it.each([
    ['{{< lab', 'unclosed shortcode action'],
    ['{{< >}}', 'a shortcode has no name'],
    ['{{< lab title="x >}}', 'unterminated quoted string in shortcode parameter-argument'],
    ['{{< lab `x >}}', 'unterminated raw string in shortcode parameter-argument'],
    ['{{< lab "x" nodes=2 >}}', 'cannot mix named and positional parameters'],
    ['{{</* lab >}}', 'comment must be closed'],
  ])('%j is told as an error: %s', (source, message) => {
    expect(call(source)).toContain(message);
  });

  it('closes with a slash before its name', () => {
    expect(scanShortcodes('{{< /lab >}}{{< / lab >}}')).toMatchObject([
      { name: 'lab', form: 'close' },
      { name: 'lab', form: 'close' },
    ]);
  });

  it('is none in {{ }} of another template language', () => {
    expect(scanShortcodes('{{ .Values.x }} {{- if }} {{')).toEqual([]);
  });

  it('between comment marks is what it shows', () => {
    expect(scanShortcodes('{{</* lab a="b" */>}}')).toMatchObject([
      { kind: 'literal', text: '{{< lab a="b" >}}' },
    ]);
  });
});

describe('pairs of shortcode calls', () => {
  it('nest', () => {
    const { calls, errors } = pairShortcodes(
      scanShortcodes('{{< a >}}{{< b >}}{{< /b >}}{{< /a >}}'),
      new Set(),
    );
    expect(errors).toEqual([]);
    expect(calls.map(({ open, close, depth }) => [open.name, close?.start, depth])).toEqual([
      ['a', 28, 0],
      ['b', 18, 1],
    ]);
  });

  it('need no end unless they are blocks', () => {
    const { calls, errors } = pairShortcodes(scanShortcodes('{{< lab >}}{{< ref "x" >}}'), new Set(['lab']));
    expect(calls.map(({ open }) => open.name)).toEqual(['ref']);
    expect(errors.map((error) => error.message)).toEqual(['unclosed shortcode "lab"']);
  });

  it('have no end without a beginning', () => {
    const { errors } = pairShortcodes(scanShortcodes('{{< /lab >}}'), new Set(['lab']));
    expect(errors.map((error) => error.message)).toEqual([
      'closing tag for shortcode "lab" does not match any opening tag',
    ]);
  });
});

describe.skipIf(!hasHugo)('beside real hugo', () => {
  const source = readFileSync(join(site, 'content/docs/calls.md'), 'utf8');

  it('every call has the same arguments', () => {
    const printed = Array.from(
      buildWithHugo(site)
        .html('docs/calls/index.html')
        .matchAll(/CALL(.*?)END/g),
      ([, json]): unknown => JSON.parse(Buffer.from(json ?? '', 'base64').toString()),
    );
    expect(printed.length).toBeGreaterThan(10);
    const own = calls(source).map((tag) => {
      const named = tag.args.some((argument) => argument.name !== undefined);
      const params = named
        ? Object.fromEntries(tag.args.map(({ name, value }) => [name ?? '', value]))
        : tag.args.map((argument) => argument.value);
      return { named, params: tag.args.length === 0 ? null : params };
    });
    expect(own.map(asText)).toEqual(printed.map(asText));
  });

  // Hugo knows numbers and truth values in bare arguments; we know what they are for.
  function asText(value: unknown): unknown {
    return JSON.parse(JSON.stringify(value), (_key, inner: unknown) =>
      typeof inner === 'number' || (typeof inner === 'boolean' && _key !== 'named') ? String(inner) : inner,
    );
  }

  it.each([
    '{{< show',
    '{{< show title="x >}}',
    '{{< show "x" nodes=2 >}}',
    '{{</* show >}}',
    '{{< nothing-such >}}',
    '{{< /show >}}',
  ])('%j stops its build too', (broken) => {
    const dir = mkdtempSync(join(tmpdir(), 'podwalk-broken-'));
    try {
      cpSync(site, dir, { recursive: true });
      writeFileSync(join(dir, 'content/docs/calls.md'), `text\n\n${broken}\n`);
      expect(() => buildWithHugo(dir)).toThrow();
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
