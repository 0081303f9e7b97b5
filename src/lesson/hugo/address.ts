import type { SiteConfig } from './config.ts';
import { noDate } from './date.ts';
import { dirName, joinPath, sanitizePath } from './path.ts';
import { expandPermalink } from './permalink.ts';

/** What a page's address is made from. */
export interface AddressSource {
  readonly kind: 'home' | 'section' | 'page';
  readonly language: string;
  /** Directory below the content directory; for a bundle the directory above it. */
  readonly dir: string;
  /** File name without extension and language; the directory's name for a bundle. Empty for home and sections. */
  readonly name: string;
  /** Directories that are sections, outermost first. */
  readonly sections: readonly string[];
  readonly title: string;
  readonly slug: string;
  readonly url: string;
  readonly date?: number;
}

export interface Address {
  /** `.RelPermalink` without escapes: with the path of `baseURL`, and a slash at the end unless it names a file. */
  readonly address: string;
  /** The file that Hugo writes, below the output directory. */
  readonly outputFile: string;
  readonly problem?: string;
}

/** Where Hugo puts a page (`resources/page/page_paths.go`, `hugolib/page__paths.go`). */
export function addressOf(page: AddressSource, config: SiteConfig): Address {
  const options = { removeAccents: config.removePathAccents, keepCase: config.disablePathToLower };
  const prefix = languagePrefix(page.language, config);
  const isUgly = uglyFor(page, config);

  if (page.url !== '' && page.kind !== 'home') {
    return finish(ownUrl(page, prefix, options), config);
  }
  if (page.kind !== 'page') {
    const dir = joinPath(prefix, page.dir);
    const file = isUgly && page.kind === 'section' ? `${dir}.html` : joinPath(dir, 'index.html');
    return finish(joinPath(sanitizePath(file, options)), config);
  }
  const pattern = config.permalinks[page.sections[0] ?? ''];
  let path = joinPath(page.dir, page.slug === '' ? page.name : page.slug);
  let problem: string | undefined;
  if (pattern !== undefined) {
    const expanded = expandPermalink(
      pattern,
      { ...page, fileName: page.name, date: page.date ?? noDate },
      options,
    );
    if ('problem' in expanded) problem = expanded.problem;
    else path = expanded.path.replace(/^\//, '');
  }
  const full = joinPath(prefix, path);
  const file =
    isUgly && full !== 'index' && !full.endsWith('/index') ? `${full}.html` : joinPath(full, 'index.html');
  const address = finish(joinPath(sanitizePath(file, options)), config);
  return problem === undefined ? address : { ...address, problem };
}

/** `url` is taken as it is, its case too; without a slash at its beginning it is below the language's prefix. */
function ownUrl(
  page: AddressSource,
  prefix: string,
  options: { readonly removeAccents: boolean; readonly keepCase: boolean },
): string {
  const url = page.url.startsWith('/') || prefix === '' ? page.url : `${prefix}/${page.url}`;
  const names = !url.endsWith('/') && url.includes('.');
  const file = names ? joinPath('/', url) : joinPath('/', url, 'index.html');
  return (page.kind === 'page' ? file : sanitizePath(file, options)).replace(/^\//, '');
}

function finish(outputFile: string, config: SiteConfig): Address {
  const path =
    outputFile.endsWith('/index.html') || outputFile === 'index.html' ? outputFile.slice(0, -10) : outputFile;
  return { address: config.basePath + path, outputFile };
}

/** `''` for the default language at the root of the site. */
function languagePrefix(language: string, config: SiteConfig): string {
  if (config.languages.length < 2 && !config.defaultLanguageInSubdir) return '';
  return language === config.defaultLanguage && !config.defaultLanguageInSubdir ? '' : language;
}

function uglyFor(page: Pick<AddressSource, 'sections'>, config: SiteConfig): boolean {
  return typeof config.uglyURLs === 'boolean'
    ? config.uglyURLs
    : config.uglyURLs[page.sections[0] ?? ''] === true;
}

/** The files that aliases of a page are written to (`hugolib/alias.go`); what cannot be an alias is left out. */
export function aliasFiles(
  page: Pick<AddressSource, 'kind' | 'language' | 'sections'> & { readonly aliases: readonly string[] },
  outputFile: string,
  config: SiteConfig,
): string[] {
  const isUgly = uglyFor(page, config);
  // Beside the page: below the directory above its own, which an ugly page does not have.
  const own = dirName(outputFile);
  const beside = isUgly && !outputFile.endsWith('/index.html') ? own : dirName(own);
  const files = page.aliases.flatMap((alias) => {
    const path = joinPath('/', alias.startsWith('/') ? '' : beside, alias).slice(1);
    if (path === '') return [];
    if (path.endsWith('.html')) return [path];
    return [isUgly ? `${path}.html` : joinPath(path, 'index.html')];
  });
  const redirect = languageRedirect(page, config);
  return redirect === undefined ? files : [...files, redirect];
}

/** From the directory of the default language to the root of the site, or the other way about. */
function languageRedirect(
  page: Pick<AddressSource, 'kind' | 'language'>,
  config: SiteConfig,
): string | undefined {
  if (page.kind !== 'home' || page.language !== config.defaultLanguage) return undefined;
  if (config.defaultLanguageInSubdir) return 'index.html';
  return config.languages.length > 1 ? joinPath(page.language, 'index.html') : undefined;
}
