import { expect, it } from 'vitest';
import { functionsOf } from '../../components/late-modules.ts';

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
