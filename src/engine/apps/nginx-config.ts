import type { ReadableFiles } from './server.ts';

/** A `server` block, as far as it counts here. */
export interface Server {
  readonly listens: readonly { readonly port: number; readonly address?: string }[];
  readonly locations: readonly Location[];
}

export interface Location {
  readonly match: string;
  readonly exact: boolean;
  readonly root?: string;
  readonly alias?: string;
  readonly index?: readonly string[];
  readonly answer?: { readonly status: number; readonly body: string; readonly type?: string };
}

type Statement = { readonly words: readonly string[]; readonly block: readonly Statement[] };

/** The servers of the image's configuration files. */
export function readServers(files: ReadableFiles): Server[] {
  const whole = files.read('/etc/nginx/nginx.conf');
  const included = files.read('/etc/nginx/conf.d/default.conf');
  return [...(whole.ok ? serversOf(whole.value) : []), ...(included.ok ? serversOf(included.value) : [])];
}

const read = new Map<string, readonly Server[]>();
const MAX_READ = 100;

/** Most containers have the image's own configuration: a text is read once. */
function serversOf(text: string): readonly Server[] {
  const known = read.get(text);
  if (known !== undefined) return known;
  if (read.size >= MAX_READ) read.clear();
  const servers = serversIn(parseConfig(text));
  read.set(text, servers);
  return servers;
}

function serversIn(statements: readonly Statement[]): Server[] {
  return statements.flatMap(({ words, block }): Server[] => {
    if (words[0] === 'server') return [serverOf(block)];
    return words[0] === 'http' ? serversIn(block) : [];
  });
}

function serverOf(block: readonly Statement[]): Server {
  const listens = block
    .filter(({ words }) => words[0] === 'listen')
    .flatMap(({ words }) => {
      const match = /^(?:(\d+\.\d+\.\d+\.\d+|\*|\[::\]):)?(\d{1,5})$/.exec(words[1] ?? '');
      if (match === null) return [];
      const address = match[1];
      return [
        {
          port: Number(match[2]),
          ...(address === undefined || address === '*' || address === '0.0.0.0'
            ? {}
            : { address: address === '[::]' ? '::' : address }),
        },
      ];
    });
  const root = value(block, 'root');
  const index = block.find(({ words }) => words[0] === 'index')?.words.slice(1);
  const inherited = { ...(root === undefined ? {} : { root }), ...(index === undefined ? {} : { index }) };
  const own = answerOf(block);
  const locations: Location[] = [
    { match: '', exact: false, ...inherited, ...(own === undefined ? {} : { answer: own }) },
  ];
  for (const { words, block: inner } of block) {
    if (words[0] !== 'location') continue;
    const modifier = words.length > 2 ? words[1] : undefined;
    const match = words.at(-1) ?? '/';
    const alias = value(inner, 'alias');
    const innerRoot = value(inner, 'root');
    const innerIndex = inner.find((statement) => statement.words[0] === 'index')?.words.slice(1);
    const answer = answerOf(inner);
    locations.push({
      match,
      exact: modifier === '=',
      ...inherited,
      ...(innerRoot === undefined ? {} : { root: innerRoot }),
      ...(innerIndex === undefined ? {} : { index: innerIndex }),
      ...(alias === undefined ? {} : { alias }),
      ...(answer === undefined ? {} : { answer }),
    });
  }
  return { listens: listens.length === 0 ? [{ port: 80 }] : listens, locations };
}

function value(block: readonly Statement[], name: string): string | undefined {
  return block.find(({ words }) => words[0] === name)?.words[1];
}

function answerOf(block: readonly Statement[]): Location['answer'] {
  const words = block.find((statement) => statement.words[0] === 'return')?.words;
  if (words === undefined) return undefined;
  const status = Number(words[1]);
  const type = value(block, 'default_type');
  return {
    status: Number.isInteger(status) && status >= 100 && status < 600 ? status : 200,
    body: (words[2] ?? '').replaceAll('\\n', '\n'),
    ...(type === undefined ? {} : { type }),
  };
}

/** nginx' configuration syntax: words, quotes, blocks. */
function parseConfig(source: string): Statement[] {
  const tokens = [...source.matchAll(/#[^\n]*|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|[{};]|[^\s{};"']+/g)]
    .filter((match) => !match[0].startsWith('#'))
    .map((match) => ({
      text: match[1] ?? match[2] ?? match[0],
      quoted: match[1] !== undefined || match[2] !== undefined,
    }));
  let at = 0;
  return block(0);

  function block(depth: number): Statement[] {
    const statements: Statement[] = [];
    let words: string[] = [];
    while (at < tokens.length) {
      const token = tokens[at++];
      if (token === undefined) break;
      if (token.quoted || !/^[{};]$/.test(token.text)) words.push(token.text);
      else if (token.text === ';') {
        if (words.length > 0) statements.push({ words, block: [] });
        words = [];
      } else if (token.text === '{') {
        statements.push({ words, block: depth < 20 ? block(depth + 1) : [] });
        words = [];
      } else return statements;
    }
    return statements;
  }
}
