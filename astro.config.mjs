import starlight from '@astrojs/starlight';
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { defineConfig } from 'astro/config';
import { podwalk } from './src/site/integration.ts';
import { lessonProcessor } from './src/site/markdown.ts';
import { cacheDirectory, readSource } from './src/site/source.ts';

const { root, config } = readSource();
const origin = /^https?:\/\/[^/]+/.exec(config.baseURL)?.[0];
const isDefaultAtRoot = (code) => code === config.defaultLanguage && !config.defaultLanguageInSubdir;
const locales = Object.fromEntries(
  config.languages.map(({ code, name }) => [
    isDefaultAtRoot(code) ? 'root' : code,
    { label: name, lang: code },
  ]),
);

export default defineConfig({
  ...(origin === undefined ? {} : { site: origin }),
  base: config.basePath,
  trailingSlash: 'ignore',
  outDir: process.env.PODWALK_OUT ?? './dist',
  cacheDir: cacheDirectory(root),
  publicDir: existsSync(join(root, 'static')) ? join(root, 'static') : './.cache/no-static',
  devToolbar: { enabled: false },
  markdown: { processor: lessonProcessor({ root, config }) },
  integrations: [
    starlight({
      title: Object.fromEntries(
        config.languages.map(({ code, title }) => [code, title || config.title || 'Podwalk']),
      ),
      locales,
      defaultLocale: config.defaultLanguageInSubdir ? config.defaultLanguage : 'root',
      markdown: {
        processedDirs: config.languages.map(({ contentDir }) => relative('.', join(root, contentDir))),
      },
      components: {
        MarkdownContent: './src/site/components/MarkdownContent.astro',
        Search: './src/site/components/Search.astro',
      },
      customCss: ['./src/site/styles.css'],
      routeMiddleware: './src/site/route-data.ts',
      expressiveCode: { styleOverrides: { borderRadius: '0.5rem' } },
      // The route middleware puts Hugo's order in its place.
      sidebar: [],
    }),
    podwalk(),
  ],
});
