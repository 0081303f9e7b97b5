import type { Image } from './apps/catalog.ts';
import type { Tool } from './shell/tool.ts';

/** What BusyBox brings, of the programs that are simulated. */
const busybox = [
  ...[
    '[',
    'arp',
    'arping',
    'awk',
    'cat',
    'cut',
    'date',
    'echo',
    'egrep',
    'env',
    'false',
    'fgrep',
    'free',
    'grep',
    'head',
    'hostname',
    'httpd',
    'id',
  ],
  ...[
    'ifconfig',
    'ip',
    'kill',
    'ls',
    'mkdir',
    'nc',
    'netstat',
    'nslookup',
    'ping',
    'ping6',
    'printf',
    'ps',
    'rm',
    'route',
    'sed',
    'seq',
    'sh',
    'sleep',
  ],
  ...[
    'sort',
    'sysctl',
    'tail',
    'tee',
    'telnet',
    'test',
    'timeout',
    'touch',
    'tr',
    'traceroute',
    'true',
    'uname',
    'uniq',
    'watch',
    'wc',
    'wget',
    'which',
    'whoami',
    'xargs',
  ],
];

/** What Debian's slim images have: core utilities, grep, sed, a shell, no network tools. */
const debian = [
  ...[
    '[',
    'cat',
    'cut',
    'date',
    'echo',
    'egrep',
    'env',
    'false',
    'fgrep',
    'getent',
    'grep',
    'head',
    'hostname',
    'id',
    'kill',
    'ls',
    'mkdir',
    'printf',
    'rm',
  ],
  ...[
    'sed',
    'seq',
    'sh',
    'sleep',
    'sort',
    'tail',
    'tee',
    'test',
    'timeout',
    'touch',
    'tr',
    'true',
    'uname',
    'uniq',
    'wc',
    'which',
    'whoami',
    'xargs',
  ],
];

/** The programs in an image, of those that there are. */
export function imageTools(image: Image, all: ReadonlyMap<string, Tool>): ReadonlyMap<string, Tool> {
  const base = image.userland === 'busybox' ? busybox : image.userland === 'debian' ? debian : [];
  const names = [...base, ...image.tools];
  return new Map(
    names.flatMap((name) => {
      const tool = all.get(name);
      return tool === undefined ? [] : [[name, tool] as const];
    }),
  );
}
