import type { Image } from './apps/catalog.ts';
import { sleep } from './net/task.ts';
import { createKubectl } from './shell/kubectl/index.ts';
import type { KubectlHost } from './shell/kubectl/host.ts';
import type { Place, Tool } from './shell/tool.ts';
import { toolset } from './shell/toolset.ts';
import { ssh } from './shell/tools/sh.ts';

export type FindPlace = (host: string) => Place | undefined;

/** Every program that there is. */
const everything: ReadonlyMap<string, Tool> = toolset('base', 'network', 'netfilter');

/** Those that BusyBox has its own of. */
const busybox: ReadonlyMap<string, Tool> = toolset('busybox');

/** Handshakes before the first request, in virtual microseconds: what one command sets in motion, the next finds done. */
const REACHING = 50_000;

/** A program that first has to reach another machine. */
function reaching(tool: Tool): Tool {
  return function* (ctx, args) {
    yield* sleep(ctx.world, REACHING);
    return yield* tool(ctx, args);
  };
}

/** Nodes, the router, the switch and the outside host have every program. */
export function machineTools(find: FindPlace): ReadonlyMap<string, Tool> {
  return new Map([...everything, ['ssh', reaching(ssh(find))]]);
}

/** Where `kubectl` is. */
export function clientTools(kubectlHost: KubectlHost, find: FindPlace): ReadonlyMap<string, Tool> {
  const kubectl = reaching(createKubectl(kubectlHost));
  return new Map([...machineTools(find), ['kubectl', kubectl], ['k', kubectl]]);
}

/** What BusyBox brings, of the programs that are simulated. */
const busyboxNames = [
  ...['[', 'arp', 'arping', 'awk', 'base64', 'basename', 'cat', 'cut', 'date', 'dd', 'dirname', 'echo'],
  ...[
    'egrep',
    'env',
    'expr',
    'false',
    'fgrep',
    'grep',
    'hd',
    'head',
    'hexdump',
    'hostname',
    'id',
    'ifconfig',
  ],
  ...[
    'ip',
    'kill',
    'less',
    'ls',
    'mkdir',
    'more',
    'nc',
    'netstat',
    'nl',
    'nslookup',
    'paste',
    'ping',
    'ping6',
  ],
  ...['printf', 'ps', 'rev', 'rm', 'rmdir', 'route', 'sed', 'seq', 'sh', 'sleep', 'sort', 'sysctl', 'tac'],
  ...['tail', 'tee', 'telnet', 'test', 'timeout', 'touch', 'tr', 'traceroute'],
  ...['traceroute6', 'true', 'uname', 'uniq', 'watch', 'wc', 'wget', 'which', 'whoami', 'xargs', 'yes'],
];

/** What Debian's slim images have: core utilities, grep, sed, mawk, a shell, no network tools. */
const debianNames = [
  ...[
    '[',
    'awk',
    'base64',
    'basename',
    'cat',
    'cut',
    'date',
    'dd',
    'dirname',
    'echo',
    'egrep',
    'env',
    'expr',
  ],
  ...['false', 'fgrep', 'getent', 'grep', 'head', 'hostname', 'id', 'kill', 'ls', 'mkdir', 'nl', 'paste'],
  ...['printf', 'rm', 'rmdir', 'sed', 'seq', 'sh', 'sleep', 'sort', 'tac', 'tail', 'tee', 'test', 'timeout'],
  ...['touch', 'tr', 'true', 'uname', 'uniq', 'wc', 'which', 'whoami', 'xargs', 'yes'],
];

const known = new WeakMap<Image, ReadonlyMap<string, Tool>>();

/** The programs in an image; what it installs beyond its userland is the real thing, not BusyBox'. */
export function imageTools(image: Image): ReadonlyMap<string, Tool> {
  const before = known.get(image);
  if (before !== undefined) return before;
  const { userland, tools } = image;
  const found = new Map<string, Tool>();
  const take = (name: string, tool: Tool | undefined): void => {
    if (tool !== undefined) found.set(name, tool);
  };
  if (userland === 'busybox')
    for (const name of busyboxNames) take(name, busybox.get(name) ?? everything.get(name));
  if (userland === 'debian') for (const name of debianNames) take(name, everything.get(name));
  for (const name of tools) take(name, name === 'bash' ? everything.get('sh') : everything.get(name));
  known.set(image, found);
  return found;
}
