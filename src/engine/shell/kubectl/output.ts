import { objectPrefix, type ResourceKind } from '../../api/kinds.ts';
import type { KubeObject } from '../../api/types.ts';
import { type CustomColumn, formatCustomColumns, parseCustomColumns } from './custom-columns.ts';
import { Failure, failure, type Invocation } from './invocation.ts';
import { goSyntax, sortedJson } from './go-format.ts';
import { type JsonPathTemplate, parseJsonPath, printJsonPath } from './jsonpath.ts';
import type { Target } from './targets.ts';
import { formatYaml } from './yaml-output.ts';

/** What `-o` asks for. */
export type OutputFormat =
  | { readonly kind: 'human'; readonly wide: boolean }
  | { readonly kind: 'name' | 'yaml' | 'json' }
  | {
      readonly kind: 'jsonpath';
      readonly template: string;
      readonly parsed: JsonPathTemplate;
      readonly asJson: boolean;
    }
  | { readonly kind: 'columns'; readonly columns: readonly CustomColumn[] };

const formats =
  'custom-columns,custom-columns-file,go-template,go-template-file,json,jsonpath,jsonpath-as-json,jsonpath-file,name,template,templatefile,wide,yaml';

export function outputFormat(k: Invocation): OutputFormat | Failure {
  const [, name = '', argument = ''] = /^([^=]*)=?([^]*)$/.exec(k.flags.text('output')) ?? [];
  switch (name) {
    case '':
    case 'wide':
      return { kind: 'human', wide: name === 'wide' };
    case 'name':
    case 'yaml':
    case 'json':
      return { kind: name };
    case 'jsonpath':
    case 'jsonpath-as-json': {
      if (argument === '') return failure('template format specified but no template given');
      const parsed = parseJsonPath(argument);
      if ('error' in parsed) return failure(`error parsing jsonpath ${argument}, ${parsed.error}`);
      return { kind: 'jsonpath', template: argument, parsed, asJson: name !== 'jsonpath' };
    }
    case 'custom-columns': {
      const columns = parseCustomColumns(argument);
      return 'error' in columns ? failure(columns.error) : { kind: 'columns', columns };
    }
    case 'go-template':
    case 'go-template-file':
    case 'jsonpath-file':
    case 'custom-columns-file':
    case 'template':
    case 'templatefile':
      return failure(
        `the output format ${JSON.stringify(name)} is not simulated here: use jsonpath or custom-columns`,
      );
    default:
      return failure(
        `unable to match a printer suitable for the output format ${JSON.stringify(k.flags.text('output'))}, allowed formats are: ${formats}`,
      );
  }
}

/** Objects in a format that is not a table: one alone, or as a List. */
export function formatObjects(
  k: Invocation,
  format: Exclude<OutputFormat, { kind: 'human' }>,
  targets: readonly Target[],
  options: { readonly single: boolean; readonly headers: boolean },
): string | Failure {
  const objects = targets.map(({ object }) => object);
  const whole: unknown = options.single
    ? objects[0]
    : { apiVersion: 'v1', items: objects, kind: 'List', metadata: { resourceVersion: '' } };
  switch (format.kind) {
    case 'name':
      return targets.map((target) => `${nameOf(target.resource, target.object)}\n`).join('');
    case 'yaml':
      return formatYaml(whole);
    case 'json':
      return `${sortedJson(whole, 4)}\n`;
    case 'columns':
      return columnsText(k, format.columns, objects, options);
    case 'jsonpath': {
      const printed = printJsonPath(format.parsed, whole, format.asJson ? 'json' : 'text');
      if ('text' in printed) return printed.text;
      return failure(
        `error executing jsonpath ${JSON.stringify(format.template)}: Error executing template: ${printed.error}. Printing more information for debugging the template:\n` +
          `\ttemplate was:\n\t\t${format.template}\n\tobject given to jsonpath engine was:\n\t\t${goSyntax(whole)}\n\n`,
      );
    }
  }
}

function columnsText(
  k: Invocation,
  columns: readonly CustomColumn[],
  objects: readonly KubeObject[],
  options: { readonly headers: boolean },
): string | Failure {
  const { text, error } = formatCustomColumns(columns, objects, options);
  if (error === undefined) return text;
  k.print(text);
  return failure(error);
}

/** `deployment.apps/web`. */
export function nameOf(resource: ResourceKind, object: KubeObject): string {
  return `${objectPrefix(resource)}/${object.metadata.name}`;
}

export type DryRun = 'none' | 'client' | 'server';

export function dryRunOf(k: Invocation): DryRun | Failure {
  const given = k.flags.text('dry-run') || 'none';
  switch (given) {
    case 'none':
    case 'client':
    case 'server':
      return given;
    case 'unchanged':
      k.note('W0000 helpers.go: --dry-run is deprecated and can be replaced with --dry-run=client.');
      return 'client';
    default:
      return failure(`Invalid dry-run value (${given}). Must be "none", "server", or "client".`);
  }
}

/** Says what was done to an object: `pod/web labeled`, or the object itself with `-o`. */
export function printDone(
  k: Invocation,
  target: Target,
  action: string,
  mark: 'marked' | 'unmarked' = 'marked',
): number {
  const format = outputFormat(k);
  const dryRun = dryRunOf(k);
  if (format instanceof Failure) return k.fail(format);
  if (dryRun instanceof Failure) return k.fail(dryRun);
  if (format.kind === 'human') {
    const suffix =
      mark === 'unmarked' ? '' : { none: '', client: ' (dry run)', server: ' (server dry run)' }[dryRun];
    k.print(`${nameOf(target.resource, target.object)} ${action}${suffix}\n`);
    return 0;
  }
  const text = formatObjects(k, format, [target], { single: true, headers: true });
  if (text instanceof Failure) return k.fail(text);
  k.print(text);
  return 0;
}
