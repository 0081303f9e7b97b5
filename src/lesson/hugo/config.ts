import { isRecord, readFrontMatter } from '../front-matter.ts';
import type { Message, Severities, Severity } from '../message.ts';
import type { HeadingIdKind } from './heading-id.ts';

export interface Language {
  readonly code: string;
  /** What it calls itself; its code when the site does not say. */
  readonly name: string;
  readonly weight: number;
  readonly title: string;
  readonly contentDir: string;
}

/** What we use of a Hugo site's configuration, with Hugo's defaults in place. */
export interface SiteConfig {
  readonly baseURL: string;
  /** The path of `baseURL`, with a slash at both ends. */
  readonly basePath: string;
  readonly title: string;
  /** In Hugo's order: weight, then code. Never empty. */
  readonly languages: readonly Language[];
  readonly defaultLanguage: string;
  readonly defaultLanguageInSubdir: boolean;
  /** Patterns by the name of a top-level section; pages only. */
  readonly permalinks: Readonly<Record<string, string>>;
  readonly uglyURLs: boolean | Readonly<Record<string, boolean>>;
  readonly removePathAccents: boolean;
  readonly disablePathToLower: boolean;
  readonly buildDrafts: boolean;
  readonly buildFuture: boolean;
  readonly buildExpired: boolean;
  /** Where dates are taken from: field names, and `:filename`, `:default`. */
  readonly dates: Readonly<Record<'date' | 'publishdate' | 'expirydate' | 'lastmod', readonly string[]>>;
  readonly unsafe: boolean;
  readonly headingIds: HeadingIdKind;
  readonly headingAttributes: boolean;
  readonly typographer: boolean;
  /** The Hugo that the site is built with elsewhere, as `params.podwalk.hugo` names it; the newest when it does not. */
  readonly hugoVersion: readonly [number, number];
  /** `params.podwalk.rules`. */
  readonly severities: Severities;
  /** All parameters, keys in lower case. */
  readonly params: Readonly<Record<string, unknown>>;
}

/** The names under which Hugo looks for its configuration, best first. */
export const configNames = [
  'hugo.toml',
  'hugo.yaml',
  'hugo.yml',
  'hugo.json',
  'config.toml',
  'config.yaml',
  'config.yml',
  'config.json',
] as const;

const newest: readonly [number, number] = [0, 1000];

const defaultDates = {
  date: ['date', 'publishdate', 'pubdate', 'published', 'lastmod', 'modified'],
  publishdate: ['publishdate', 'pubdate', 'published', 'date'],
  expirydate: ['expirydate', 'unpublishdate'],
  lastmod: ['lastmod', 'modified', 'date', 'publishdate', 'pubdate', 'published'],
} as const;

/** Reads a configuration file; never throws. */
export function readConfig(source: string, file: string): { config: SiteConfig; messages: Message[] } {
  const kind = file.slice(file.lastIndexOf('.') + 1);
  const fence = kind === 'toml' ? '+++' : kind === 'json' ? undefined : '---';
  // Read as front matter without a page; the fence stands on a line of its own before the file's first.
  const wrapped =
    fence === undefined
      ? source
      : `${fence}\n${source.replace(/^\uFEFF?(?:---[ \t]*\r?\n)?/, '')}\n${fence}\n`;
  const { frontMatter, messages } = readFrontMatter(wrapped, file);
  const shift = fence === undefined ? 0 : 1;
  const data = frontMatter.data;
  const params = record(data['params']);
  const goldmark = record(record(data['markup'])['goldmark']);
  const parser = record(goldmark['parser']);
  const contentDir = text(data['contentdir'], 'content');
  const defaultLanguage = text(data['defaultcontentlanguage'], 'en');
  const baseURL = text(data['baseurl'], '/');
  const podwalk = record(params['podwalk']);
  const frontmatter = record(data['frontmatter']);
  const severities = readSeverities(record(podwalk['rules']));
  const config: SiteConfig = {
    baseURL,
    basePath: pathOf(baseURL),
    title: text(data['title'], ''),
    languages: readLanguages(record(data['languages']), defaultLanguage, contentDir, text(data['title'], '')),
    defaultLanguage,
    defaultLanguageInSubdir: data['defaultcontentlanguageinsubdir'] === true,
    permalinks: readPermalinks(record(data['permalinks'])),
    uglyURLs: isRecord(data['uglyurls']) ? flags(data['uglyurls']) : data['uglyurls'] === true,
    removePathAccents: data['removepathaccents'] === true,
    disablePathToLower: data['disablepathtolower'] === true,
    buildDrafts: data['builddrafts'] === true,
    buildFuture: data['buildfuture'] === true,
    buildExpired: data['buildexpired'] === true,
    dates: {
      date: dateSources(frontmatter['date'], defaultDates.date),
      publishdate: dateSources(frontmatter['publishdate'], defaultDates.publishdate),
      expirydate: dateSources(frontmatter['expirydate'], defaultDates.expirydate),
      lastmod: dateSources(frontmatter['lastmod'], defaultDates.lastmod),
    },
    unsafe: record(goldmark['renderer'])['unsafe'] === true,
    headingIds: readHeadingIds(parser['autoheadingidtype']),
    headingAttributes: record(parser['attribute'])['title'] !== false,
    typographer: record(goldmark['extensions'])['typographer'] !== false,
    hugoVersion: readVersion(podwalk['hugo']),
    severities: severities.rules,
    params,
  };
  const wrongRules = severities.wrong.map((rule): Message => {
    const { line, column } = frontMatter.placeOf('params', 'podwalk', 'rules', rule);
    const message = `rule "${rule}" must be error, warn or off`;
    return { file, line, column, severity: 'error', rule: 'config/rule', message };
  });
  return {
    config,
    messages: [...messages, ...wrongRules].map((message) => ({
      ...message,
      line: Math.max(1, message.line - shift),
    })),
  };
}

/** The configuration of a site that has no file. */
export function defaultConfig(): SiteConfig {
  return readConfig('', 'hugo.yaml').config;
}

/** Whether the Hugo that the site names is at least this one. */
export function hugoAtLeast(config: SiteConfig, major: number, minor: number): boolean {
  const [siteMajor, siteMinor] = config.hugoVersion;
  return siteMajor > major || (siteMajor === major && siteMinor >= minor);
}

function record(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

function text(value: unknown, otherwise: string): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : otherwise;
}

function flags(value: Record<string, unknown>): Record<string, boolean> {
  return Object.fromEntries(Object.entries(value).map(([name, flag]) => [name, flag === true]));
}

function pathOf(baseURL: string): string {
  const path = baseURL.replace(/^[a-z][a-z+.-]*:\/\/[^/]*/i, '').replace(/^\/+|\/+$/g, '');
  return path === '' ? '/' : `/${path}/`;
}

function readLanguages(
  languages: Record<string, unknown>,
  defaultLanguage: string,
  contentDir: string,
  title: string,
): Language[] {
  const read = Object.entries(languages).flatMap(([code, value]): Language[] => {
    const fields = record(value);
    if (fields['disabled'] === true) return [];
    return [
      {
        code,
        name: text(fields['languagename'], code),
        weight: typeof fields['weight'] === 'number' ? fields['weight'] : 0,
        title: text(fields['title'], title),
        contentDir: trimSlashes(text(fields['contentdir'], contentDir)),
      },
    ];
  });
  if (read.length === 0) {
    return [
      { code: defaultLanguage, name: defaultLanguage, weight: 0, title, contentDir: trimSlashes(contentDir) },
    ];
  }
  // Weight 0 is no weight and comes last, as with pages.
  const rank = (language: Language): number => (language.weight === 0 ? Infinity : language.weight);
  return read.sort((a, b) => {
    const [first, second] = [rank(a), rank(b)];
    return first === second ? (a.code < b.code ? -1 : 1) : first - second;
  });
}

function trimSlashes(path: string): string {
  return path.replace(/^(?:\.?\/)+|\/+$/g, '');
}

/** `permalinks: {docs: …}` of old, or `permalinks: {page: {docs: …}}`. */
function readPermalinks(permalinks: Record<string, unknown>): Record<string, string> {
  const patterns: Record<string, string> = {};
  for (const [name, value] of [
    ...Object.entries(permalinks),
    ...Object.entries(record(permalinks['page'])),
  ]) {
    if (typeof value === 'string') patterns[name] = value;
  }
  return patterns;
}

function dateSources(value: unknown, defaults: readonly string[]): readonly string[] {
  if (!Array.isArray(value)) return defaults;
  return value.flatMap((name) => (name === ':default' ? defaults : [String(name).toLowerCase()]));
}

function readHeadingIds(value: unknown): HeadingIdKind {
  return value === 'github-ascii' || value === 'blackfriday' ? value : 'github';
}

function readVersion(value: unknown): readonly [number, number] {
  const found = /^v?(\d+)\.(\d+)/.exec(text(value, ''));
  return found === null ? newest : [Number(found[1]), Number(found[2])];
}

function readSeverities(rules: Record<string, unknown>): {
  rules: Record<string, Severity>;
  wrong: string[];
} {
  const read: Record<string, Severity> = {};
  const wrong: string[] = [];
  for (const [rule, value] of Object.entries(rules)) {
    // YAML 1.1 reads `off` as false.
    const severity = value === false ? 'off' : value;
    if (severity === 'error' || severity === 'warn' || severity === 'off') read[rule] = severity;
    else wrong.push(rule);
  }
  return { rules: read, wrong };
}
