import { buildPageSet, type Page, type PageSet } from '../lesson/hugo/page-set.ts';
import { readContent, readSource, type SiteSource } from './source.ts';

export interface Site extends SiteSource {
  readonly pages: PageSet;
  /** By what Starlight calls them. */
  readonly byEntry: ReadonlyMap<string, Page>;
}

/** Reads the whole site; drafts and what is still to come are shown in development only. */
export function readSite(options: { readonly drafts: boolean }): Site {
  const source = readSource();
  const pages = buildPageSet(source.config, readContent(source), {
    now: Date.now(),
    ...(options.drafts ? { drafts: true, future: true, expired: true } : {}),
  });
  // Where two pages claim one address, the first has it.
  const byEntry = new Map(pages.pages.toReversed().map((page) => [entryId(page), page]));
  return { ...source, pages, byEntry };
}

let known: Site | undefined;

/** The site as it was first read; for what is rendered after the content has been loaded. */
export function site(): Site {
  known ??= readSite({ drafts: import.meta.env.DEV });
  return known;
}

/** Forgets what was read, after a change in development. */
export function forgetSite(): void {
  known = undefined;
}

/** What Starlight calls a page: its address below the site's, without slashes at the ends. */
export function entryId(page: Pick<Page, 'outputFile'>): string {
  return page.outputFile === 'index.html' ? 'index' : page.outputFile.replace(/\/index\.html$/, '');
}

/** Every page's title says something: its own, or the name of its file. */
export function shownTitle(page: Page): string {
  return page.fields.title || page.key.split('/').at(-1) || page.language;
}

export function linkTitle(page: Page): string {
  return page.fields.linkTitle || shownTitle(page);
}
