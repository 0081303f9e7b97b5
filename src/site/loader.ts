import type { Loader } from 'astro/loaders';
import { readFileSync } from 'node:fs';

export function hugoLoader(): Loader {
  return {
    name: 'podwalk-hugo',
    async load(context) {
      context.store.clear();
      for (const [id, file] of [
        ['index', 'content/ko/_index.md'],
        ['docs/networking/pod-to-pod-communications', 'content/ko/docs/networking/pod-to-pod-communications.md'],
        ['en/docs/networking/A+B_pod-통신', 'content/en/docs/networking/pod-to-pod-communications.md'],
      ] as const) {
        const body = readFileSync(file, 'utf8').replace(/^---[\s\S]*?---\n/, '');
        const rendered = await context.renderMarkdown(body, { fileURL: new URL(file, context.config.root) });
        const data = await context.parseData({ id, data: { title: id }, filePath: file });
        context.store.set({ id, data, body, filePath: file, digest: context.generateDigest(body), rendered });
      }
    },
  };
}
