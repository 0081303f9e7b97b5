import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { netnsScript } from '../engine/index.ts';
import { buildPageSet } from '../lesson/hugo/page-set.ts';
import { refShortcodes } from '../lesson/hugo/ref.ts';
import { lintLesson } from '../lesson/lint.ts';
import { netnsLab } from '../lesson/netns.ts';
import { readContent, readSource } from '../site/source.ts';
import { readArguments } from './arguments.ts';
import {
  clusterOptionArguments,
  clusterOptions,
  commandLine,
  optionProblem,
  readManifest,
} from './cluster-arguments.ts';
import { diagnosticLine } from './manifests.ts';
import { UsageError, type Command } from './command.ts';

/**
 * `podwalk export --netns PAGE.md#LAB`, or `podwalk export --netns FILE… [--cni NAME …] -- COMMAND`: a script that builds
 * the cluster from network namespaces and runs the commands there.
 */
export const exportCommand: Command = (args, terminal) => {
  const split = args.indexOf('--');
  const own = split < 0 ? args : args.slice(0, split);
  const { values, positionals } = readArguments(own, {
    ...clusterOptionArguments,
    netns: { type: 'boolean' },
    output: { type: 'string', short: 'o' },
    source: { type: 'string', default: '.' },
  });
  if (values.netns !== true) throw new UsageError('say what to export: --netns');
  const lab =
    split < 0
      ? labOfLesson(positionals, values.source)
      : {
          title: positionals.join(' '),
          options: clusterOptions(values),
          steps: [
            ...positionals.map((file) => ({ kind: 'apply', manifest: readManifest(file), file }) as const),
            { kind: 'run', command: commandLine(args.slice(split + 1)) } as const,
          ],
        };
  const { script, diagnostics } = netnsScript(lab);
  if (script === undefined) {
    for (const told of diagnostics) terminal.err(`podwalk export: ${optionProblem(told)}`);
    return 2;
  }
  for (const told of diagnostics) terminal.err(diagnosticLine(told, lab.title));
  if (values.output === undefined) terminal.out(script);
  else writeFileSync(values.output, script, { mode: 0o755 });
  return diagnostics.some(({ severity }) => severity === 'error') ? 1 : 0;
};

function labOfLesson(positionals: readonly string[], root: string): ReturnType<typeof netnsLab> {
  const [given = '', ...more] = positionals;
  const hash = given.indexOf('#');
  if (hash < 0 || more.length > 0)
    throw new UsageError('name one lab, PAGE.md#LAB; manifests need a command behind "--"');
  const [file, id] = [given.slice(0, hash), given.slice(hash + 1)];
  if (!existsSync(file)) throw new UsageError(`there is no file ${file}`);
  const source = readSource(resolve(root));
  const site = buildPageSet(source.config, readContent(source), {
    now: Date.now(),
    drafts: true,
    future: true,
    expired: true,
  });
  const path = relative(source.root, resolve(file));
  const lesson = lintLesson(readFileSync(join(source.root, path), 'utf8'), path, source.config, {
    shortcodes: refShortcodes(() => site),
  });
  const lab = lesson.labs.find((one) => one.id === id);
  if (lab === undefined) {
    const ids = lesson.labs.map((one) => one.id).join(', ');
    throw new UsageError(`${file} has no lab "${id}"; ${ids === '' ? 'it has none' : `there are ${ids}`}`);
  }
  return netnsLab(lesson.labs, lab);
}
