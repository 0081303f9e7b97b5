import type { ResourceKind } from '../../api/kinds.ts';
import { fieldOf, listAt, textAt, valueAt } from './value.ts';

/** Whether an object is selected; or why the selector cannot be read, in the API server's words. */
export type Selector = { readonly matches: (object: unknown) => boolean } | { readonly error: string };

interface Requirement {
  readonly key: string;
  readonly operator: string;
  readonly values: readonly string[];
}

/** `app=web,tier in (a,b),!x`. Facts: `k8s.io/apimachinery/pkg/labels`, `Parse`. */
export function parseLabelSelector(text: string): Selector {
  const tokens: readonly string[] = text.match(/[(),]|!=|==|=|!|[<>]|[^\s(),!=<>]+/g) ?? [];
  const requirements: Requirement[] = [];
  let at = 0;
  const unexpected = (expected: string) => ({ error: `found '${tokens[at] ?? ''}', expected: ${expected}` });
  const bad = (expected: string) => ({ error: `unable to parse requirement: ${unexpected(expected).error}` });

  while (at < tokens.length) {
    const negated = tokens[at] === '!';
    if (negated) at++;
    const key = tokens[at];
    if (key === undefined || !isIdentifier(key)) {
      return negated ? bad('identifier') : unexpected("!, identifier, or 'end of string'");
    }
    at++;
    const operator: string | undefined = tokens[at];
    if (negated || operator === undefined || operator === ',') {
      requirements.push({ key, operator: negated ? '!' : 'exists', values: [] });
    } else if (operator === 'in' || operator === 'notin') {
      const open = ++at;
      if (tokens[open] !== '(') return bad("'('");
      const end = tokens.indexOf(')', at);
      const values = tokens.slice(at + 1, end < 0 ? tokens.length : end).filter((token) => token !== ',');
      at = end < 0 ? tokens.length : end;
      if (end < 0 || !values.every(isIdentifier)) return bad("',', ')' or identifier");
      requirements.push({ key, operator, values });
      at++;
    } else if (/^(=|==|!=|<|>)$/.test(operator)) {
      at++;
      const value = tokens[at];
      const given = value !== undefined && value !== ',';
      if (given && !isIdentifier(value)) return bad('identifier');
      requirements.push({ key, operator: operator === '==' ? '=' : operator, values: [given ? value : ''] });
      if (given) at++;
    } else {
      return bad('in, notin, =, ==, !=, gt, lt');
    }
    if (at >= tokens.length) break;
    if (tokens[at] !== ',') return unexpected("',' or 'end of string'");
    at++;
    if (at >= tokens.length) return unexpected("identifier after ','");
  }
  return { matches: (object) => requirements.every((requirement) => satisfies(object, requirement)) };
}

function isIdentifier(token: string): boolean {
  return !/^[(),!=<>]/.test(token);
}

function satisfies(object: unknown, { key, operator, values }: Requirement): boolean {
  const label = fieldOf(valueAt(object, 'metadata.labels'), key);
  const value = typeof label === 'string' ? label : undefined;
  const [only = ''] = values;
  switch (operator) {
    case '!':
      return value === undefined;
    case '=':
    case 'in':
      return value !== undefined && values.includes(value);
    case '!=':
    case 'notin':
      return value === undefined || !values.includes(value);
    case '<':
      return value !== undefined && Number(value) < Number(only);
    case '>':
      return value !== undefined && Number(value) > Number(only);
    default:
      return value !== undefined;
  }
}

/** `status.phase=Running,metadata.name!=x`. Each kind allows few fields. */
export function parseFieldSelector(resource: ResourceKind, text: string): Selector {
  const known = new Set([
    'metadata.name',
    'metadata.namespace',
    ...(selectable[resource.kind]?.split(' ') ?? []),
  ]);
  const terms: { path: string; equal: boolean; value: string }[] = [];
  for (const term of text.split(',').filter((part) => part !== '')) {
    const match = /^(.*?)(!=|==|=)(.*)$/.exec(term);
    if (match === null) return { error: `invalid selector: '${text}'; can't understand '${term}'` };
    const [, path = '', operator = '', value = ''] = match;
    if (!known.has(path)) {
      if (selectable[resource.kind] !== undefined) return { error: `field label not supported: ${path}` };
      return { error: `"${path}" is not a known field selector: only "metadata.name", "metadata.namespace"` };
    }
    terms.push({ path, equal: operator !== '!=', value });
  }
  return {
    matches: (object) =>
      terms.every(({ path, equal, value }) => (fieldText(object, path) === value) === equal),
  };
}

const selectable: Readonly<Record<string, string>> = {
  Pod: 'spec.nodeName spec.restartPolicy spec.schedulerName spec.serviceAccountName spec.hostNetwork status.phase status.podIP status.podIPs status.nominatedNodeName',
  Node: 'spec.unschedulable',
  Namespace: 'status.phase',
  Secret: 'type',
  Event:
    'involvedObject.kind involvedObject.namespace involvedObject.name involvedObject.uid involvedObject.apiVersion involvedObject.resourceVersion involvedObject.fieldPath reason reportingComponent source type',
  ReplicaSet: 'status.replicas',
  Job: 'status.successful',
};

function fieldText(object: unknown, path: string): string {
  if (path === 'status.podIPs') return textAt(listAt(object, path)[0], 'ip');
  if (path === 'source') return textAt(object, 'source.component');
  const text = textAt(object, path);
  return text === '' && (path === 'spec.unschedulable' || path === 'spec.hostNetwork') ? 'false' : text;
}
