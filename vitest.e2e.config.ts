import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['tests/e2e/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    fileParallelism: false,
    // A browser on two busy cores sometimes starts a worker late; a second failure is a failure.
    retry: 1,
  },
});
