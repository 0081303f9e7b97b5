declare module 'virtual:late-modules' {
  import type { LateModules } from './worker/late.ts';
  const modules: LateModules;
  export default modules;
}
