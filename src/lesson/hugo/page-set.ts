import { readFrontMatter, type FrontMatter } from '../front-matter.ts';
import type { Message } from '../message.ts';
import { addressOf, aliasFiles } from './address.ts';
import { readCascades, type Cascade } from './cascade.ts';
import type { Language, SiteConfig } from './config.ts';
import { comparePages } from './order.ts';
import { readFields, type PageFields } from './page-fields.ts';
import { baseName, dirName, joinPath } from './path.ts';

/** A file of the content tree; the path is from the site's root, with `/` between. */
export interface ContentFile {
  readonly path: string;
  readonly source: string;
}

export interface Page {
  /** `docs/networking/pod`: what translations of one page share. Empty for the home page. */
  readonly key: string;
  /** Below the content directory, without extension and language. */
  readonly path: string;
  readonly kind: 'home' | 'section' | 'page';
  readonly language: string;
  /** Absent for homes and top-level sections that have no `_index.md`. */
  readonly file?: ContentFile;
  readonly frontMatter?: FrontMatter;
  /** With what sections above cascade down. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly fields: PageFields;
  /** Directories that are sections, outermost first. */
  readonly sections: readonly string[];
  /** Without escapes: `/base/en/docs/pod-통신/`. */
  readonly address: string;
  /** `en/docs/pod-통신/index.html`. */
  readonly outputFile: string;
  /** The files that its aliases are written to. */
  readonly aliasFiles: readonly string[];
  /** Where its own resources are, for bundles; the directory of the file otherwise. */
  readonly dir: string;
}

export interface PageSet {
  readonly pages: readonly Page[];
  /** Files of the content tree that are no pages: images and what stands in bundles. */
  readonly resources: readonly string[];
  readonly messages: readonly Message[];
  /** Sub-sections and pages of a home or section, in Hugo's order. */
  children(page: Page): readonly Page[];
  /** The page that this one stands in. */
  parent(page: Page): Page | undefined;
  /** The same page in other languages. */
  translations(page: Page): readonly Page[];
  byAddress(address: string): Page | undefined;
}

export interface PageSetOptions {
  /** Milliseconds since 1970, for what is in the future and what has expired. */
  readonly now: number;
  /** As Hugo's `--buildDrafts` and the like; default from the configuration. */
  readonly drafts?: boolean;
  readonly future?: boolean;
  readonly expired?: boolean;
}

/** Finds the pages of a content tree as Hugo does, with their addresses and order. Never throws. */
export function buildPageSet(
  config: SiteConfig,
  files: readonly ContentFile[],
  options: PageSetOptions,
): PageSet {
  const messages: Message[] = [];
  const placed = placeFiles(config, files);
  const drafted = placed.contents.map((content): Draft => {
    const { frontMatter, messages: problems } = readFrontMatter(content.file.source, content.file.path);
    messages.push(...problems);
    return { ...content, frontMatter };
  });
  const pages: Page[] = [];
  for (const language of config.languages) {
    const own = drafted.filter((draft) => draft.language === language.code);
    pages.push(...pagesOf(language, own, config, options, messages));
  }
  const settled = settleAddresses(pages, messages);
  return pageSet(settled, placed.resources, messages);
}

interface Content {
  readonly file: ContentFile;
  readonly language: string;
  /** Below the content directory. */
  readonly dir: string;
  /** Without extension and language. */
  readonly name: string;
}

interface Draft extends Content {
  readonly frontMatter: FrontMatter;
}

function placeFiles(
  config: SiteConfig,
  files: readonly ContentFile[],
): { contents: Content[]; resources: string[] } {
  const contents: Content[] = [];
  const resources: string[] = [];
  const codes = new Set(config.languages.map((language) => language.code));
  // The deepest content directory that holds a file owns it; the default language goes first.
  const roots = config.languages.toSorted(
    (a, b) =>
      b.contentDir.length - a.contentDir.length ||
      Number(b.code === config.defaultLanguage) - Number(a.code === config.defaultLanguage),
  );
  const located = files.flatMap((file) => {
    const root = roots.find(
      (language) => language.contentDir === '' || file.path.startsWith(`${language.contentDir}/`),
    );
    // Hugo's own idea of what an editor leaves behind (`source/sourceSpec.go`).
    if (root === undefined || /^[.#]|~$/.test(baseName(file.path))) return [];
    const path = root.contentDir === '' ? file.path : file.path.slice(root.contentDir.length + 1);
    const found = /^(.*?)(?:\.([\w-]+))?\.(md|markdown|html|htm)$/i.exec(baseName(path));
    const suffix = found?.[2];
    const isLanguage = suffix !== undefined && codes.has(suffix.toLowerCase());
    const name =
      found === null
        ? undefined
        : isLanguage || suffix === undefined
          ? found[1]
          : `${found[1] ?? ''}.${suffix}`;
    const language = isLanguage ? suffix.toLowerCase() : root.code;
    return [{ file, dir: dirName(path), name, language, root: root.contentDir }];
  });
  const bundles = new Set(
    located.filter((item) => item.name === 'index').map((item) => `${item.root}\n${item.dir}`),
  );
  const inBundle = (root: string, dir: string): boolean => {
    for (let at = dir; at !== ''; at = dirName(at)) if (bundles.has(`${root}\n${at}`)) return true;
    return false;
  };
  for (const { file, dir, name, language, root } of located) {
    const isBundle = name === 'index' && !inBundle(root, dirName(dir));
    if (name === undefined || name === '' || (inBundle(root, dir) && !isBundle)) resources.push(file.path);
    else contents.push({ file, language, dir, name });
  }
  return { contents, resources };
}

function pagesOf(
  language: Language,
  drafts: readonly Draft[],
  config: SiteConfig,
  options: PageSetOptions,
  messages: Message[],
): Page[] {
  const sectionDirs = new Map<string, Draft | undefined>([['', undefined]]);
  for (const draft of drafts) {
    // Every top-level directory with a page in it is a section; deeper ones need an `_index.md`.
    const top = draft.name === 'index' && !draft.dir.includes('/') ? '' : (draft.dir.split('/')[0] ?? '');
    if (!sectionDirs.has(top)) sectionDirs.set(top, undefined);
  }
  for (const draft of drafts) if (draft.name === '_index') sectionDirs.set(draft.dir, draft);

  const cascades = new Map<string, readonly Cascade[]>();
  for (const [dir, draft] of sectionDirs) {
    if (draft !== undefined) cascades.set(dir, readCascades(draft.frontMatter.data['cascade']));
  }
  const pages: Page[] = [];
  for (const [dir, draft] of sectionDirs) add(dir === '' ? 'home' : 'section', dir, '', draft);
  for (const draft of drafts) {
    if (draft.name === '_index') continue;
    const isBundle = draft.name === 'index';
    add(
      'page',
      isBundle ? dirName(draft.dir) : draft.dir,
      isBundle ? baseName(draft.dir) : draft.name,
      draft,
    );
  }
  return withSectionDates(pages);

  function add(kind: Page['kind'], dir: string, name: string, draft: Draft | undefined): void {
    const key = joinPath(dir, name);
    const sections = sectionsOf(dir);
    const own = draft?.frontMatter.data ?? {};
    const data = { ...cascaded(kind, dir, key, draft), ...own };
    const path = draft?.file.path ?? '';
    const placeOf =
      draft?.frontMatter.placeOf ?? ((): { line: number; column: number } => ({ line: 1, column: 1 }));
    const { fields: read, messages: problems } = readFields(data, name, config, { placeOf }, path);
    messages.push(...problems);
    const fields = draft === undefined ? { ...read, ...impliedTitle(kind, dir, language) } : read;
    if (isLeftOut(kind, fields, options, config)) return;
    const source = { kind, language: language.code, dir, name, sections, ...fields };
    const { problem, ...address } = addressOf(kind === 'page' ? source : { ...source, slug: '' }, config);
    if (problem !== undefined) {
      messages.push({
        file: path,
        line: 1,
        column: 1,
        severity: 'error',
        rule: 'site/permalink',
        message: problem,
      });
    }
    pages.push({
      key: fields.translationKey === '' ? key : fields.translationKey,
      path: key,
      kind,
      language: language.code,
      ...(draft === undefined ? {} : { file: draft.file, frontMatter: draft.frontMatter }),
      data,
      fields,
      sections,
      ...address,
      aliasFiles: aliasFiles({ ...source, aliases: fields.aliases }, address.outputFile, config),
      dir: draft === undefined ? joinPath(language.contentDir, dir) : dirName(draft.file.path),
    });
  }

  function sectionsOf(dir: string): string[] {
    if (dir === '') return [];
    const names = dir.split('/');
    // The deepest directory that is a section decides; the names above it all count.
    for (let depth = names.length; depth > 0; depth--) {
      if (sectionDirs.has(names.slice(0, depth).join('/'))) return names.slice(0, depth);
    }
    return names.slice(0, 1);
  }

  function cascaded(
    kind: Page['kind'],
    dir: string,
    key: string,
    draft: Draft | undefined,
  ): Record<string, unknown> {
    const target = { path: `/${key}`, kind, language: language.code };
    const above: string[] = [];
    for (let at = dir; ; at = dirName(at)) {
      above.push(at);
      if (at === '') break;
    }
    // What a nearer section says wins over what a farther one says. It holds for the section itself too.
    const merged: Record<string, unknown> = {};
    for (const at of above.reverse()) {
      for (const cascade of cascades.get(at) ?? [])
        if (cascade.matches(target)) Object.assign(merged, cascade.values);
    }
    return draft === undefined && Object.keys(merged).length === 0 ? {} : merged;
  }
}

function isLeftOut(
  kind: Page['kind'],
  fields: PageFields,
  options: PageSetOptions,
  config: SiteConfig,
): boolean {
  if (!fields.rendered) return true;
  if (fields.draft && !(options.drafts ?? config.buildDrafts)) return true;
  if ((fields.publishDate ?? -Infinity) > options.now && !(options.future ?? config.buildFuture)) return true;
  return (fields.expiryDate ?? Infinity) < options.now && !(options.expired ?? config.buildExpired);
}

/** Homes are called as the site is, sections without a file as their directory, in the plural where that is English. */
function impliedTitle(
  kind: Page['kind'],
  dir: string,
  language: Language,
): { title: string; linkTitle: string } {
  if (kind === 'home') return { title: language.title, linkTitle: language.title };
  const name = baseName(dir).replaceAll('-', ' ');
  const plural = /^[\x20-\x7e]*[A-Za-rt-z]$/.test(name) ? `${name.replace(/([^aeiou])y$/, '$1ie')}s` : name;
  const title = plural.slice(0, 1).toUpperCase() + plural.slice(1);
  return { title, linkTitle: title };
}

/** A section or home without a date has the newest of what is in it. */
function withSectionDates(pages: readonly Page[]): Page[] {
  return pages.map((page) => {
    if (page.kind === 'page' || page.fields.date !== undefined) return page;
    const prefix = page.sections.join('/');
    const dates = pages.flatMap((other) => {
      const inside =
        other.kind === 'page' && (prefix === '' || `${other.sections.join('/')}/`.startsWith(`${prefix}/`));
      return inside && other.fields.date !== undefined ? [other.fields.date] : [];
    });
    return dates.length === 0 ? page : { ...page, fields: { ...page.fields, date: Math.max(...dates) } };
  });
}

/** Where two pages claim one address, the fuller one has it. */
function settleAddresses(pages: readonly Page[], messages: Message[]): Page[] {
  const owners = new Map<string, Page>();
  const losers = new Set<Page>();
  for (const page of pages) {
    const other = owners.get(page.outputFile);
    if (other === undefined) {
      owners.set(page.outputFile, page);
      continue;
    }
    const winner = fullness(page) > fullness(other) ? page : other;
    const loser = winner === page ? other : page;
    owners.set(page.outputFile, winner);
    losers.add(loser);
    messages.push({
      file: loser.file?.path ?? winner.file?.path ?? '',
      ...place(loser.frontMatter?.placeOf('url')),
      severity: 'warn',
      rule: 'site/same-address',
      message: `${page.address} is the address of ${name(winner)} too, which is shown there`,
    });
  }
  return pages.filter((page) => !losers.has(page));
}

function place(at: { readonly line: number; readonly column: number } | undefined): {
  line: number;
  column: number;
} {
  return { line: at?.line ?? 1, column: at?.column ?? 1 };
}

function name(page: Page): string {
  return page.file?.path ?? (page.kind === 'home' ? 'the home page' : `section ${page.key}`);
}

function fullness(page: Page): number {
  return page.file === undefined ? -1 : page.file.source.length - (page.frontMatter?.bodyStart ?? 0);
}

function pageSet(
  pages: readonly Page[],
  resources: readonly string[],
  messages: readonly Message[],
): PageSet {
  const byAddress = new Map(pages.map((page) => [page.address, page]));
  const homes = new Map<string, Page>();
  const groups = new Map<string, Page[]>();
  const translations = new Map<string, Page[]>();
  const sectionKey = (language: string, sections: readonly string[]): string =>
    `${language}\n${sections.join('/')}`;
  for (const page of pages)
    if (page.kind !== 'page') homes.set(sectionKey(page.language, page.sections), page);
  for (const page of pages) {
    translations.set(page.key, [...(translations.get(page.key) ?? []), page]);
    if (page.kind === 'home' || !page.fields.listed) continue;
    const sections = page.kind === 'section' ? page.sections.slice(0, -1) : page.sections;
    const parent = parentKey(page.language, sections);
    const group = groups.get(parent);
    if (group === undefined) groups.set(parent, [page]);
    else group.push(page);
  }
  for (const [key, group] of groups) {
    const compare = comparePages(key.slice(0, key.indexOf('\n')));
    group.sort((a, b) => compare(ordered(a), ordered(b)));
  }
  return {
    pages,
    resources,
    messages,
    children: (page) => groups.get(sectionKey(page.language, page.sections)) ?? [],
    parent: (page) =>
      page.kind === 'home'
        ? undefined
        : homes.get(
            parentKey(page.language, page.kind === 'section' ? page.sections.slice(0, -1) : page.sections),
          ),
    translations: (page) => (translations.get(page.key) ?? []).filter((other) => other !== page),
    byAddress: (address) => byAddress.get(address),
  };

  /** The nearest section above that is a page. */
  function parentKey(language: string, sections: readonly string[]): string {
    for (let depth = sections.length; depth > 0; depth--) {
      const key = sectionKey(language, sections.slice(0, depth));
      if (homes.has(key)) return key;
    }
    return sectionKey(language, []);
  }
}

function ordered(page: Page): Parameters<ReturnType<typeof comparePages>>[0] {
  const { weight, date, linkTitle } = page.fields;
  return { weight, linkTitle, path: page.file?.path ?? page.dir, ...(date === undefined ? {} : { date }) };
}
