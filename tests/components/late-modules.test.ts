import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { functionsOf, isLate } from '../../components/late-modules.ts';

it('finds the functions that a module exports, however they are written', () => {
  const source = `
    import type { Tool } from './tool.ts';
    export interface Ended { readonly code: number }
    export function one(): void {}
    export function* two(): Generator<number> {}
    export const three: Tool = function* () { return 0; };
    export const four = (): number => 0, five = made('x');
    const hidden = 1;`;
  expect(functionsOf('a.ts', source)).toEqual(['one', 'two', 'three', 'four', 'five']);
});

it.each([
  'export const limit = 5;',
  'export class Shell {}',
  "export * from './b.ts';",
  "export { a } from './b.ts';",
  'export default 1;',
])('refuses to part a module from what cannot wait: %s', (source) => {
  expect(() => functionsOf('a.ts', source)).toThrow('a.ts: a module that arrives late exports functions');
});

const modules = globSync('**/*.ts', { cwd: 'src/engine' }).filter(isLate).sort();

it('finds the programs, verbs and images that come late', () => {
  expect(modules).toContain('shell/tools/dig.ts');
  expect(modules).toContain('shell/kubectl/verbs/containers.ts');
  expect(modules).toContain('apps/nginx.ts');
  expect(modules).not.toContain('shell/tools/sh.ts');
});

it.each(modules)('can part %s from the rest, since it exports functions only', (module) => {
  const path = `src/engine/${module}`;
  expect(functionsOf(path, readFileSync(path, 'utf8')).length).toBeGreaterThan(0);
});
