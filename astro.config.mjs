import { unified } from '@astrojs/markdown-remark';
import starlight from '@astrojs/starlight';
import svelte from '@astrojs/svelte';
import { defineConfig } from 'astro/config';

export default defineConfig({
  site: 'https://podwalk.example/',
  trailingSlash: 'always',
  markdown: { processor: unified({ remarkPlugins: [], rehypePlugins: [] }) },
  integrations: [
    starlight({
      title: 'Podwalk',
      locales: { root: { label: '한국어', lang: 'ko-KR' }, en: { label: 'English', lang: 'en-US' } },
      markdown: { processedDirs: ['content'] },
      components: { MarkdownContent: './src/site/components/MarkdownContent.astro' },
      pagefind: true,
    }),
    svelte(),
  ],
});
