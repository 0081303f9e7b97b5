import type { YAMLError } from 'yaml';

/** go-yaml's wording of the parser's error, and what a person can do. */
export function goWords(
  error: YAMLError,
  text: string,
  maxDepth: number,
): readonly [words: string, hint?: string] {
  const here = text[error.pos[0]] ?? '';
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return ['found character that cannot start any token', 'indent with spaces: YAML allows no tabs there'];
    case 'BLOCK_AS_IMPLICIT_KEY':
    case 'MULTILINE_IMPLICIT_KEY':
      return [
        'mapping values are not allowed in this context',
        'check the indentation, and quote text that contains ": "',
      ];
    case 'BAD_ALIAS':
      return [
        `unknown anchor '${/[^\s,\]}]*/.exec(text.slice(error.pos[0] + (here === '*' ? 1 : 0)))?.[0] ?? ''}' referenced`,
      ];
    case 'BAD_SCALAR_START':
      return ['found character that cannot start any token', `quote text that begins with ${here}`];
    case 'BAD_DQ_ESCAPE':
      return ['found unknown escape character', 'write \\\\ for a backslash, or use single quotes'];
    case 'BAD_INDENT':
      return [
        'did not find expected key',
        'this line is indented less or more than the lines it belongs with',
      ];
    case 'MISSING_CHAR': {
      if (/quote/i.test(error.message))
        return ['found unexpected end of stream', 'a quotation mark is not closed'];
      if (error.message.includes(']')) return ["did not find expected ',' or ']'", 'a [ is not closed'];
      if (error.message.includes('}')) return ["did not find expected ',' or '}'", 'a { is not closed'];
      if (error.message.includes(',')) return ["did not find expected ',' or '}'"];
      return ["could not find expected ':'", 'a key needs ": " after it'];
    }
    case 'UNEXPECTED_TOKEN':
      return ['did not find expected key', 'check the indentation and the brackets of this line'];
    case 'RESOURCE_EXHAUSTION':
      return [`exceeded max depth of ${maxDepth}`];
    default:
      return [error.message];
  }
}
