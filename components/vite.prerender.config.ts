import { fileURLToPath } from 'node:url';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** `prerender` for Node: the widgets compiled for the server, packages left to Node. */
export default defineConfig({
  root: here('.'),
  publicDir: false,
  plugins: [svelte({ configFile: false })],
  build: {
    ssr: true,
    rollupOptions: {
      input: { prerender: here('./prerender.ts'), worker: here('./prerender-worker.ts') },
    },
    outDir: here('../build/prerender'),
    emptyOutDir: true,
    target: 'node24',
  },
});
