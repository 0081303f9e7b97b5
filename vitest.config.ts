import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  plugins: [svelte()],
  test: {
    include: ['tests/**/*.test.ts'],
    exclude: ['tests/e2e/**', 'node_modules/**'],
    // A guard against what never ends, not a measure: a crowded machine takes its time.
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
