import js from '@eslint/js';
import svelte from 'eslint-plugin-svelte';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'build/',
      '.astro/',
      '.cache/',
      'node_modules/',
      'screenshots/',
      'tests/**/fixtures/',
      'src/engine/api/schema*',
    ],
  },
  js.configs.recommended,
  ...tseslint.configs.strict,
  ...svelte.configs['flat/recommended'],
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: tseslint.parser } },
    rules: {
      // What a derived value holds is made anew with it; nobody changes it afterwards.
      'svelte/prefer-svelte-reactivity': 'off',
    },
  },
  {
    // These show the page's own code blocks, or sentences whose every parameter has been escaped (layout/sentence-html.ts).
    files: ['components/widget/{BrokenLab,Hops,Lab,Manifests,Now,Reach,Routine,Sentence,Terminal}.svelte'],
    rules: { 'svelte/no-at-html-tags': 'off' },
  },
  {
    rules: {
      // The compiler resolves names, in TypeScript and in Svelte alike.
      'no-undef': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-dynamic-delete': 'off',
      'prefer-const': 'error',
      'no-constant-condition': ['error', { checkLoops: false }],
      eqeqeq: ['error', 'always'],
      // Tasks in virtual time are generators; one that never waits is still a task.
      'require-yield': 'off',
      '@typescript-eslint/no-invalid-void-type': [
        'error',
        { allowInGenericTypeArguments: true, allowAsThisParameter: true },
      ],
    },
  },
  {
    files: ['src/engine/**/*.ts'],
    rules: {
      // Same input, same record: no clock and no chance but the world's own.
      'no-restricted-globals': [
        'error',
        'Date',
        'performance',
        'setTimeout',
        'setInterval',
        'window',
        'document',
        'process',
        'fetch',
      ],
      'no-restricted-properties': ['error', { object: 'Math', property: 'random' }],
      'no-restricted-imports': ['error', { patterns: ['node:*'] }],
    },
  },
);
