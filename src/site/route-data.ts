import { defineRouteMiddleware } from '@astrojs/starlight/route-data';
import type { Page } from '../lesson/hugo/page-set.ts';
import { elementAssets } from './element.ts';
import { linkTitle, site } from './site.ts';

type Route = Parameters<Parameters<typeof defineRouteMiddleware>[0]>[0]['locals']['starlightRoute'];
type Entry = Route['sidebar'][number];
type Link = Extract<Entry, { type: 'link' }>;

/** The sidebar, the neighbours and the element's files, by Hugo's order and not by the names of files. */
export const onRequest = defineRouteMiddleware((context) => {
  const route = context.locals.starlightRoute;
  const { pages, byEntry } = site();
  const page = byEntry.get(route.entry.id || 'index');
  if (page === undefined) return;
  const language = route.isFallback === true ? (route.locale ?? page.language) : page.language;
  const home = pages.pages.find((candidate) => candidate.kind === 'home' && candidate.language === language);
  const overview = context.locals.t('tableOfContents.overview');
  route.sidebar =
    home === undefined
      ? []
      : pages.children(home).map((child) => entryFor(child, context.url.pathname, overview));
  route.hasSidebar = route.sidebar.length > 0;

  const parent = pages.parent(page);
  const siblings =
    parent === undefined ? [] : pages.children(parent).filter((child) => child.kind === page.kind);
  const at = siblings.indexOf(page);
  route.pagination = {
    prev: linkFor(at > 0 ? siblings[at - 1] : undefined, ''),
    next: linkFor(at < 0 ? undefined : siblings[at + 1], ''),
  };
  if (route.entry.rendered?.html.includes('<pod-lab') === true) {
    const { style, script } = elementAssets();
    route.head.push({ tag: 'link', attrs: { rel: 'stylesheet', href: style } });
    route.head.push({ tag: 'script', attrs: { type: 'module', src: script } });
  }
});

/** A section is a group of what is in it, with its own page first where it has something to say. */
function entryFor(page: Page, current: string, overview: string): Entry {
  const children = site().pages.children(page);
  if (page.kind !== 'section' || children.length === 0) return link(page, current);
  const entries = children.map((child) => entryFor(child, current, overview));
  const hasText =
    page.file !== undefined && page.file.source.slice(page.frontMatter?.bodyStart).trim() !== '';
  const own = hasText ? [{ ...link(page, current), label: overview }] : [];
  return {
    type: 'group',
    label: linkTitle(page),
    entries: [...own, ...entries],
    collapsed: false,
    badge: undefined,
  };
}

function linkFor(page: Page | undefined, current: string): Link | undefined {
  return page === undefined ? undefined : link(page, current);
}

function link(page: Page, current: string): Link {
  const isCurrent = encodeURI(page.address) === current || page.address === decodeURI(current);
  return { type: 'link', label: linkTitle(page), href: page.address, isCurrent, badge: undefined, attrs: {} };
}
