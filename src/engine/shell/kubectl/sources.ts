import type { Task } from '../../net/task.ts';
import type { Files, ToolContext } from '../tool.ts';
import { type Failure, failure } from './invocation.ts';
import { knownManifest } from './known-manifests.ts';

/** The text of one `-f`, under the name that messages give it. */
export interface Source {
  readonly name: string;
  readonly text: string;
}

/** Reads what `-f` names: files, directories of manifests, `-` for standard input. */
export function* readSources(ctx: ToolContext, names: readonly string[]): Task<readonly Source[] | Failure> {
  const sources: Source[] = [];
  for (const name of names.flatMap((list) => list.split(','))) {
    if (name === '-') {
      sources.push({ name: 'STDIN', text: yield* ctx.stdin.readAll() });
      continue;
    }
    const known = knownManifest(name);
    if (known !== undefined) {
      sources.push({ name, text: known });
      continue;
    }
    const url = /^https?:\/\/([^/:]+)/.exec(name);
    if (url !== null)
      return failure(`Get ${JSON.stringify(name)}: dial tcp: lookup ${url[1] ?? ''}: no such host`);
    const read = readPath(ctx.files, absolute(ctx.cwd, name), name);
    if (!Array.isArray(read)) return read;
    sources.push(...read);
  }
  return sources;
}

function readPath(files: Files, path: string, name: string): Source[] | Failure {
  if (files.kind(path) === 'directory') {
    const inside = files.list(path);
    const manifests = inside.ok ? inside.value.filter((file) => /\.(ya?ml|json)$/.test(file)).toSorted() : [];
    if (manifests.length === 0)
      return failure(`error reading [${name}]: recognized file extensions are [.json .yaml .yml]`);
    return manifests.flatMap((file) => {
      const read = files.read(`${path === '/' ? '' : path}/${file}`);
      return read.ok ? [{ name: `${name.replace(/\/$/, '')}/${file}`, text: read.value }] : [];
    });
  }
  const read = files.read(path);
  return read.ok ? [{ name, text: read.value }] : failure(`the path ${JSON.stringify(name)} does not exist`);
}

export function absolute(cwd: string, path: string): string {
  const steps: string[] = [];
  for (const step of `${path.startsWith('/') ? '' : cwd}/${path}`.split('/')) {
    if (step === '..') steps.pop();
    else if (step !== '' && step !== '.') steps.push(step);
  }
  return `/${steps.join('/')}`;
}
