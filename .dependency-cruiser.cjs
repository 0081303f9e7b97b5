/** Imports run one way: cli → site, hugo → components → lesson → engine/index.ts; see ARCHITECTURE in the README. */
const layer = (name, from, to, comment) => ({
  name,
  severity: 'error',
  comment,
  from: { path: from },
  to: { path: to },
});
const part = (names) => `^src/engine/(${names})/`;

module.exports = {
  forbidden: [
    {
      name: 'no-circular',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    layer(
      'engine-alone',
      '^src/engine/',
      '^(src/(lesson|hugo|site|cli|pages)/|components/)',
      'the engine can be used alone',
    ),
    layer(
      'lesson-below',
      '^src/lesson/',
      '^(src/(hugo|site|cli|pages)/|components/)',
      'a lesson knows no page',
    ),
    layer('components-below', '^components/', '^src/(hugo|site|cli|pages)/', 'widgets know no site'),
    layer('site-below', '^src/(site|hugo)/', '^src/cli/', 'the command line is on top'),
    {
      name: 'one-door',
      severity: 'error',
      comment:
        'the engine has one door, engine/index.ts, and beside it engine/reach.ts for what needs no network',
      from: { path: '^(src/(lesson|hugo|site|cli|pages)/|components/)' },
      to: {
        path: '^src/engine/',
        pathNot: '^src/engine/(index|reach)\\.ts$',
        dependencyTypesNot: ['type-only'],
      },
    },
    layer(
      'net-is-linux',
      part('net'),
      '^src/engine/(?!net/|verdict\\.ts$)',
      'net/ knows Linux only; its record may carry what policies say, as data',
    ),
    layer('api-is-objects', part('api'), '^src/engine/(?!api/|cluster\\.ts$)', 'api/ knows no network'),
    layer(
      'capture-reads',
      part('capture'),
      '^src/engine/(?!capture/|net/|cluster\\.ts$|dns/message\\.ts$)',
      'capture/ reads records of net/',
    ),
    layer(
      'plugins-below',
      part('cni|proxy|policy|dns|apps'),
      part('control|shell|capture'),
      'plugins do not steer',
    ),
    layer('control-below-shell', part('control'), part('shell|capture'), 'controllers know no shell'),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.svelte', '.astro'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'default'],
    },
  },
};
