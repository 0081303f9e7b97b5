import type { Tool, ToolContext } from '../tool.ts';
import { ipAddress } from './ip/address.ts';
import { jsonOf, prettyJson } from './ip/json.ts';
import { ipLink } from './ip/link.ts';
import { ipNeigh } from './ip/neigh.ts';
import { ipRoute } from './ip/route.ts';
import { ipRule } from './ip/rule.ts';
import { Refusal, Words, type IpOptions } from './ip/words.ts';
import { inNetns } from './netns-exec.ts';

/** In the order in which iproute2 tries beginnings of words. */
const OBJECTS: readonly (readonly [string, ((words: Words) => void) | undefined])[] = [
  ['address', ipAddress],
  ['maddress', undefined],
  ['route', ipRoute],
  ['rule', ipRule],
  ['neighbor', ipNeigh],
  ['neighbour', ipNeigh],
  ['link', ipLink],
  ['tunnel', undefined],
  ['monitor', undefined],
  ['netns', undefined],
  ['help', undefined],
];

const USAGE = `Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }
       ip [ -force ] -batch filename
where  OBJECT := { address | addrlabel | amt | fou | help | ila | ioam | l2tp |
                   link | macsec | maddress | monitor | mptcp | mroute | mrule |
                   neighbor | neighbour | netconf | netns | nexthop | ntable |
                   ntbl | route | rule | sr | tap | tcpmetrics |
                   token | tunnel | tuntap | vrf | xfrm }
       OPTIONS := { -V[ersion] | -s[tatistics] | -d[etails] | -r[esolve] |
                    -h[uman-readable] | -iec | -j[son] | -p[retty] |
                    -f[amily] { inet | inet6 | mpls | bridge | link } |
                    -4 | -6 | -M | -B | -0 |
                    -l[oops] { maximum-addr-flush-attempts } | -br[ief] |
                    -o[neline] | -t[imestamp] | -ts[hort] | -b[atch] [filename] |
                    -rc[vbuf] [size] | -n[etns] name | -N[umeric] | -a[ll] |
                    -c[olor]}
`;

/** iproute2's `ip`: link, address, route, rule, neighbour, netns. */
export const ip: Tool = function* (ctx, args) {
  let at = 0;
  let options: IpOptions = {
    family: undefined,
    brief: false,
    details: false,
    statistics: 0,
    oneline: false,
    json: false,
  };
  let inside = ctx;
  let json = false;
  let pretty = false;
  for (; args[at]?.startsWith('-') === true; at++) {
    const option = (args[at] ?? '').replace(/^--?/, '');
    const is = (name: string, atLeast = 1): boolean => option.length >= atLeast && name.startsWith(option);
    if (option === '4') options = { ...options, family: 4 };
    else if (option === '6') options = { ...options, family: 6 };
    else if (is('brief', 2)) options = { ...options, brief: true };
    else if (is('details')) options = { ...options, details: true };
    else if (is('statistics') || is('stats')) options = { ...options, statistics: options.statistics + 1 };
    else if (is('oneline')) options = { ...options, oneline: true };
    else if (is('family')) {
      const family = args[++at];
      options = { ...options, family: family === 'inet6' ? 6 : 4 };
    } else if (is('netns')) {
      const name = args[++at] ?? '';
      const netns = ctx.world.netns(name);
      if (netns === undefined || ctx.place.kind === 'container') {
        ctx.err(`Cannot open network namespace "${name}": No such file or directory\n`);
        return 255;
      }
      inside = { ...ctx, netns };
    } else if (is('Version')) {
      ctx.out('ip utility, iproute2-6.1.0, libbpf 1.1.2\n');
      return 0;
    } else if (is('json')) json = true;
    else if (is('pretty')) pretty = true;
    else if (
      !is('color') &&
      option !== 'c' &&
      option !== 'r' &&
      option !== 'N' &&
      option !== 'h' &&
      option !== '0' &&
      !/^c(olor)?=/.test(option)
    ) {
      ctx.err(`Option "${args[at] ?? ''}" is unknown, try "ip -help".\n`);
      return 255;
    }
  }
  const name = args[at];
  const object = name === undefined ? undefined : OBJECTS.find(([known]) => known.startsWith(name));
  if (name === undefined || object?.[0] === 'help') {
    ctx.err(USAGE);
    return 255;
  }
  if (object === undefined) {
    ctx.err(`Object "${name}" is unknown, try "ip help".\n`);
    return 1;
  }
  const rest = args.slice(at + 1);
  if (object[0] === 'netns') return yield* netns(inside, rest);
  const run = object[1];
  if (run === undefined) {
    ctx.err(`ip: "${object[0]}" is not supported here\n`);
    return 1;
  }
  if (!json) return refusing(inside, () => run(new Words(inside, options, rest)));
  if (options.details || options.statistics > 0 || options.brief) {
    ctx.err('ip: JSON of details, statistics and brief lists is not supported here\n');
    return 255;
  }
  let text = '';
  const collecting = { ...inside, out: (more: string) => void (text += more) };
  const status = refusing(inside, () => run(new Words(collecting, { ...options, oneline: false }, rest)));
  // What changes something prints nothing.
  if (status !== 0 || (text === '' && !/^(s|sh\w*|l\w*)?$/.test(rest[0] ?? ''))) return status;
  const values = jsonOf(object[0], text);
  ctx.out(`${pretty ? prettyJson(values) : JSON.stringify(values)}\n`);
  return 0;
};

/** Runs it and prints its refusal, if it refuses. */
export function refusing(ctx: ToolContext, run: () => void): number {
  try {
    run();
    return 0;
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    if (refusal.message !== '') ctx.err(`${refusal.message}\n`);
    return refusal.code;
  }
}

/** The node's named namespaces are its pods'. */
function* netns(ctx: ToolContext, args: readonly string[]): ReturnType<Tool> {
  const [command = 'list', name = '', ...argv] = args;
  const names = ctx.place.kind === 'container' ? [] : podNamespaces(ctx);
  if ('list'.startsWith(command) || command === 'show') {
    for (const [i, known] of names.entries()) ctx.out(`${known} (id: ${i})\n`);
    return 0;
  }
  if (!'exec'.startsWith(command)) {
    ctx.err(`Command "${command}" is unknown, try "ip netns help".\n`);
    return 255;
  }
  const target = names.includes(name) ? ctx.world.netns(name) : undefined;
  if (target === undefined) {
    ctx.err(`Cannot open network namespace "${name}": No such file or directory\n`);
    return 255;
  }
  if (argv.length === 0) {
    ctx.err('No command specified\n');
    return 255;
  }
  return yield* inNetns(ctx, target, argv);
}

function podNamespaces(ctx: ToolContext): string[] {
  const names: string[] = [];
  for (const device of ctx.netns.links()) {
    const peer = 'peer' in device ? device.peer : undefined;
    if (peer !== null && typeof peer === 'object' && 'netns' in peer) {
      const found = [...ctx.world.netnses].find(([, ns]) => ns === peer.netns && ns.kind === 'pod');
      if (found !== undefined) names.push(found[0]);
    }
  }
  return names;
}
