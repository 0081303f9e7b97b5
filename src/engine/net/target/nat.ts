import { compareIp, formatIp, isIpv6, parseIp, type Ip } from '../address.ts';
import type {
  ExtensionError,
  GivenOptions,
  OptionSpec,
  RuleContext,
  TargetExtension,
} from '../iptables-extension.ts';
import { mustSpecify } from '../iptables-extension.ts';
import { parseInteger } from '../iptables-rule.ts';
import type { NatRange } from '../nat.ts';
import { SCTP, TCP, UDP } from '../netfilter-flow.ts';
import { parsePort } from '../match/ports.ts';

const NEED_PORTS: ExtensionError = { error: 'Need TCP, UDP, SCTP or DCCP with port specification' };

function hasPorts({ protocol }: Pick<RuleContext, 'protocol'>): boolean {
  return protocol !== undefined && !protocol.invert && [TCP, UDP, SCTP, 33].includes(protocol.number);
}

function portsNeedProtocol(_value: string, protocol: RuleContext['protocol']): string | undefined {
  return hasPorts({ protocol }) ? undefined : 'Need TCP, UDP, SCTP or DCCP with port specification';
}

function rangeNeedsProtocol(value: string, protocol: RuleContext['protocol']): string | undefined {
  const ports = value.startsWith('[') ? value.includes(']:') : value.split(':').length === 2;
  return ports ? portsNeedProtocol(value, protocol) : undefined;
}

interface ParsedRange extends NatRange {
  readonly text: string;
}

/** `ADDRESS[-ADDRESS][:PORT[-PORT[/BASE]]]`, with `[…]` around an IPv6 address that has a port. */
function parseRange(value: string, context: RuleContext): ParsedRange | ExtensionError {
  let addresses = value;
  let ports = '';
  if (context.family === 'ipv6') {
    const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(value);
    if (bracketed !== null) {
      addresses = bracketed[1] ?? '';
      ports = bracketed[2] ?? '';
    }
  } else {
    const colon = value.indexOf(':');
    if (colon >= 0) {
      addresses = value.slice(0, colon);
      ports = value.slice(colon + 1);
      if (ports === '') return { error: `Port \`' not valid` };
    }
  }
  let minPort: number | undefined;
  let maxPort: number | undefined;
  let basePort: number | undefined;
  if (ports !== '') {
    if (!hasPorts(context)) return NEED_PORTS;
    const parsed = /^([^-/]+)(?:-([^-/]+)(?:\/(.+))?)?$/.exec(ports);
    const first = parsed?.[1] ?? ports;
    minPort = parsePort(first, 'tcp');
    if (minPort === undefined || minPort === 0) return { error: `Port \`${first}' not valid` };
    maxPort = parsed?.[2] === undefined ? minPort : parseInteger(parsed[2], 65535);
    if (maxPort === undefined || maxPort === 0) return { error: `Port range \`${ports}' not valid` };
    if (maxPort < minPort) return { error: `Port range \`${ports}' funky` };
    if (parsed?.[3] !== undefined) {
      basePort = parseInteger(parsed[3], 65535);
      if (basePort === undefined) return { error: `Port range \`${ports}' not valid` };
    }
  }
  let min: Ip | undefined;
  let max: Ip | undefined;
  if (addresses !== '') {
    const [first = '', second] = addresses.split('-');
    min = readAddress(first, context);
    if (min === undefined) return { error: `Bad IP address "${first}"` };
    max = second === undefined ? min : readAddress(second, context);
    if (max === undefined) return { error: `Bad IP address "${second ?? ''}"` };
    if (compareIp(max, min) < 0) return { error: `Bad IP range "${first}-${second ?? ''}"` };
  } else if (ports === '') return { error: `Bad IP address "${value}"` };
  let text = '';
  if (min !== undefined && max !== undefined) {
    text = min === max ? formatIp(min) : `${formatIp(min)}-${formatIp(max)}`;
    if (context.family === 'ipv6' && minPort !== undefined) text = `[${text}]`;
  }
  if (minPort !== undefined && maxPort !== undefined) {
    text += `:${minPort}${maxPort === minPort ? '' : `-${maxPort}`}${basePort === undefined ? '' : `/${basePort}`}`;
  }
  return {
    text,
    ...(min === undefined || max === undefined ? {} : { addresses: [min, max] as const }),
    ...(minPort === undefined || maxPort === undefined ? {} : { ports: [minPort, maxPort] as const }),
    ...(basePort === undefined ? {} : { base: basePort }),
  };
}

function readAddress(text: string, context: RuleContext): Ip | undefined {
  const ip = parseIp(text);
  return ip !== undefined && isIpv6(ip) === (context.family === 'ipv6') ? ip : undefined;
}

/** `PORT[-PORT]` of MASQUERADE and REDIRECT. */
function parsePorts(
  given: GivenOptions,
  context: RuleContext,
): { ports?: readonly [number, number] } | ExtensionError {
  const option = given.get('to-ports');
  if (option === undefined) return {};
  if (!hasPorts(context)) return NEED_PORTS;
  const [a = '', b] = option.value.split('-');
  const first = parsePort(a, 'tcp');
  if (first === undefined) return { error: `Port \`${option.value}' not valid` };
  const last = b === undefined ? first : parseInteger(b, 65535);
  if (last === undefined) return { error: `Port range \`${option.value}' not valid` };
  if (last < first) return { error: `Port range \`${option.value}' funky` };
  return { ports: [first, last] };
}

/** Where each NAT target may stand (its `hooks` in net/netfilter/xt_nat.c and xt_MASQUERADE.c). User chains are judged by who jumps. */
function misplaced(context: RuleContext, chains: readonly string[]): boolean {
  const builtin = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'].includes(context.chain);
  return context.table !== 'nat' || (builtin && !chains.includes(context.chain));
}

const FLAG_WORDS = ['random', 'random-fully', 'persistent'] as const;

function flags(given: GivenOptions): {
  readonly words: readonly string[];
  readonly range: Partial<NatRange>;
} {
  const words = FLAG_WORDS.filter((word) => given.has(word));
  return {
    words,
    range: {
      ...(given.has('random') ? { random: true } : {}),
      ...(given.has('random-fully') ? { randomFully: true } : {}),
      ...(given.has('persistent') ? { persistent: true } : {}),
    },
  };
}

const FLAG_OPTIONS = {
  random: { name: 'random', argument: 'none' },
  randomFully: { name: 'random-fully', argument: 'none' },
  persistent: { name: 'persistent', argument: 'none' },
} as const satisfies Record<string, OptionSpec>;

function saveWords(words: readonly string[]): string {
  return words.map((word) => ` --${word}`).join('');
}

function listWords(words: readonly string[]): string {
  return words.map((word) => ` ${word}`).join('');
}

function addressed(
  name: 'DNAT' | 'SNAT',
  option: 'to-destination' | 'to-source',
  chains: readonly string[],
  extra: readonly OptionSpec[],
): TargetExtension {
  return {
    name,
    options: [{ name: option, argument: 'required', check: rangeNeedsProtocol }, ...extra],
    create(given, context) {
      const value = given.get(option);
      if (value === undefined) return mustSpecify(name, option);
      const parsed = parseRange(value.value, context);
      if (!('text' in parsed)) return parsed;
      if (misplaced(context, chains)) return { kernel: 'Invalid argument' };
      const { words, range } = flags(given);
      const nat: NatRange = { ...parsed, ...range };
      return {
        kind: 'extension',
        name,
        save: ` --${option} ${parsed.text}${saveWords(words)}`,
        list: () => ` to:${parsed.text}${listWords(words)}`,
        tracks: true,
        apply: (flow) => flow.env.nat(flow, name, nat),
      };
    },
  };
}

export const dnat = addressed(
  'DNAT',
  'to-destination',
  ['PREROUTING', 'OUTPUT'],
  [FLAG_OPTIONS.random, FLAG_OPTIONS.persistent],
);
export const snat = addressed(
  'SNAT',
  'to-source',
  ['POSTROUTING', 'INPUT'],
  [FLAG_OPTIONS.random, FLAG_OPTIONS.randomFully, FLAG_OPTIONS.persistent],
);

export const masquerade: TargetExtension = {
  name: 'MASQUERADE',
  options: [
    { name: 'to-ports', argument: 'required', check: portsNeedProtocol },
    FLAG_OPTIONS.random,
    FLAG_OPTIONS.randomFully,
  ],
  create(given, context) {
    const ports = parsePorts(given, context);
    if ('error' in ports || 'kernel' in ports) return ports;
    if (misplaced(context, ['POSTROUTING'])) return { kernel: 'Invalid argument' };
    const { words, range } = flags(given);
    const text = ports.ports === undefined ? '' : formatPorts(ports.ports);
    return {
      kind: 'extension',
      name: 'MASQUERADE',
      save: `${text === '' ? '' : ` --to-ports ${text}`}${saveWords(words)}`,
      list: () => `${text === '' ? '' : ` masq ports: ${text}`}${listWords(words)}`,
      tracks: true,
      apply(flow) {
        const address = flow.env.masqueradeAddress(flow);
        if (address === undefined) return 'DROP';
        return flow.env.nat(flow, 'MASQUERADE', { ...ports, ...range, addresses: [address, address] });
      },
    };
  },
};

export const redirect: TargetExtension = {
  name: 'REDIRECT',
  options: [{ name: 'to-ports', argument: 'required', check: portsNeedProtocol }, FLAG_OPTIONS.random],
  create(given, context) {
    const ports = parsePorts(given, context);
    if ('error' in ports || 'kernel' in ports) return ports;
    if (misplaced(context, ['PREROUTING', 'OUTPUT'])) return { kernel: 'Invalid argument' };
    const { words, range } = flags(given);
    const text = ports.ports === undefined ? '' : formatPorts(ports.ports);
    return {
      kind: 'extension',
      name: 'REDIRECT',
      save: `${text === '' ? '' : ` --to-ports ${text}`}${saveWords(words)}`,
      list: () => `${text === '' ? '' : ` redir ports ${text}`}${listWords(words)}`,
      tracks: true,
      apply(flow) {
        const address = flow.env.redirectAddress(flow);
        if (address === undefined) return 'DROP';
        return flow.env.nat(flow, 'REDIRECT', { ...ports, ...range, addresses: [address, address] });
      },
    };
  },
};

function formatPorts([first, last]: readonly [number, number]): string {
  return first === last ? String(first) : `${first}-${last}`;
}
