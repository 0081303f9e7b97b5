declare module 'virtual:late-modules' {
  import type { LateModules } from './worker/late.ts';
  const modules: LateModules;
  export default modules;
}

declare module '*.css?inline' {
  const css: string;
  export default css;
}
