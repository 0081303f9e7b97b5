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
      const { build } = await import('esbuild');
      const { outputFiles } = await build({
        entryPoints: [here('./element/pod-lab.css')],
        bundle: true,
        minify: true,
        write: false,
      });
      const code = outputFiles[0]?.text ?? '';
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
      // A capture file takes one function of the engine, whose modules do nothing by being loaded.
      treeshake: { moduleSideEffects: [{ test: /\/src\/engine\//, sideEffects: false }] },
      output: {
        entryFileNames: '[name].js',
        chunkFileNames: '[name]-[hash].js',
        assetFileNames: '[name]-[hash][extname]',
      },
    },
  },
});
