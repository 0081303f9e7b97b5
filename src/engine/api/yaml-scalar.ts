import type { Json } from './types.ts';

const truths = /^(?:yes|Yes|YES|true|True|TRUE|on|On|ON)$/;
const falsehoods = /^(?:no|No|NO|false|False|FALSE|off|Off|OFF)$/;

/** go-yaml's resolve() as Kubernetes uses it: YAML 1.1 without sexagesimals and without `y` and `n`, times left as text. */
export function scalarValue(source: string, plain: boolean, tag: string | undefined): Json {
  if (tag === 'tag:yaml.org,2002:str' || tag === '!' || (!plain && !tag?.startsWith('tag:yaml.org,2002:')))
    return source;
  if (source === '' || source === '~' || /^(?:null|Null|NULL)$/.test(source)) return null;
  if (truths.test(source)) return true;
  if (falsehoods.test(source)) return false;
  const digits = source.replaceAll('_', '');
  const signed = /^([-+]?)(.*)$/.exec(digits);
  const sign = signed?.[1] === '-' ? -1 : 1;
  const body = signed?.[2] ?? '';
  if (/^\d/.test(body)) {
    if (/^0b[01]+$/.test(body)) return sign * parseInt(body.slice(2), 2);
    if (/^0x[\da-fA-F]+$/.test(body)) return sign * parseInt(body.slice(2), 16);
    if (/^0o?[0-7]+$/.test(body)) return sign * parseInt(body.replace('o', ''), 8);
    if (/^(?:0|[1-9]\d*)$/.test(body)) return sign * Number(body);
  }
  if (/^(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?$/.test(body) && !/^0\d+$/.test(body))
    return sign * Number(body);
  if (/^\.(?:inf|Inf|INF)$/.test(body)) return sign * Infinity;
  if (/^\.(?:nan|NaN|NAN)$/.test(source)) return NaN;
  return source;
}
