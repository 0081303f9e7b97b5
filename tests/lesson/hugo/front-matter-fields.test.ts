import { describe, expect, it } from 'vitest';
import { readCascades } from '../../../src/lesson/hugo/cascade.ts';
import { defaultConfig, hugoAtLeast, readConfig } from '../../../src/lesson/hugo/config.ts';
import { readDate } from '../../../src/lesson/hugo/date.ts';
import { readFields } from '../../../src/lesson/hugo/page-fields.ts';
import { expandPermalink } from '../../../src/lesson/hugo/permalink.ts';

describe('a date', () => {
  it.each([
    ['2024-05-17', '2024-05-17T00:00:00.000Z'],
    ['2024-5-7', '2024-05-07T00:00:00.000Z'],
    ['2024-05-17 10:20', '2024-05-17T10:20:00.000Z'],
    ['2024-05-17T10:20:30', '2024-05-17T10:20:30.000Z'],
    ['2024-05-17T10:20:30.5+09:00', '2024-05-17T01:20:30.500Z'],
    ['2024-05-17T10:20:30Z', '2024-05-17T10:20:30.000Z'],
    ['Fri, 17 May 2024 10:20:30 GMT', '2024-05-17T10:20:30.000Z'],
    ['17 May 2024', '2024-05-17T00:00:00.000Z'],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
  ])('%j is %s', (written, expected) => {
    expect(new Date(readDate(written) ?? NaN).toISOString()).toBe(expected);
  });

  it.each(['', 'yesterday', '2024', true, [], null])('%j is none', (written) => {
    expect(readDate(written)).toBeUndefined();
  });
});

describe('a permalink pattern', () => {
  const page = {
    title: 'A Title',
    slug: '',
    fileName: 'file-name',
    sections: ['docs', 'net', 'pods'],
    date: Date.UTC(2024, 4, 7),
  };
  it.each([
    ['/:year/:month/:day/:title/', '/2024/05/07/a-title/'],
    ['/:monthname/:weekdayname/:weekday/:yearday/', '/May/Tuesday/2/128/'],
    ['/:section/:slug/', '/docs/a-title/'],
    ['/:sections/:filename', '/docs/net/pods/file-name'],
    ['/:sections[1:]/:slugorfilename', '/net/pods/file-name'],
    ['/:sections[:last]/x', '/docs/net/x'],
    ['/:sections[last]/x', '/pods/x'],
  ])('%s is %s', (pattern, expected) => {
    expect(expandPermalink(pattern, page, {})).toEqual({ path: expected });
  });

  it('with an unknown token is told', () => {
    expect(expandPermalink('/:nothing/', page, {})).toEqual({
      problem: 'permalink ill-formed: unknown token :nothing',
    });
  });
});

describe('the fields of a page', () => {
  const read = (data: Record<string, unknown>, name = 'page', config = defaultConfig()) =>
    readFields(data, name, config, { placeOf: () => ({ line: 1, column: 1 }) }, 'p.md');

  it.each<[Record<string, unknown>, Record<string, unknown>]>([
    [{ title: 10 }, { title: '10', linkTitle: '10' }],
    [
      { title: 'a', linktitle: 'b' },
      { title: 'a', linkTitle: 'b' },
    ],
    [{ draft: 'true' }, { draft: true }],
    [{ published: false }, { draft: true }],
    [{ weight: '-3' }, { weight: -3 }],
    [{ slug: '--a-b--' }, { slug: 'a-b' }],
    [{ aliases: 'one' }, { aliases: ['one'] }],
    [{ pubdate: '2024-01-01' }, { date: Date.UTC(2024, 0, 1), publishDate: Date.UTC(2024, 0, 1) }],
    [{ build: { render: 'never', list: 'never' } }, { rendered: false, listed: false }],
    [{ headless: true }, { rendered: false }],
  ])('%j means %j', (data, fields) => {
    expect(read(data)).toMatchObject({ fields, messages: [] });
  });

  it('take date and slug from the file name where the site says so', () => {
    const { config } = readConfig('frontmatter: { date: [":filename", ":default"] }', 'hugo.yaml');
    expect(read({}, '2024-05-17-a-post', config).fields).toMatchObject({
      date: Date.UTC(2024, 4, 17),
      slug: 'a-post',
    });
    expect(read({ date: '2020-01-01' }, 'a-post', config).fields).toMatchObject({
      date: Date.UTC(2020, 0, 1),
      slug: '',
    });
  });

  it('that cannot be are told once', () => {
    expect(
      read({ date: 'x', url: 'https://other.example/', title: [] }).messages.map((told) => told.message),
    ).toEqual([
      'date must be a date such as 2024-05-17, not "x"',
      'url must be a path of this site, not "https://other.example/"',
      'title must be a text, not []',
    ]);
  });
});

describe('a cascade', () => {
  const page = { path: '/docs/net/a', kind: 'page', language: 'ko' };
  it.each([
    [{ weight: 1 }, true],
    [{ weight: 1, target: { path: '/docs/**' } }, true],
    [{ weight: 1, _target: { path: '/docs/*' } }, false],
    [{ weight: 1, _target: { path: '{/docs/net/*,/x}', kind: 'page', lang: 'ko' } }, true],
    [{ weight: 1, _target: { kind: 'section' } }, false],
    [{ weight: 1, _target: { lang: 'en' } }, false],
  ])('%j holds for a page: %s', (field, holds) => {
    expect(readCascades(field).map((cascade) => [cascade.values, cascade.matches(page)])).toEqual([
      [{ weight: 1 }, holds],
    ]);
  });
});

describe('a configuration', () => {
  it('has Hugo’s defaults', () => {
    expect(defaultConfig()).toMatchObject({
      basePath: '/',
      defaultLanguage: 'en',
      languages: [{ code: 'en', contentDir: 'content' }],
      headingIds: 'github',
      unsafe: false,
      typographer: true,
    });
  });

  it('puts languages in order, weight 0 last, and leaves disabled ones out', () => {
    const { config } = readConfig(
      'languages: { en: {}, ko: { weight: 2 }, ja: { weight: 1 }, fr: { disabled: true } }',
      'hugo.yaml',
    );
    expect(config.languages.map((language) => language.code)).toEqual(['ja', 'ko', 'en']);
  });

  it('names the Hugo that is used elsewhere; without it the newest counts', () => {
    expect(hugoAtLeast(defaultConfig(), 0, 144)).toBe(true);
    const named = (version: string) =>
      readConfig(`params: { podwalk: { hugo: "${version}" } }`, 'hugo.yaml').config;
    expect(
      [named('0.111.3'), named('0.144.0'), named('v1.0')].map((config) => hugoAtLeast(config, 0, 144)),
    ).toEqual([false, true, true]);
  });
});
