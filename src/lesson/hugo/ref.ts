import type { ShortcodeTag } from '../shortcode.ts';
import type { ShortcodeText } from '../shortcode-source.ts';
import type { Page, PageSet } from './page-set.ts';
import { baseName, dirName, joinPath } from './path.ts';

/**
 * Hugo's `ref` and `relref`: the address of a page named by its path, from the page that names it or from the root of the
 * content tree, or by its file name alone where that is unique. `pages` is asked when a page is rendered, `pathOf` turns
 * what the pipeline calls a file into a path of the content tree.
 */
export function refShortcodes(
  pages: () => PageSet,
  pathOf: (file: string) => string = (file) => file,
): Readonly<Record<'ref' | 'relref', ShortcodeText>> {
  const resolve: ShortcodeText = (tag, file) => {
    const set = pages();
    const path = pathOf(file);
    const from = set.pages.find((page) => page.file?.path === path);
    return from === undefined
      ? undefined
      : resolveRef(set, from, argumentOf(tag, 'path'), argumentOf(tag, 'lang'));
  };
  return { ref: resolve, relref: resolve };
}

/** The address that `target` means on a page; nothing when there is no such page, or more than one. */
export function resolveRef(set: PageSet, from: Page, target: string, language = ''): string | undefined {
  const [path = '', anchor] = target.split(/#(.*)/s, 2);
  const suffix = anchor === undefined ? '' : `#${anchor}`;
  if (path === '') return suffix === '' ? undefined : suffix;
  const wanted = language === '' ? from.language : language;
  const own = set.pages.filter((page) => page.language === wanted);
  const key = keyOf(path);
  const fromRoot = own.find((page) => logicalPath(page) === key);
  const here = from.kind === 'page' ? dirName(logicalPath(from)) : logicalPath(from);
  const found = path.startsWith('/')
    ? fromRoot
    : (own.find((page) => logicalPath(page) === joinPath(here, key)) ?? fromRoot ?? onlyNamed(own, key));
  return found === undefined ? undefined : encodeURI(found.address) + suffix;
}

function onlyNamed(pages: readonly Page[], key: string): Page | undefined {
  if (key.includes('/')) return undefined;
  const named = pages.filter((page) => page.kind !== 'home' && baseName(logicalPath(page)) === key);
  return named.length === 1 ? named[0] : undefined;
}

function logicalPath(page: Page): string {
  return page.path.toLowerCase();
}

function keyOf(path: string): string {
  return joinPath(path.replace(/^\/+|\/+$/g, ''))
    .replace(/\.(?:md|html)$/i, '')
    .replace(/(?:^|\/)_?index$/i, '')
    .toLowerCase();
}

function argumentOf(tag: ShortcodeTag, name: string): string {
  const named = tag.args.find((argument) => argument.name === name);
  if (named !== undefined) return named.value;
  return name === 'path' && tag.args[0]?.name === undefined ? (tag.args[0]?.value ?? '') : '';
}
