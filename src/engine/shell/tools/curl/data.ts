import type { Options } from '../../getopt.ts';

/** The options that put something into a request's body, by how curl reads them. */
const kinds = ['d', 'data-binary', 'data-raw', 'data-urlencode', 'json', 'T'] as const;

/** What curl sends as the body, and undefined where nothing asks for one; or the file that cannot be read. */
export function requestData(
  options: Options,
  read: (path: string) => string | undefined,
): { readonly data: string | undefined } | { readonly unreadable: string } {
  const parts: string[] = [];
  for (const kind of kinds)
    for (const value of options.values(kind)) {
      const part = partOf(kind, value, read);
      if (typeof part !== 'string') return part;
      parts.push(part);
    }
  return { data: parts.length === 0 ? undefined : parts.join(options.has('json') ? '' : '&') };
}

type Kind = (typeof kinds)[number];

function partOf(
  kind: Kind,
  value: string,
  read: (path: string) => string | undefined,
): string | { readonly unreadable: string } {
  const file = (path: string, take: (text: string) => string): string | { readonly unreadable: string } => {
    const text = read(path);
    return text === undefined ? { unreadable: path } : take(text);
  };
  const whole = (text: string): string => text;
  switch (kind) {
    case 'd':
      // From a file without its line breaks; --data-binary takes it as it is.
      return value.startsWith('@') ? file(value.slice(1), (text) => text.replace(/[\r\n\0]/g, '')) : value;
    case 'data-binary':
    case 'json':
      return value.startsWith('@') ? file(value.slice(1), whole) : value;
    case 'data-raw':
      return value;
    case 'T':
      return file(value, whole);
    case 'data-urlencode': {
      // `content`, `=content`, `name=content`, `@file`, `name@file`: the name as it is, the rest encoded.
      const at = value.search(/[=@]/);
      if (at < 0) return encodeURIComponent(value);
      const name = value.slice(0, at);
      const encoded = (text: string): string => `${name === '' ? '' : `${name}=`}${encodeURIComponent(text)}`;
      const rest = value.slice(at + 1);
      return value[at] === '=' ? encoded(rest) : file(rest, encoded);
    }
  }
}
