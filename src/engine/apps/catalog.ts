import { agnhost } from './agnhost.ts';
import { shortName } from './image.ts';
import { nginx } from './nginx.ts';
import { nginxFiles } from './nginx-files.ts';
import { helloApp } from './hello-app.ts';
import { httpbin } from './httpbin.ts';
import { httpd } from './httpd.ts';
import { httpEcho } from './http-echo.ts';
import { postgres } from './postgres.ts';
import { pythonHttpServer } from './python.ts';
import { redis } from './redis.ts';
import { standIn } from './stand-in.ts';
import { whoami } from './whoami.ts';
import type { ImageReference, Program, ProgramContext } from './server.ts';

/** An image: what its configuration says and which programs are in it. */
export interface Image {
  readonly entrypoint: readonly string[];
  readonly cmd: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly files: Readonly<Record<string, string>>;
  /** Whose programs it has: none at all, BusyBox', or Debian's core utilities. */
  readonly userland: 'none' | 'busybox' | 'debian';
  /** Programs beyond those. */
  readonly tools: readonly string[];
  /** Bytes, for the event that says how long pulling took. */
  readonly size: number;
  readonly known: boolean;
  /** Programs that are servers, by the name that `argv[0]` ends in. */
  readonly programs: Readonly<Record<string, (context: ProgramContext) => Program | undefined>>;
}

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const nothing: Image = {
  entrypoint: [],
  cmd: [],
  env: { PATH: path },
  files: {},
  userland: 'none',
  tools: [],
  size: 10_000_000,
  known: true,
  programs: {},
};
const network = [
  'ip',
  'ss',
  'bridge',
  'ping',
  'ping6',
  'traceroute',
  'traceroute6',
  'tracepath',
  'tracepath6',
  'arping',
  'curl',
  'wget',
  'nc',
  'dig',
  'nslookup',
  'host',
  'tcpdump',
  'conntrack',
  'iptables',
  'iptables-save',
  'ip6tables',
  'nft',
  'arp',
  'route',
  'ifconfig',
  'netstat',
  'getent',
  'nmap',
  'mtr',
  'telnet',
  'bash',
];

/** The images whose programs are known, by the name that people write without tag and registry mirror. */
const images: Readonly<Record<string, Partial<Image>>> = {
  nginx: {
    entrypoint: ['/docker-entrypoint.sh'],
    cmd: ['nginx', '-g', 'daemon off;'],
    files: nginxFiles,
    userland: 'debian',
    tools: ['bash', 'curl'],
    size: 59_800_000,
    programs: { nginx },
  },
  'nginxinc/nginx-unprivileged': {
    entrypoint: ['/docker-entrypoint.sh'],
    cmd: ['nginx', '-g', 'daemon off;'],
    files: {
      ...nginxFiles,
      '/etc/nginx/conf.d/default.conf': (nginxFiles['/etc/nginx/conf.d/default.conf'] ?? '').replace(
        'listen       80;',
        'listen       8080;',
      ),
    },
    userland: 'debian',
    tools: ['bash', 'curl'],
    size: 59_900_000,
    programs: { nginx },
  },
  httpd: {
    cmd: ['httpd-foreground'],
    files: { '/usr/local/apache2/htdocs/index.html': '<html><body><h1>It works!</h1></body></html>\n' },
    userland: 'debian',
    tools: ['bash'],
    size: 45_200_000,
    programs: { 'httpd-foreground': httpd, httpd },
  },
  'hashicorp/http-echo': { entrypoint: ['/http-echo'], size: 3_200_000, programs: { 'http-echo': httpEcho } },
  'registry.k8s.io/e2e-test-images/agnhost': {
    entrypoint: ['/agnhost'],
    cmd: ['pause'],
    userland: 'busybox',
    tools: [
      'bash',
      'curl',
      'dig',
      'host',
      'ip',
      'iptables',
      'iptables-save',
      'ip6tables',
      'conntrack',
      'tcpdump',
      'ss',
      'bridge',
      'ethtool',
      'nc',
      // Its own is BusyBox's, which can neither forbid fragments nor tell of ICMP errors: iputils' is what one installs.
      'ping',
    ],
    size: 51_000_000,
    programs: { agnhost },
  },
  'registry.k8s.io/pause': {
    entrypoint: ['/pause'],
    size: 320_000,
    programs: { pause: (context) => agnhost(withArgv(context, ['/agnhost', 'pause'])) },
  },
  'traefik/whoami': { entrypoint: ['/whoami'], size: 2_900_000, programs: { whoami } },
  'containous/whoami': { entrypoint: ['/whoami'], size: 2_900_000, programs: { whoami } },
  'gcr.io/google-samples/hello-app': {
    cmd: ['./hello-app'],
    size: 4_000_000,
    programs: { 'hello-app': helloApp },
  },
  'us-docker.pkg.dev/google-samples/containers/gke/hello-app': {
    cmd: ['./hello-app'],
    size: 4_000_000,
    programs: { 'hello-app': helloApp },
  },
  'kennethreitz/httpbin': {
    cmd: ['gunicorn', '-b', '0.0.0.0:80', 'httpbin:app', '-k', 'gevent'],
    userland: 'debian',
    tools: ['bash', 'python3'],
    size: 195_000_000,
    programs: { gunicorn: httpbin },
  },
  redis: {
    entrypoint: ['docker-entrypoint.sh'],
    cmd: ['redis-server'],
    userland: 'debian',
    tools: ['bash'],
    size: 45_000_000,
    programs: { 'redis-server': redis },
  },
  postgres: {
    entrypoint: ['docker-entrypoint.sh'],
    cmd: ['postgres'],
    userland: 'debian',
    tools: ['bash'],
    size: 150_000_000,
    programs: { postgres },
  },
  python: {
    cmd: ['python3'],
    userland: 'debian',
    tools: ['bash'],
    size: 360_000_000,
    programs: { python: pythonHttpServer, python3: pythonHttpServer },
  },
  busybox: { cmd: ['sh'], userland: 'busybox', size: 2_200_000 },
  alpine: { cmd: ['/bin/sh'], userland: 'busybox', size: 3_800_000 },
  ubuntu: { cmd: ['/bin/bash'], userland: 'debian', tools: ['bash'], size: 29_700_000 },
  debian: { cmd: ['bash'], userland: 'debian', tools: ['bash'], size: 48_500_000 },
  'curlimages/curl': {
    entrypoint: ['/entrypoint.sh'],
    cmd: ['curl'],
    userland: 'busybox',
    tools: ['curl'],
    size: 9_800_000,
  },
  'nicolaka/netshoot': { cmd: ['zsh'], userland: 'busybox', tools: network, size: 205_000_000 },
  'praqma/network-multitool': {
    cmd: ['nginx', '-g', 'daemon off;'],
    userland: 'busybox',
    tools: network,
    files: nginxFiles,
    size: 42_000_000,
    programs: { nginx },
  },
  'wbitt/network-multitool': {
    cmd: ['nginx', '-g', 'daemon off;'],
    userland: 'busybox',
    tools: network,
    files: nginxFiles,
    size: 42_000_000,
    programs: { nginx },
  },
  'registry.k8s.io/ingress-nginx/controller': {
    cmd: ['/nginx-ingress-controller'],
    userland: 'busybox',
    tools: ['bash', 'curl'],
    size: 105_000_000,
  },
  'registry.k8s.io/coredns/coredns': { entrypoint: ['/coredns'], size: 18_600_000 },
};

const aliases: Readonly<Record<string, string>> = {
  'k8s.gcr.io/e2e-test-images/agnhost': 'registry.k8s.io/e2e-test-images/agnhost',
  'registry.k8s.io/e2e-test-images/nginx': 'nginx',
  'registry.k8s.io/e2e-test-images/httpd': 'httpd',
  'registry.k8s.io/e2e-test-images/busybox': 'busybox',
  'k8s.gcr.io/ingress-nginx/controller': 'registry.k8s.io/ingress-nginx/controller',
  'k8s.gcr.io/pause': 'registry.k8s.io/pause',
  'quay.io/curl/curl': 'curlimages/curl',
  'docker.io/coredns/coredns': 'registry.k8s.io/coredns/coredns',
  'coredns/coredns': 'registry.k8s.io/coredns/coredns',
  'gcr.io/google-containers/busybox': 'busybox',
  'quay.io/prometheus/busybox': 'busybox',
};

/** A stand-in for an image that is not in the table. */
const unknown: Image = {
  ...nothing,
  userland: 'debian',
  tools: ['bash', 'curl'],
  size: 50_000_000,
  known: false,
};

const made = new Map<string, Image>();

export function imageOf(reference: ImageReference): Image {
  const name = shortName(reference);
  const known = Object.hasOwn(aliases, name) ? aliases[name] : name;
  if (known === undefined || !Object.hasOwn(images, known)) return unknown;
  const alpine = reference.tag.includes('alpine');
  const key = `${known} ${alpine}`;
  const before = made.get(key);
  if (before !== undefined) return before;
  const found = { ...nothing, ...images[known] };
  // Alpine's variants have BusyBox for a userland.
  const image: Image =
    alpine && found.userland === 'debian'
      ? { ...found, userland: 'busybox', tools: found.tools.filter((tool) => tool !== 'bash') }
      : found;
  made.set(key, image);
  return image;
}

/** Whether the registry would have such a tag: known images have versions, `latest` and a few words for tags. */
export function hasTag(reference: ImageReference): boolean {
  if (!imageOf(reference).known || reference.digest !== '') return true;
  return /^v?\d[\w.-]*$|^(latest|stable|mainline|main|alpine|slim|edge|musl|glibc|uclibc|unstable|perl|otel|rolling|noble|jammy|focal|bookworm|bullseye|trixie|sid|testing|master|minimal|extra)([-.][\w.-]*)?$/.test(
    reference.tag,
  );
}

/** What the process of a container is, its command line being known. */
export function programOf(image: Image, context: ProgramContext): Program {
  const argv = context.argv.flatMap((word, i) =>
    i === 0 && /^(\/?docker-)?entrypoint\.sh$|^\/(docker-)?entrypoint\.sh$/.test(word) ? [] : [word],
  );
  const first = argv[0] ?? '';
  // curl's entrypoint puts `curl` before what looks like its options.
  const words = image.programs['curl'] === undefined && first.startsWith('-') ? ['curl', ...argv] : argv;
  const name = (words[0] ?? '').replace(/^.*\//, '');
  const program = Object.hasOwn(image.programs, name)
    ? image.programs[name]?.(withArgv(context, words))
    : undefined;
  if (program !== undefined) return program;
  if (!image.known && words.length === 0) return standIn(context);
  return { kind: 'tool', argv: words };
}

export { standIn };

/** Not a spread: what the context makes when it is asked for shall stay unmade. */
function withArgv(context: ProgramContext, argv: readonly string[]): ProgramContext {
  const { hostname, image, ports } = context;
  return {
    argv,
    get env() {
      return context.env;
    },
    get files() {
      return context.files;
    },
    hostname,
    image,
    ports,
    addresses: () => context.addresses(),
    now: () => context.now(),
    log: (line) => context.log(line),
  };
}
