import { isRecord, type FrontMatter } from '../front-matter.ts';
import type { Message } from '../message.ts';
import type { SiteConfig } from './config.ts';
import { readDate } from './date.ts';

/** The fields of a page that decide what and where it is. Dates are milliseconds since 1970. */
export interface PageFields {
  readonly title: string;
  readonly linkTitle: string;
  readonly description: string;
  readonly weight: number;
  readonly date?: number;
  readonly publishDate?: number;
  readonly expiryDate?: number;
  readonly lastmod?: number;
  readonly draft: boolean;
  readonly slug: string;
  readonly url: string;
  readonly aliases: readonly string[];
  readonly translationKey: string;
  /** Whether the page gets an address at all: `headless`, `build.render`. */
  readonly rendered: boolean;
  /** Whether lists show it: `build.list`. */
  readonly listed: boolean;
}

/** Reads the fields of front matter; `fileName` without extension gives what `:filename` asks for. */
export function readFields(
  data: Readonly<Record<string, unknown>>,
  fileName: string,
  config: Pick<SiteConfig, 'dates'>,
  frontMatter: Pick<FrontMatter, 'placeOf'>,
  file: string,
): { fields: PageFields; messages: Message[] } {
  const messages: Message[] = [];
  const complain = (name: string, expected: string): void => {
    const { line, column } = frontMatter.placeOf(name);
    const message = `${name} must be ${expected}, not ${JSON.stringify(data[name])}`;
    messages.push({ file, line, column, severity: 'error', rule: 'front-matter/field', message });
  };
  const text = (...names: readonly string[]): string => {
    for (const name of names) {
      const value = data[name];
      if (value === undefined || value === null) continue;
      if (typeof value === 'string') return value;
      if (typeof value === 'number' || typeof value === 'boolean') return String(value);
      complain(name, 'a text');
    }
    return '';
  };
  const flag = (name: string): boolean => {
    const value = data[name];
    if (value === undefined || value === null || value === '') return false;
    const word = String(value).toLowerCase();
    if (['true', 't', '1', 'yes', 'on', 'y'].includes(word)) return true;
    if (!['false', 'f', '0', 'no', 'off', 'n'].includes(word)) complain(name, 'true or false');
    return false;
  };
  const number = (name: string): number => {
    const value = data[name];
    if (value === undefined || value === null || value === '') return 0;
    const read = typeof value === 'number' || typeof value === 'string' ? Number(value) : NaN;
    if (Number.isFinite(read)) return Math.trunc(read);
    complain(name, 'a number');
    return 0;
  };
  const fromName = /^(\d{4}-\d{2}-\d{2})(?:T[\d-]+)?[-_.]*(.*)$/.exec(fileName);
  let slugFromName = '';
  const date = (sources: readonly string[]): number | undefined => {
    for (const source of sources) {
      if (source === ':filename') {
        const read = readDate(fromName?.[1]);
        if (read === undefined) continue;
        slugFromName = fromName?.[2] ?? '';
        return read;
      }
      const value = data[source];
      if (value === undefined || value === null || value === '') continue;
      // `published: false` is an old way to say draft.
      if (source === 'published' && typeof value === 'boolean') continue;
      const read = readDate(value);
      if (read !== undefined) return read;
      complain(source, 'a date such as 2024-05-17');
    }
    return undefined;
  };
  const dates = {
    date: date(config.dates.date),
    publishDate: date(config.dates.publishdate),
    expiryDate: date(config.dates.expirydate),
    lastmod: date(config.dates.lastmod),
  };
  const build = isRecord(data['build']) ? data['build'] : isRecord(data['_build']) ? data['_build'] : {};
  const aliases = data['aliases'] ?? [];
  const url = text('url');
  if (/^https?:\/\//.test(url)) complain('url', 'a path of this site');
  const title = text('title');
  const linkTitle = text('linktitle');
  return {
    fields: {
      title,
      linkTitle: linkTitle === '' ? title : linkTitle,
      description: text('description'),
      weight: number('weight'),
      ...Object.fromEntries(Object.entries(dates).filter(([, value]) => value !== undefined)),
      draft: flag('draft') || ('published' in data && data['published'] === false),
      slug: text('slug').replace(/^-+|-+$/g, '') || slugFromName,
      url: /^https?:\/\//.test(url) ? '' : url,
      aliases: (Array.isArray(aliases) ? aliases : [aliases]).map(String),
      translationKey: text('translationkey'),
      rendered:
        !flag('headless') && !['never', 'false', 'link'].includes(String(build['render'] ?? 'always')),
      listed: !['never', 'false'].includes(String(build['list'] ?? 'always')),
    },
    messages: uniqueMessages(messages),
  };
}

/** Several dates may be read from one field. */
function uniqueMessages(messages: readonly Message[]): Message[] {
  return messages.filter(
    (message, index) => messages.findIndex((other) => other.message === message.message) === index,
  );
}
