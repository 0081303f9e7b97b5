import {
  bang,
  type ExtensionError,
  type MatchExtension,
  type OptionSpec,
  type OptionValue,
  type RuleContext,
} from '../iptables-extension.ts';
import { parseInteger, type Match } from '../iptables-rule.ts';
import { SCTP, TCP, UDP, type Flow } from '../netfilter-flow.ts';
import { portByService, serviceByPort } from '../services.ts';

type PortRange = readonly [first: number, last: number];

/** One port, by number or service name. */
export function parsePort(text: string, protocol: string): number | undefined {
  return parseInteger(text, 65535) ?? portByService(text, protocol);
}

function parseRange(text: string, protocol: string): PortRange | ExtensionError {
  const parts = text.split(':');
  const first = parts[0] === '' ? 0 : parsePort(parts[0] ?? '', protocol);
  if (first === undefined) return { error: `invalid port/service \`${parts[0] ?? ''}' specified` };
  if (parts.length === 1) return [first, first];
  const rest = parts.slice(1).join(':');
  const last = rest === '' ? 65535 : parsePort(rest, protocol);
  if (last === undefined) return { error: `invalid port/service \`${rest}' specified` };
  if (last < first) return { error: 'invalid portrange (min > max)' };
  return [first, last];
}

function saveRange([first, last]: PortRange): string {
  return first === last ? String(first) : `${first}:${last}`;
}

function listPort(port: number, protocol: string, numeric: boolean): string {
  return numeric ? String(port) : (serviceByPort(port, protocol) ?? String(port));
}

function listRange(
  label: string,
  [first, last]: PortRange,
  invert: boolean,
  protocol: string,
  numeric: boolean,
): string {
  const mark = invert ? '!' : '';
  if (first === last) return ` ${label}:${mark}${listPort(first, protocol, numeric)}`;
  return ` ${label.replace('pt', 'pts')}:${mark}${listPort(first, protocol, numeric)}:${listPort(last, protocol, numeric)}`;
}

interface Ports {
  readonly sport: { readonly range: PortRange; readonly invert: boolean } | undefined;
  readonly dport: { readonly range: PortRange; readonly invert: boolean } | undefined;
}

function readPorts(given: ReadonlyMap<string, OptionValue>, protocol: string): Ports | ExtensionError {
  const read = (name: string): { range: PortRange; invert: boolean } | ExtensionError | undefined => {
    const option = given.get(name);
    if (option === undefined) return undefined;
    const range = parseRange(option.value, protocol);
    return 'length' in range ? { range, invert: option.invert } : range;
  };
  const sport = read('source-port');
  if (sport !== undefined && !('range' in sport)) return sport;
  const dport = read('destination-port');
  if (dport !== undefined && !('range' in dport)) return dport;
  return { sport, dport };
}

function savePorts(ports: Ports): string {
  let text = '';
  if (ports.sport !== undefined) text += `${bang(ports.sport)} --sport ${saveRange(ports.sport.range)}`;
  if (ports.dport !== undefined) text += `${bang(ports.dport)} --dport ${saveRange(ports.dport.range)}`;
  return text;
}

function listPorts(ports: Ports, protocol: string, numeric: boolean): string {
  let text = '';
  if (ports.sport !== undefined)
    text += listRange('spt', ports.sport.range, ports.sport.invert, protocol, numeric);
  if (ports.dport !== undefined)
    text += listRange('dpt', ports.dport.range, ports.dport.invert, protocol, numeric);
  return text;
}

function testPorts(ports: Ports, flow: Flow): boolean {
  if (flow.later) return false;
  const { sport, dport } = ports;
  if (sport !== undefined && (flow.sport >= sport.range[0] && flow.sport <= sport.range[1]) === sport.invert)
    return false;
  if (dport !== undefined && (flow.dport >= dport.range[0] && flow.dport <= dport.range[1]) === dport.invert)
    return false;
  return true;
}

function indexed(ports: Ports): Pick<Match, 'dport'> {
  return ports.dport !== undefined && !ports.dport.invert ? { dport: ports.dport.range } : {};
}

function portOptions(protocol: string): readonly OptionSpec[] {
  const check = (value: string): string | undefined => {
    const range = parseRange(value, protocol);
    return 'error' in range ? range.error : undefined;
  };
  return [
    { name: 'source-port', alias: 'sport', argument: 'required', invertible: true, check },
    { name: 'destination-port', alias: 'dport', argument: 'required', invertible: true, check },
  ];
}

const FLAGS = [
  ['FIN', 1],
  ['SYN', 2],
  ['RST', 4],
  ['PSH', 8],
  ['ACK', 16],
  ['URG', 32],
] as const;

function parseFlags(text: string): number | undefined {
  let bits = 0;
  for (const name of text.split(',')) {
    if (name === 'ALL') bits |= 0x3f;
    else if (name !== 'NONE') {
      const flag = FLAGS.find(([word]) => word === name.toUpperCase());
      if (flag === undefined) return undefined;
      bits |= flag[1];
    }
  }
  return bits;
}

function saveFlags(bits: number): string {
  return bits === 0
    ? 'NONE'
    : FLAGS.filter(([, bit]) => (bits & bit) !== 0)
        .map(([name]) => name)
        .join(',');
}

function flagByte(bits: number): string {
  return `0x${bits.toString(16).toUpperCase().padStart(2, '0')}`;
}

export const tcp: MatchExtension = {
  name: 'tcp',
  options: [
    ...portOptions('tcp'),
    { name: 'syn', argument: 'none', invertible: true },
    { name: 'tcp-flags', argument: 'required', invertible: true },
    { name: 'tcp-option', argument: 'required', invertible: true },
  ],
  create(given, { protocol }) {
    if (protocol?.number !== TCP || protocol.invert) {
      return given.size === 0 ? { kernel: 'Invalid argument' } : { error: "TCP match requires '-p tcp'" };
    }
    const ports = readPorts(given, 'tcp');
    if (!('sport' in ports)) return ports;
    const option = given.get('tcp-option');
    const number = option === undefined ? undefined : parseInteger(option.value, 255);
    if (option !== undefined && (number === undefined || number === 0)) {
      return { error: `Bad TCP option "${option.value}"` };
    }
    let flags: { mask: number; value: number; invert: boolean } | undefined;
    const syn = given.get('syn');
    if (syn !== undefined) flags = { mask: 0x17, value: 2, invert: syn.invert };
    const named = given.get('tcp-flags');
    if (named !== undefined) {
      const [maskText, valueText] = named.value.split(' ');
      const mask = parseFlags(maskText ?? '');
      if (mask === undefined) return { error: `Unknown TCP flag \`${maskText ?? ''}'` };
      if (valueText === undefined) return { error: '--tcp-flags requires two args.' };
      const value = parseFlags(valueText);
      if (value === undefined) return { error: `Unknown TCP flag \`${valueText}'` };
      flags = { mask, value, invert: named.invert };
    }
    let save = savePorts(ports);
    if (option !== undefined) save += `${bang(option)} --tcp-option ${number ?? 0}`;
    if (flags !== undefined)
      save += `${bang(flags)} --tcp-flags ${saveFlags(flags.mask)} ${saveFlags(flags.value)}`;
    return {
      name: 'tcp',
      save,
      list(numeric) {
        let text = ` tcp${listPorts(ports, 'tcp', numeric)}`;
        if (option !== undefined) text += ` option=${option.invert ? '!' : ''}${number ?? 0}`;
        if (flags !== undefined) {
          const words = numeric
            ? `${flagByte(flags.mask)}/${flagByte(flags.value)}`
            : `${saveFlags(flags.mask)}/${saveFlags(flags.value)}`;
          text += ` flags:${flags.invert ? '!' : ''}${words}`;
        }
        return save === '' ? ' tcp' : text;
      },
      test: (flow) =>
        testPorts(ports, flow) &&
        (flags === undefined || ((flow.tcpFlags & flags.mask) === flags.value) !== flags.invert) &&
        // The simulated TCP writes only the options of a SYN (MSS 2, window scale 3, SACK 4, timestamps 8).
        (option === undefined ||
          ((flow.tcpFlags & 2) !== 0 && [2, 3, 4, 8].includes(number ?? 0)) !== option.invert),
      ...indexed(ports),
    };
  },
};

export const udp: MatchExtension = {
  name: 'udp',
  options: portOptions('udp'),
  create(given, { protocol }) {
    if (protocol?.number !== UDP || protocol.invert) {
      return given.size === 0 ? { kernel: 'Invalid argument' } : { error: "UDP match requires '-p udp'" };
    }
    const ports = readPorts(given, 'udp');
    if (!('sport' in ports)) return ports;
    return {
      name: 'udp',
      save: savePorts(ports),
      list: (numeric) => ` udp${listPorts(ports, 'udp', numeric)}`,
      test: (flow) => testPorts(ports, flow),
      ...indexed(ports),
    };
  },
};

export const sctp: MatchExtension = {
  name: 'sctp',
  options: portOptions('sctp'),
  create(given, { protocol }) {
    if (protocol?.number !== SCTP || protocol.invert) return { kernel: 'Invalid argument' };
    const ports = readPorts(given, 'sctp');
    if (!('sport' in ports)) return ports;
    return {
      name: 'sctp',
      save: savePorts(ports),
      list: (numeric) => ` sctp${listPorts(ports, 'sctp', numeric)}`,
      test: (flow) => testPorts(ports, flow),
      ...indexed(ports),
    };
  },
};

const MULTIPORT = ['source-ports', 'destination-ports', 'ports'] as const;

function multiportProtocol(_value: string, protocol: RuleContext['protocol']): string | undefined {
  if (protocol?.invert === true) return 'multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP';
  return protocol !== undefined && [6, 17, 136, 132, 33].includes(protocol.number)
    ? undefined
    : "multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'";
}

export const multiport: MatchExtension = {
  name: 'multiport',
  options: [
    {
      name: 'source-ports',
      alias: 'sports',
      argument: 'required',
      invertible: true,
      check: multiportProtocol,
    },
    {
      name: 'destination-ports',
      alias: 'dports',
      argument: 'required',
      invertible: true,
      check: multiportProtocol,
    },
    { name: 'ports', argument: 'required', invertible: true, check: multiportProtocol },
  ],
  create(given, { protocol }) {
    const kind = MULTIPORT.find((name) => given.has(name));
    const option = kind === undefined ? undefined : given.get(kind);
    if (kind === undefined || option === undefined) return { error: 'multiport expection an option' };
    const refused = multiportProtocol('', protocol);
    if (refused !== undefined || protocol === undefined) return { error: refused ?? '' };
    const name = protocol.number === UDP ? 'udp' : protocol.number === SCTP ? 'sctp' : 'tcp';
    const ranges: PortRange[] = [];
    for (const part of option.value.split(',')) {
      const range = parseRange(part, name);
      if (!('length' in range)) return range;
      ranges.push(range);
    }
    if (ranges.reduce((slots, [first, last]) => slots + (first === last ? 1 : 2), 0) > 15) {
      return { error: 'too many ports specified' };
    }
    const short = kind === 'source-ports' ? 'sports' : kind === 'destination-ports' ? 'dports' : 'ports';
    const within = (port: number): boolean => ranges.some(([first, last]) => port >= first && port <= last);
    return {
      name: 'multiport',
      save: `${bang(option)} --${short} ${ranges.map(saveRange).join(',')}`,
      list: (numeric) =>
        ` multiport ${short} ${option.invert ? ' !' : ''}${ranges
          .map(([first, last]) =>
            first === last
              ? listPort(first, name, numeric)
              : `${listPort(first, name, numeric)}:${listPort(last, name, numeric)}`,
          )
          .join(',')}`,
      test: (flow) =>
        !flow.later &&
        ((short !== 'dports' && within(flow.sport)) || (short !== 'sports' && within(flow.dport))) !==
          option.invert,
    };
  },
};
