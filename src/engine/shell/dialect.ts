import type { SyntaxError } from './word-reader.ts';

/** Which shell speaks: its messages, and whether it knows bash's braces. */
export interface Dialect {
  /** What stands before a message: `bash`, `sh`, `bash: line 1`. */
  readonly prefix: string;
  readonly braces: boolean;
  notFound(name: string): string;
  syntax(error: SyntaxError): string;
}

/** `bash: foo: command not found` */
export function bash(prefix = 'bash'): Dialect {
  return {
    prefix,
    braces: true,
    notFound: (name) => `${prefix}: ${name}: command not found`,
    syntax: ({ token, expecting, matching }) => {
      if (matching === true)
        return `${prefix}: unexpected EOF while looking for matching \`${expecting ?? ''}'`;
      if (token === 'end of file') return `${prefix}: syntax error: unexpected end of file`;
      return `${prefix}: syntax error near unexpected token \`${token}'`;
    },
  };
}

/** BusyBox's ash, the `sh` of Alpine and busybox images. */
export const ash: Dialect = {
  prefix: 'sh',
  braces: false,
  notFound: (name) => `sh: ${name}: not found`,
  syntax: ({ token, expecting }) => {
    if (token === 'end of file' && (expecting === "'" || expecting === '"'))
      return 'sh: syntax error: unterminated quoted string';
    const what = token === 'end of file' || token === 'newline' ? token : `"${token}"`;
    return `sh: syntax error: unexpected ${what}${expecting === undefined ? '' : ` (expecting "${expecting}")`}`;
  },
};
