/** `npm run bench [NAME…]`: every measurement, or those named; each is printed beside what it is compared with. */
const benches: Readonly<Record<string, () => Promise<{ run(): Promise<void> }>>> = {
  lab: () => import('./lab.ts'),
  net: () => import('./net.ts'),
  page: () => import('./page.ts'),
  reach: () => import('./reach.ts'),
  weight: () => import('./weight.ts'),
  site: () => import('./site.ts'),
  scale: () => import('./scale.ts'),
};

const chosen = process.argv.slice(2);
for (const name of chosen.length === 0 ? Object.keys(benches) : chosen) {
  const load = Object.hasOwn(benches, name) ? benches[name] : undefined;
  if (load === undefined) {
    console.error(`no measurement "${name}"; there are ${Object.keys(benches).join(', ')}`);
    process.exitCode = 2;
    continue;
  }
  await (await load()).run();
}
