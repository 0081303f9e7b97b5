import type { Netns } from '../net/netns.ts';
import { kernelFile, kernelNames } from './kernel-files.ts';
import type { FileError, FileResult, Files, VirtualFile } from './tool.ts';

const fail = (error: FileError): { readonly ok: false; readonly error: FileError } => ({ ok: false, error });
const done: FileResult<void> = { ok: true, value: undefined };
const MAX_FILES = 1000;

/** The files of one place: what was put there, what was written since, and the namespace's own under `/sys` and `/proc`. */
export class VirtualFiles implements Files {
  readonly #files = new Map<string, string | VirtualFile>();
  readonly #netns: Netns;
  readonly #directories = new Set([
    '/',
    '/bin',
    '/dev',
    '/etc',
    '/home',
    '/opt',
    '/proc',
    '/root',
    '/sbin',
    '/sys',
    '/tmp',
    '/usr',
    '/var',
  ]);

  constructor(netns: Netns, files: Readonly<Record<string, string | VirtualFile>> = {}) {
    this.#netns = netns;
    for (const [path, content] of Object.entries(files)) this.put(path, content);
  }

  put(path: string, content: string | VirtualFile): void {
    this.#files.set(path, content);
    for (let at = path.lastIndexOf('/'); at > 0; at = path.lastIndexOf('/', at - 1))
      this.#directories.add(path.slice(0, at));
  }

  read(path: string): FileResult<string> {
    const file = this.#files.get(path) ?? deviceFile(this.#netns, path) ?? kernelFile(this.#netns, path);
    if (file === undefined) return fail(this.kind(path) === 'directory' ? 'EISDIR' : 'ENOENT');
    return { ok: true, value: typeof file === 'string' ? file : file.read() };
  }

  write(path: string, text: string, mode: 'truncate' | 'append'): FileResult<void> {
    if (path === '/dev/null' || path === '/dev/zero') return done;
    const file = this.#files.get(path) ?? kernelFile(this.#netns, path);
    if (file !== undefined && typeof file !== 'string') {
      if (file.write === undefined) return fail('EACCES');
      if (text === '') return done;
      const error = file.write(text);
      return error === undefined ? done : fail(error);
    }
    if (this.kind(path) === 'directory') return fail('EISDIR');
    if (/^\/(proc|sys)\//.test(path)) return fail('ENOENT');
    if (this.kind(path.slice(0, path.lastIndexOf('/')) || '/') !== 'directory') return fail('ENOENT');
    if (file === undefined && this.#files.size >= MAX_FILES) return fail('ENOSPC');
    this.#files.set(path, mode === 'append' ? (file ?? '') + text : text);
    return done;
  }

  remove(path: string): FileResult<void> {
    if (this.#files.delete(path)) return done;
    return fail(
      this.kind(path) === undefined ? 'ENOENT' : this.kind(path) === 'directory' ? 'EISDIR' : 'EACCES',
    );
  }

  removeDirectory(path: string): FileResult<void> {
    const kind = this.kind(path);
    if (kind !== 'directory') return fail(kind === undefined ? 'ENOENT' : 'ENOTDIR');
    const names = this.list(path);
    if (names.ok && names.value.length > 0) return fail('ENOTEMPTY');
    return this.#directories.delete(path) ? done : fail('EACCES');
  }

  makeDirectory(path: string, parents: boolean): FileResult<void> {
    const there = this.kind(path);
    if (there !== undefined) return parents && there === 'directory' ? done : fail('EEXIST');
    const parent = path.slice(0, path.lastIndexOf('/')) || '/';
    if (/^\/(proc|sys)\//.test(path) || this.#directories.size >= MAX_FILES) return fail('EACCES');
    if (this.kind(parent) !== 'directory') {
      if (!parents || this.kind(parent) === 'file')
        return fail(this.kind(parent) === 'file' ? 'ENOTDIR' : 'ENOENT');
      const made = this.makeDirectory(parent, true);
      if (!made.ok) return made;
    }
    this.#directories.add(path);
    return done;
  }

  list(path: string): FileResult<readonly string[]> {
    const kind = this.kind(path);
    if (kind === undefined) return fail('ENOENT');
    if (kind === 'file') return fail('ENOTDIR');
    const base = path === '/' ? '/' : `${path}/`;
    const names = new Set(kernelNames(this.#netns, path));
    for (const known of [...this.#files.keys(), ...this.#directories])
      if (known.startsWith(base) && known.length > base.length)
        names.add(known.slice(base.length).split('/')[0] ?? '');
    return { ok: true, value: [...names].sort() };
  }

  kind(path: string): 'file' | 'directory' | undefined {
    if (this.#files.has(path) || DEVICES.includes(path) || kernelFile(this.#netns, path) !== undefined)
      return 'file';
    return this.#directories.has(path) || kernelNames(this.#netns, path).length > 0 ? 'directory' : undefined;
  }
}

const DEVICES = ['/dev/null', '/dev/random', '/dev/urandom', '/dev/zero'];
/** What never ends gives more than anybody may print. */
const ENDLESS = 1 << 20;

/** Text is what flows here, so that a random byte has seven bits. */
function deviceFile({ world }: Netns, path: string): string | undefined {
  switch (path) {
    case '/dev/null':
      return '';
    case '/dev/zero':
      return '\0'.repeat(ENDLESS);
    case '/dev/random':
    case '/dev/urandom':
      return Array.from({ length: 4096 }, () => String.fromCharCode(world.random.below(128)))
        .join('')
        .repeat(ENDLESS / 4096);
  }
  return undefined;
}

/** What `strerror` says. */
export function fileErrorText(error: string): string {
  return FILE_ERRORS[error] ?? 'Input/output error';
}

const FILE_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  EACCES: 'Permission denied',
  EISDIR: 'Is a directory',
  ENOTDIR: 'Not a directory',
  EROFS: 'Read-only file system',
  EINVAL: 'Invalid argument',
  ENOSPC: 'No space left on device',
  ENODEV: 'No such device',
  ENOTEMPTY: 'Directory not empty',
};
