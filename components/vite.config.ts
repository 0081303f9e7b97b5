import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';
import { lateModules } from './late-modules.ts';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** The style sheet beside the loader: pages link it themselves, before any script. */
function styleSheet(): Plugin {
  return {
    name: 'pod-lab-css',
    async generateBundle() {
      const { readFile } = await import('node:fs/promises');
      const { transform } = await import('esbuild');
      const { code } = await transform(await readFile(here('./element/pod-lab.css'), 'utf8'), {
        loader: 'css',
        minify: true,
      });
      this.emitFile({ type: 'asset', fileName: 'pod-lab.css', source: code });
    },
  };
}

/** The element as any page uses it: `pod-lab.js` by its name, everything else by a hash, every address relative. */
export default defineConfig({
  root: here('.'),
  base: './',
  publicDir: false,
  plugins: [svelte({ configFile: false }), styleSheet()],
  worker: {
    format: 'es',
    plugins: () => [lateModules()],
    rolldownOptions: {
      output: {
        chunkFileNames: 'assets/[name]-[hash].js',
        // All that the worker has from the first in one file.
        codeSplitting: { groups: [{ name: 'engine', tags: ['$initial'] }] },
      },
    },
  },
  build: {
    outDir: here('../build/element'),
    emptyOutDir: true,
    target: 'es2022',
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: { 'pod-lab': here('./element/pod-lab.ts') },
      preserveEntrySignatures: false,
      output: {
        entryFileNames: '[name].js',
        chunkFileNames: '[name]-[hash].js',
        assetFileNames: '[name]-[hash][extname]',
      },
    },
  },
});
