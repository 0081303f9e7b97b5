import { byBytes, isFields } from './value.ts';

/** YAML as kubectl prints it: keys sorted, lists not indented, go-yaml's choice of quotes. */
export function formatYaml(value: unknown): string {
  return isEmpty(value) ? `${scalarOrEmpty(value)}\n` : `${block(value, '')}\n`;
}

function block(value: unknown, indent: string): string {
  if (Array.isArray(value)) {
    return value.map((item) => `${indent}- ${nested(item, `${indent}  `).trimStart()}`).join('\n');
  }
  if (!isFields(value)) return `${indent}${scalar(value, indent, indent.length)}`;
  return Object.keys(value)
    .filter((key) => value[key] !== undefined)
    .sort(byBytes)
    .map((key) => {
      const item = value[key];
      const name = `${indent}${scalar(key, indent)}:`;
      if (isEmpty(item)) return `${name} ${scalarOrEmpty(item)}`;
      if (Array.isArray(item)) return `${name}\n${block(item, indent)}`;
      if (isFields(item)) return `${name}\n${block(item, `${indent}  `)}`;
      return `${name} ${scalar(item, `${indent}  `, name.length + 1)}`;
    })
    .join('\n');
}

function nested(value: unknown, indent: string): string {
  return isEmpty(value) ? scalarOrEmpty(value) : block(value, indent);
}

function isEmpty(value: unknown): boolean {
  if (Array.isArray(value)) return value.length === 0;
  return isFields(value) && Object.values(value).every((item) => item === undefined);
}

function scalarOrEmpty(value: unknown): string {
  return Array.isArray(value) ? '[]' : isFields(value) ? '{}' : scalar(value, '');
}

function scalar(value: unknown, indent: string, column = 0): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'string') return string(value, indent, column);
  return String(value);
}

/** Facts: `sigs.k8s.io/yaml/goyaml.v2`, `encode.go` and `emitterc.go`. */
function string(text: string, indent: string, column: number): string {
  if (text === '') return '""';
  if (/(?!\n)[\p{Cc}\p{Cs}\ufeff\u{10000}-\u{10ffff}]/u.test(text)) return fold(escape(text), indent, column);
  if (text.includes('\n')) return /[ \t]\n|[ \t]$/.test(text) ? escape(text) : literal(text, indent);
  if (resolvesOtherwise(text)) return escape(text);
  const special = /^[-?:](\s|$)|^[,[\]{}#&*!|>'"%@`]|^---|^\.\.\.|^\s|\s$|: |:$| #/.test(text);
  return fold(special ? `'${text.replaceAll("'", "''")}'` : text, indent, column);
}

function escape(text: string): string {
  return JSON.stringify(text)
    .replace(/\\u00([\da-f]{2})/g, (_, digits: string) => `\\x${digits.toUpperCase()}`)
    .replace(/[\u{10000}-\u{10ffff}]/gu, (character) => {
      return `\\U${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(8, '0')}`;
    });
}

/** Breaks a long line at the first lone space after column 80. */
function fold(text: string, indent: string, column: number): string {
  if (column + text.length <= width) return text;
  let out = '';
  let at = column;
  for (let index = 0; index < text.length; index++) {
    const character = text[index] ?? '';
    if (character === ' ' && at > width && text[index + 1] !== ' ' && text[index - 1] !== ' ') {
      out += `\n${indent}`;
      at = indent.length;
    } else {
      out += character;
      at++;
    }
  }
  return out;
}

const width = 80;

function literal(text: string, indent: string): string {
  const hint = /^[\n ]/.test(text) ? '2' : '';
  const chomp = !text.endsWith('\n') ? '-' : /\n\n$|^\n$/.test(text) ? '+' : '';
  const body = text.replace(/\n$/, '').split('\n');
  return `|${hint}${chomp}\n${body.map((line) => (line === '' ? '' : `${indent}${line}`)).join('\n')}`;
}

/** Text that would be read back as something else than a string. */
function resolvesOtherwise(text: string): boolean {
  return (
    /^(y|Y|yes|Yes|YES|on|On|ON|n|N|no|No|NO|off|Off|OFF|true|True|TRUE|false|False|FALSE|null|Null|NULL|~)$/.test(
      text,
    ) ||
    /^[+-]?(\d[\d_]*(\.[\d_]*)?|\.[\d_]+)([eE][+-]?\d+)?$/.test(text) ||
    /^[+-]?(0x[\da-fA-F_]+|0b[01_]+|0o[0-7_]+)$/.test(text) ||
    /^[+-]?\.(inf|Inf|INF)$|^\.(nan|NaN|NAN)$/.test(text) ||
    /^\d{4}-\d\d?-\d\d?([Tt ].*)?$/.test(text) ||
    /^[+-]?\d[\d_]*(:[0-5]?\d)+(\.[\d_]*)?$/.test(text)
  );
}
