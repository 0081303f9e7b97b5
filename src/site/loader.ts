import type { Loader, LoaderContext } from 'astro/loaders';
import { join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Page } from '../lesson/hugo/page-set.ts';
import { formatMessage, type Message } from '../lesson/message.ts';
import type { LabSource, Place } from '../lesson/lab.ts';
import { prerenderPool } from './element.ts';
import { found } from './markdown.ts';
import { entryId, forgetSite, shownTitle, site, type Site } from './site.ts';

type MarkdownFactory = NonNullable<LoaderContext['config']['markdown']['processor']>['createRenderer'];
type Renderer = Awaited<ReturnType<MarkdownFactory>>;

/** Astro's content, read from a Hugo content tree. A build stops after every mistake of every page has been told. */
export function hugoLoader(): Loader {
  return {
    name: 'podwalk-hugo',
    async load(context) {
      await loadAll(context);
      const { watcher } = context;
      if (watcher === undefined) return;
      const { root, config } = site();
      const watched = config.languages.map((language) => join(root, language.contentDir));
      watcher.add(watched);
      const reload = (path: string): void => {
        if (!watched.some((directory) => path.startsWith(directory))) return;
        forgetSite();
        void loadAll(context);
      };
      for (const event of ['add', 'change', 'unlink'] as const) watcher.on(event, reload);
    },
  };
}

async function loadAll(context: LoaderContext): Promise<void> {
  const current = site();
  const { markdown, image } = context.config;
  if (markdown.processor === undefined) throw new Error('astro.config.mjs must set markdown.processor');
  const { syntaxHighlight, shikiConfig } = markdown;
  // Astro hands the same resolved values on; only their declared types are wider.
  const shared = { image, syntaxHighlight, shikiConfig } as unknown as Parameters<MarkdownFactory>[0];
  const renderer = await markdown.processor.createRenderer(shared);

  const gone = new Set(context.store.keys());
  const messages: Message[] = [...current.messages, ...current.pages.messages];
  for (const page of current.pages.pages) {
    gone.delete(entryId(page));
    messages.push(...(await loadPage(context, renderer, current, page)));
  }
  for (const id of gone) context.store.delete(id);

  const told = new Set(messages.map(formatMessage));
  for (const line of told) context.logger[/^\S+ error /.test(line) ? 'error' : 'warn'](line);
  const errors = messages.filter((message) => message.severity === 'error').length;
  if (errors > 0 && import.meta.env.PROD) {
    throw new Error(`${errors} ${errors === 1 ? 'mistake' : 'mistakes'} in the lessons, told above`);
  }
}

async function loadPage(
  context: LoaderContext,
  renderer: Renderer,
  current: Site,
  page: Page,
): Promise<readonly Message[]> {
  const id = entryId(page);
  const { fields, file } = page;
  const source = file?.source ?? '';
  const data = await context.parseData({
    id,
    data: {
      title: shownTitle(page),
      ...(fields.description === '' ? {} : { description: fields.description }),
      draft: fields.draft,
      ...(page.kind === 'home' ? { tableOfContents: false } : {}),
    },
  });
  // Starlight wants a file of every page; a section without one has where its `_index.md` would be.
  const filePath = relative('.', join(current.root, file?.path ?? `${page.dir}/_index.md`));
  const digest = context.generateDigest({ source, data });
  const fileURL = pathToFileURL(join(current.root, file?.path ?? 'none.md'));
  // The whole file: its places are the file's, and its front matter is read by the rules of Hugo.
  const { code: html, metadata } = await renderer.render(source, { fileURL });
  context.store.set({
    id,
    data,
    body: source.slice(page.frontMatter?.bodyStart ?? 0),
    digest,
    filePath,
    rendered: { html, metadata: { headings: metadata.headings, frontmatter: {} } },
  });
  const lesson = [...found.entries()].find(
    ([path]) => fileURL.pathname === pathToFileURL(path).pathname,
  )?.[1];
  found.clear();
  // A build finishes its labs beside everything else, as early as they are known.
  if (import.meta.env.PROD && html.includes('<pod-lab')) {
    const labs = lesson?.labs.map((lab) => inFile(lab, file?.path ?? filePath)) ?? [];
    void prerenderPool(context.config.cacheDir).begin({ html, lang: page.language, labs });
  }
  return (lesson?.messages ?? []).map((message) => ({ ...message, file: file?.path ?? message.file }));
}

/** A lab with the file's name in each of its places. */
function inFile(lab: LabSource, file: string): LabSource {
  const at = <Placed extends { readonly place?: Place }>(placed: Placed): Placed =>
    placed.place === undefined ? placed : { ...placed, place: { ...placed.place, file } };
  return { ...at(lab), blocks: lab.blocks.map(at) };
}
