import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseSync, type Plugin } from 'vite';

const engine = fileURLToPath(new URL('../src/engine/', import.meta.url));

/** Modules of the engine whose code arrives in the worker when it is first called: programs, verbs, printers, images. */
const late = [
  /^shell\/tools\/(?!cat|echo|netns-exec|process|sh|system|test)[^/]+\.ts$/,
  /^shell\/kubectl\/(verbs\/[^/]+|describe\/index|completion|custom-columns|help|jsonpath|known-manifests|yaml-output)\.ts$/,
  /^(ingress\/controller|export\/netns-script)\.ts$/,
  /^apps\/(agnhost|hello-app|http-echo|httpbin|httpd|nginx|postgres|python|redis|whoami)\.ts$/,
];

const index = 'virtual:late-modules';
const real = '?arrived';

/** `shell/tools/dig`, for a module that comes late. */
function nameOf(id: string): string | undefined {
  if (!id.startsWith(engine)) return undefined;
  const path = relative(engine, id);
  return isLate(path) ? path.replace(/\.ts$/, '') : undefined;
}

/** Whether a module of the engine, by its path there, is one of them. */
export function isLate(path: string): boolean {
  return late.some((pattern) => pattern.test(path));
}

/**
 * Parts the engine for the worker: in the place of each late module stands one that has the same functions, which throw
 * `Absent` until the worker has loaded the real one. So the engine knows nothing of it, and nobody keeps a list of what is where.
 */
export function lateModules(): Plugin {
  return {
    name: 'late-modules',
    enforce: 'pre',
    resolveId(id) {
      return id === index ? `\0${index}` : undefined;
    },
    async load(id) {
      if (id === `\0${index}`) {
        const { glob } = await import('node:fs/promises');
        const entries: string[] = [];
        for await (const path of glob('**/*.ts', { cwd: engine })) {
          const name = nameOf(`${engine}${path}`);
          if (name === undefined) continue;
          const names = await exportsOf(`${engine}${path}`);
          const load = `() => import(${JSON.stringify(`${engine}${path}${real}`)})`;
          entries.push(`[${JSON.stringify(name)}, { names: ${JSON.stringify(names)}, load: ${load} }]`);
        }
        return `export default new Map([${entries.sort().join(',')}]);`;
      }
      const name = nameOf(id);
      if (name === undefined) return undefined;
      const path = JSON.stringify(fileURLToPath(new URL('./worker/late.ts', import.meta.url)));
      const functions = (await exportsOf(id)).map(
        (one) => `export const ${one} = late(${JSON.stringify(name)}, ${JSON.stringify(one)});`,
      );
      return `import { late } from ${path};\n${functions.join('\n')}`;
    },
  };
}

async function exportsOf(path: string): Promise<readonly string[]> {
  const { readFile } = await import('node:fs/promises');
  return functionsOf(path, await readFile(path, 'utf8'));
}

/** What a module exports; all of it has to be functions, since nothing else can wait. */
export function functionsOf(path: string, source: string): readonly string[] {
  const { program } = parseSync(path, source);
  return program.body.flatMap((statement): string[] => {
    if (statement.type === 'ExportDefaultDeclaration' || statement.type === 'ExportAllDeclaration')
      throw new Error(`${path}: a module that arrives late exports functions by their names`);
    if (statement.type !== 'ExportNamedDeclaration' || statement.exportKind === 'type') return [];
    const { declaration } = statement;
    if (declaration?.type === 'FunctionDeclaration' && declaration.id) return [declaration.id.name];
    if (declaration?.type !== 'VariableDeclaration')
      throw new Error(`${path}: a module that arrives late exports functions only`);
    return declaration.declarations.map(({ id, init }) => {
      const callable =
        init?.type === 'FunctionExpression' ||
        init?.type === 'ArrowFunctionExpression' ||
        init?.type === 'CallExpression' ||
        init?.type === 'Identifier';
      if (id.type !== 'Identifier' || !callable)
        throw new Error(`${path}: a module that arrives late exports functions only`);
      return id.name;
    });
  });
}
