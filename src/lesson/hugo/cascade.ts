import { isRecord } from '../front-matter.ts';

/** What a cascade is asked about: a page's path below the content directory with a slash before it. */
interface CascadeTarget {
  readonly path: string;
  readonly kind: string;
  readonly language: string;
}

/** Fields that a section hands down. */
export interface Cascade {
  readonly values: Readonly<Record<string, unknown>>;
  matches(target: CascadeTarget): boolean;
}

/** Reads a `cascade` field: one map or several, each with `_target` or `target` by path, kind and language. */
export function readCascades(field: unknown): Cascade[] {
  const entries = Array.isArray(field) ? field : [field];
  return entries.filter(isRecord).map((entry) => {
    const { _target, target, params, ...values } = entry;
    const wanted = isRecord(_target) ? _target : isRecord(target) ? target : {};
    const tests = (['path', 'kind', 'lang'] as const).flatMap((name) => {
      const pattern = wanted[name];
      return typeof pattern === 'string' ? [{ name, glob: globPattern(pattern) }] : [];
    });
    return {
      values: params === undefined ? values : { ...values, params },
      matches: ({ path, kind, language }) => {
        const facts = { path, kind, lang: language };
        return tests.every(({ name, glob }) => glob.test(facts[name]));
      },
    };
  });
}

/** `**` is any path, `*` and `?` stay within a name, `{a,b}` is either. */
function globPattern(glob: string): RegExp {
  const pattern = glob.replace(/\*\*|[*?{},]|[.+^$()|[\]\\]/g, (part) => {
    switch (part) {
      case '**':
        return '.*';
      case '*':
        return '[^/]*';
      case '?':
        return '[^/]';
      case '{':
        return '(?:';
      case '}':
        return ')';
      case ',':
        return '|';
      default:
        return `\\${part}`;
    }
  });
  try {
    return new RegExp(`^${pattern}$`, 'iu');
  } catch {
    return /^(?!)/;
  }
}
