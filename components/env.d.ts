declare module 'virtual:late-modules' {
  const modules: import('./worker/late.ts').LateModules;
  export default modules;
}
