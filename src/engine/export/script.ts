/** A recording as a shell script. */
import type { Answer } from './server.ts';
import { PROGRAM } from './program.ts';
import type { Call, RecordedStep, Recording } from './recorder.ts';
import type { Command } from './resource.ts';

/** Programs that ask the network; a lab that uses one cannot do without it. */
const ASKING: Readonly<Record<string, string>> = {
  arping: 'iputils-arping',
  curl: 'curl',
  dig: 'bind9-dnsutils',
  host: 'bind9-host',
  nc: 'netcat-openbsd',
  nslookup: 'bind9-dnsutils',
  ping: 'iputils-ping',
  tracepath: 'iputils-tracepath',
  traceroute: 'traceroute',
  wget: 'wget',
};

/** Programs that look at the kernel or change it: run where they are there, else what they printed is told. */
const LOOKING: ReadonlySet<string> = new Set([
  ...['arp', 'bridge', 'conntrack', 'ifconfig', 'ip', 'ip6tables', 'ip6tables-save', 'ipset', 'iptables'],
  ...['iptables-save', 'netstat', 'nft', 'route', 'ss', 'sysctl', 'tcpdump'],
]);

const SHELLS: ReadonlySet<string> = new Set([
  'sh',
  'bash',
  'timeout',
  'watch',
  'xargs',
  'time',
  'env',
  'ash',
]);

export interface ScriptOptions {
  /** What the lab is called, for the head of the script. */
  readonly title: string;
  /** What the client's curl says it is. */
  readonly agent: string;
}

/** The whole script; it says itself what it needs. */
export function scriptOf(recording: Recording, options: ScriptOptions): string {
  const listening = new Set(
    everyCommand(recording).flatMap(({ program, netns, text }) => {
      const [, protocol, , port] = /^(open) (\S+) (\S+) (\d+)$/.exec(text)?.slice(1) ?? [];
      return program === 'server' ? [`${netns ?? ''} ${protocol ?? ''} ${port ?? ''}`] : [];
    }),
  );
  const answers = Object.fromEntries(
    [...recording.answers]
      .filter(([server]) => listening.has(server))
      .map(([server, list]) => [server, firstOfEach(list)]),
  );
  return [
    head(recording, options),
    LIBRARY,
    functionLine('build', batches(recording.build, 'must')),
    ...recording.steps.flatMap((step, index) => stepFunctions(step, index + 1)),
    main(recording, answers, options),
  ].join('\n');
}

/** What a server said first to a question is what it says. */
function firstOfEach(list: readonly Answer[]): Answer[] {
  return [...new Map(list.toReversed().map((answer) => [answer.to, answer])).values()].reverse();
}

function everyCommand({ build, steps }: Recording): Command[] {
  return [
    ...build,
    ...steps.flatMap((step) =>
      step.kind === 'run'
        ? [...step.calls.flatMap(({ before, changes }) => [...before, ...changes]), ...step.after]
        : step.changes,
    ),
  ];
}

function head(recording: Recording, { title }: ScriptOptions): string {
  const commands = everyCommand(recording);
  const uses = (program: Command['program']): boolean => commands.some((one) => one.program === program);
  const needed = new Map([
    ['ip', 'iproute2'],
    ['bridge', 'iproute2'],
    ['python3', 'python3'],
    ...(uses('iptables') ? [['iptables-restore', 'iptables'] as const] : []),
    ...(uses('ip6tables') ? [['ip6tables-restore', 'iptables'] as const] : []),
    ...(uses('nft') ? [['nft', 'nftables'] as const] : []),
    ...(uses('ipset') ? [['ipset', 'ipset'] as const] : []),
    ...programsOf(recording).map((name) => [name, ASKING[name] ?? name] as const),
  ]);
  const links = new Set(
    commands.flatMap(({ text }) => /^link add .* type (vxlan|ipip|dummy)\b/.exec(text)?.[1] ?? []),
  );
  const bridges = commands.some(({ text }) => text.startsWith('net/bridge/'));
  const modules = [
    ...links,
    ...(bridges ? ['br_netfilter'] : []),
    ...(uses('nft') ? [['nft', 'nftables'] as const] : []),
    ...(uses('ipset') ? ['xt_set', 'ip_set_hash_net', 'ip_set_hash_netport'] : []),
  ];
  const list = [...needed.keys()].join(' ');
  const packages = [...new Set(needed.values())].join(' ');
  return `#!/usr/bin/env bash
# ${oneLine(title)}
#
# The same cluster as in the lesson, made of network namespaces on this machine's kernel: every node, pod, router and
# switch is a namespace, with the interfaces, addresses, routes, rules and tables that the lesson's cluster has. Then the
# lab's commands run in them, and all of it is taken away again.
#
#   sudo bash ${fileName(title)} [--capture DIR] [--keep]
#
# --capture DIR   writes what crossed every interface: one pcapng file for each command, for Wireshark
# --keep          leaves the namespaces there; "ip netns" lists them, "ip netns del" takes them away
#
# Needs root, bash and: ${list}
# On Debian or Ubuntu: apt install ${packages}${modules.length === 0 ? '' : `\n# and from the kernel: ${modules.join(' ')}`}
# Images are not pulled: a small Python program answers in their place, as they did in the lesson. "kubectl" and "ssh" are
# stand-ins too: what runs in a pod or on a node runs in its namespace, what kubectl changed is changed in the
# namespaces, and what it printed is printed again. IP forwarding and all other settings are the namespaces' own; nothing
# of this machine's is touched.
# Started as "sh SCRIPT", it goes on in bash.
[ -n "\${BASH_VERSION:-}" ] || exec bash "$0" "$@"
PATH="$PATH:/usr/sbin:/sbin"
NEEDED='${list}'
PACKAGES='${packages}'
MODULES='${modules.join(' ')}'
BRIDGES=${bridges ? 'yes' : 'no'}`;
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}

function fileName(title: string): string {
  return `${
    oneLine(title)
      .replaceAll(/[^\w.-]+/g, '-')
      .replaceAll(/^-|-$/g, '')
      .toLowerCase() || 'lab'
  }.sh`;
}

/** The asking programs that the lab's commands name. */
function programsOf({ steps }: Recording): string[] {
  const words = steps.flatMap((step) =>
    step.kind === 'run'
      ? step.calls.filter(isNative).flatMap(({ args }) => args.join(' ').split(/[^\w./-]+/))
      : [],
  );
  return Object.keys(ASKING).filter((name) => words.includes(name));
}

/** Whether the kernel's own answer is what counts. */
function isNative(call: Call): boolean {
  if (call.netns === undefined) return false;
  if (call.program === 'ssh') return true;
  const program = innerCommand(call)[0] ?? '';
  return Object.hasOwn(ASKING, program) || LOOKING.has(program) || SHELLS.has(program);
}

function innerCommand({ program, args }: Call): readonly string[] {
  if (program === 'ssh') {
    const at = args.findIndex((arg) => !arg.startsWith('-'));
    return ['bash', '-c', args.slice(at + 1).join(' ')];
  }
  return args.slice(args.indexOf('--') + 1);
}

function stepFunctions(step: RecordedStep, number: number): string[] {
  switch (step.kind) {
    case 'apply':
    case 'advance':
      return [functionLine(`after_${number}`, batches(step.changes, 'may'))];
    case 'run': {
      const ids = new Map<string, number[]>();
      step.calls.forEach((call, index) => {
        const text = [call.program, ...call.args].join(' ');
        ids.set(text, [...(ids.get(text) ?? []), index + 1]);
      });
      const cases = [...ids].map(
        ([text, numbers]) => `    ${quote(text)}) ids=${quote(numbers.join(' '))} ;;`,
      );
      return [
        functionLine(
          `calls_${number}`,
          ['  case "$1" in', ...cases, "    *) ids='' ;;", '  esac'].join('\n'),
        ),
        ...step.calls.map((call, index) => callFunction(call, `${number}_${index + 1}`)),
        functionLine(`after_${number}`, batches(step.after, 'may')),
      ];
    }
  }
}

function callFunction(call: Call, id: string): string {
  const files = call.files.map(({ name, text }) => `etc ${quote(call.netns ?? '')} ${name} ${quote(text)}\n`);
  const part = (name: string, body: string): string => `  ${name})\n${body === '' ? ':' : body}\n  ;;`;
  const inner = isNative(call) ? innerCommand(call).map(quote).join(' ') : '';
  return functionLine(
    `call_${id}`,
    [
      'case "$1" in',
      part('before', `${isNative(call) ? files.join('') : ''}${batches(call.before, 'may')}`),
      part('changes', batches(call.changes, 'may')),
      part('inside', inner === '' ? '' : `inside ${quote(call.netns ?? '')} ${inner}`),
      part(
        'native',
        inner === '' ? 'return 1' : `runs_here ${innerCommand(call).slice(0, 1).map(quote).join(' ')}`,
      ),
      part('said', `${say(call.stdout, '')}${say(call.stderr, ' >&2')}return ${call.exitCode}`),
      'esac',
    ].join('\n'),
  );
}

function say(text: string, where: string): string {
  return text === '' ? '' : `printf %s ${quote(text)}${where}\n`;
}

function functionLine(name: string, body: string): string {
  return `${name}() {\n${body.trim() === '' ? ':' : body}\n}\n`;
}

/** Commands for one program in one namespace follow each other in one call of it. */
function batches(commands: readonly Command[], how: 'must' | 'may'): string {
  const groups: {
    readonly program: Command['program'];
    readonly netns: string | undefined;
    readonly lines: string[];
  }[] = [];
  for (const { program, netns, text } of commands) {
    const last = groups.at(-1);
    const together = program === 'server' || last?.netns === netns;
    const line = program === 'server' ? text.replace(' ', ` ${place(netns ?? '')} `) : text;
    if (last?.program === program && together) last.lines.push(line);
    else groups.push({ program, netns, lines: [line] });
  }
  return groups
    .map(({ program, netns, lines }) => {
      const where = program === 'server' ? '' : ` ${quote(netns ?? '')}`;
      return `${how} ${program}_do${where} <<PODWALK\n${lines.map(withPrefix).join('\n')}\nPODWALK`;
    })
    .join('\n');
}

/** `{node-1}` is the name of a namespace, which on the machine has a prefix. */
function withPrefix(line: string): string {
  return line
    .replaceAll(/[\\$`]/g, (letter) => `\\${letter}`)
    .replaceAll(/(?<=\bnetns (?:add |del )?)\{([^}]+)\}/g, (_, name: string) => `\${p}${place(name)}`);
}

/** A namespace's name as a file's: a pod of another namespace has a slash in it. */
function place(netns: string): string {
  return netns.replaceAll('/', '+');
}

function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

const LIBRARY = String.raw`
die() { echo "$(basename "$0"): $*" >&2; exit 1; }

# What must be done can fail only for a reason that ends the script; what may be done is done again by a command at times.
must() { "$@" || die "this kernel refused a part of the cluster (see above)"; }
may() { "$@" 2>>"$work/refused" || true; }

ip_do() { if [ -n "$1" ]; then ip -n "$(ns "$1")" -force -batch -; else ip -force -batch -; fi; }
bridge_do() { bridge -n "$(ns "$1")" -force -batch -; }
ipset_do() { ip netns exec "$(ns "$1")" ipset restore -exist; }
iptables_do() { ip netns exec "$(ns "$1")" iptables-restore; }
ip6tables_do() { ip netns exec "$(ns "$1")" ip6tables-restore; }
nft_do() { ip netns exec "$(ns "$1")" nft -f -; }
sysctl_do() {
  ip netns exec "$(ns "$1")" sh -c 'while read -r path value; do
    if [ -e "/proc/sys/$path" ]; then echo "$value" > "/proc/sys/$path"; fi
  done'
}
server_do() {
  kill -0 "$(cat "$work/server")" || die 'the servers have ended'
  { cat; echo done; } > "$work/asked"
  read -r -t 20 _ <> "$work/said" || die 'the servers do not answer'
}

# The namespace of a machine or pod.
ns() { printf %s "$p$1" | tr / +; }

inside() {
  local where
  where=$(ns "$1")
  shift
  env CURL_HOME="$work" ip netns exec "$where" "$@"
}
# What "ip netns exec" shows in place of this machine's /etc.
etc() {
  mkdir -p "/etc/netns/$(ns "$1")"
  printf %s "$3" > "/etc/netns/$(ns "$1")/$2"
  echo 'hosts: files dns' > "/etc/netns/$(ns "$1")/nsswitch.conf"
}
runs_here() { command -v "$1" > /dev/null; }

# kubectl and ssh, as the lab's commands call them.
called() {
  local ids id step call status
  step=$(cat "$work/step")
  "calls_$step" "$*"
  for id in $ids; do if mkdir "$work/used/$step.$id" 2> /dev/null; then break; fi; done
  if [ -z "$ids" ]; then echo "$1: the lab did not run \"$*\", and so its answer is not known here" >&2; return 1; fi
  call=call_$step"_"$id
  "$call" before
  if "$call" native; then
    "$call" inside
    status=$?
    if [ "$1" = kubectl ] && [ $status -ne 0 ]; then echo "command terminated with exit code $status" >&2; fi
  else
    "$call" said
    status=$?
  fi
  "$call" changes
  return $status
}

cleanup() {
  local name
  trap - EXIT
  if [ -e "$work/server" ]; then kill "$(cat "$work/server")" 2> /dev/null; fi
  if [ "$keep" = yes ]; then
    echo "the namespaces are still there: ip netns list | grep $p"
  else
    for name in $(ip netns list | cut -d ' ' -f 1); do
      case "$name" in
        "$p"*) ip netns pids "$name" | xargs -r kill 2> /dev/null; ip netns del "$name" ;;
      esac
    done
  fi
  rm -rf "$work" "/etc/netns/$p"*
}

# begins a step: what crosses the interfaces from now on goes to a file of its own
begin() {
  echo "$1" > "$work/step"
  if [ -n "$capture" ]; then echo "capture $capture/$(printf %02d "$1").pcapng" | server_do; fi
}
finish() { if [ -n "$capture" ]; then sleep "$settle"; fi; }
run() {
  printf '$ %s\n' "$2"
  begin "$1"
  eval "$2"
  "after_$1"
  finish
}
`;

function main(
  recording: Recording,
  answers: Readonly<Record<string, readonly Answer[]>>,
  { agent }: ScriptOptions,
): string {
  const table = { answers: rename(answers), forward: rename(recording.forward) };
  const names = recording.steps.flatMap((step, index) => stepCalls(step, index + 1));
  return `
p=\${PODWALK_PREFIX:-pw$$.}
if [ -n "\${PODWALK_CALL:-}" ]; then
  work=$PODWALK_WORK
  called "$PODWALK_CALL" "$@"
  exit
fi

capture= keep=no settle=\${PODWALK_SETTLE:-0.3}
while [ $# -gt 0 ]; do
  case "$1" in
    --capture) [ $# -gt 1 ] || die '--capture needs a directory'; mkdir -p "$2" && capture=$(cd "$2" && pwd); shift ;;
    --keep) keep=yes ;;
    *) die "unknown option $1; there are --capture DIR and --keep" ;;
  esac
  shift
done
[ "$(id -u)" = 0 ] || die 'network namespaces need root: sudo bash it'
missing=
for program in $NEEDED; do command -v "$program" > /dev/null || missing="$missing $program"; done
[ -z "$missing" ] || die "missing:$missing (on Debian or Ubuntu: apt install $PACKAGES)"
for module in $MODULES; do modprobe -q "$module" 2> /dev/null || true; done
[ $BRIDGES = no ] || [ -e /proc/sys/net/bridge/bridge-nf-call-iptables ] ||
  die 'this kernel does not show bridged frames to iptables, as Kubernetes needs it: load br_netfilter (kernel 5.3 or newer)'

work=$(mktemp -d)
trap cleanup EXIT
trap 'exit 130' INT TERM HUP
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
export PODWALK_PREFIX=$p PODWALK_WORK=$work
mkdir "$work/bin" "$work/used"
cp "$0" "$work/lab.sh"
for name in kubectl ssh; do
  printf '#!/bin/sh\\nPODWALK_CALL=%s exec bash %s "$@"\\n' "$name" "$work/lab.sh" > "$work/bin/$name"
  chmod +x "$work/bin/$name"
done
ln -s kubectl "$work/bin/k"
PATH="$work/bin:$PATH"
echo 'user-agent = "${agent}"' > "$work/.curlrc"
mkfifo "$work/asked" "$work/said"
cat > "$work/answers.json" <<'PODWALK'
${JSON.stringify(table)}
PODWALK
cat > "$work/server.py" <<'PODWALK'
${PROGRAM}
PODWALK
# Not a child of this shell: a command that says "wait" does not wait for it.
(
  python3 "$work/server.py" "$work" "$p" &
  echo $! > "$work/server"
)
build
server_do < /dev/null
${names.join('\n')}
if [ -n "$capture" ]; then echo stop > "$work/asked"; read -r -t 20 _ <> "$work/said"; fi
`;
}

function rename<T>(byServer: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(byServer).map(([server, value]) => [place(server), value]));
}

function stepCalls(step: RecordedStep, number: number): string[] {
  switch (step.kind) {
    case 'run':
      return [`run ${number} ${quote(step.command)}`];
    case 'apply':
      return [
        `begin ${number}; printf %s ${quote(step.file === undefined ? '' : `# ${step.file}\n`)}${quote(step.output)}; after_${number}; finish`,
      ];
    case 'advance':
      return [`begin ${number}; sleep ${step.microseconds / 1e6}; after_${number}; finish`];
  }
}
