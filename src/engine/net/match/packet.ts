import { compareIp, formatIp, formatMac, parseIp, parseMac, type Ip } from '../address.ts';
import { bang, mustSpecify, type MatchExtension } from '../iptables-extension.ts';
import { parseInteger, quote } from '../iptables-rule.ts';

export const comment: MatchExtension = {
  name: 'comment',
  options: [{ name: 'comment', argument: 'required' }],
  create(given) {
    const option = given.get('comment');
    if (option === undefined) return mustSpecify('comment', 'comment');
    const text = option.value.slice(0, 255);
    return {
      name: 'comment',
      save: ` --comment${quote(text)}`,
      list: () => ` /* ${text} */`,
      test: () => true,
    };
  },
};

/** Counts in a named kernel object that nobody reads here; every packet passes. */
export const nfacct: MatchExtension = {
  name: 'nfacct',
  options: [{ name: 'nfacct-name', argument: 'required' }],
  create(given) {
    const option = given.get('nfacct-name');
    if (option === undefined) return mustSpecify('nfacct', 'nfacct-name');
    return {
      name: 'nfacct',
      save: ` --nfacct-name ${option.value}`,
      list: () => ` nfacct-name  ${option.value}`,
      test: () => true,
    };
  },
};

export const length: MatchExtension = {
  name: 'length',
  options: [{ name: 'length', argument: 'required', invertible: true }],
  create(given) {
    const option = given.get('length');
    if (option === undefined) return mustSpecify('length', 'length');
    const parts = option.value.split(':');
    const low = parts[0] === '' && parts.length === 2 ? 0 : parseInteger(parts[0] ?? '', 65535);
    const high = parts.length === 1 ? low : parts[1] === '' ? 65535 : parseInteger(parts[1] ?? '', 65535);
    if (low === undefined || high === undefined || parts.length > 2) {
      return {
        error: `length: bad value for option "--length" near "${option.value}", or out of range (0-65535).\n`,
      };
    }
    const text = low === high ? String(low) : `${low}:${high}`;
    return {
      name: 'length',
      save: `${bang(option)} --length ${text}`,
      list: () => ` length ${option.invert ? '!' : ''}${text}`,
      test: (flow) => (flow.length >= low && flow.length <= high) !== option.invert,
    };
  },
};

export const mac: MatchExtension = {
  name: 'mac',
  options: [{ name: 'mac-source', argument: 'required', invertible: true }],
  create(given, { chain }) {
    const option = given.get('mac-source');
    if (option === undefined) return mustSpecify('mac', 'mac-source');
    const address = parseMac(option.value);
    if (address === undefined) return { error: 'Invalid MAC address specified.' };
    if (chain === 'OUTPUT' || chain === 'POSTROUTING') return { kernel: 'Invalid argument' };
    const text = formatMac(address);
    return {
      name: 'mac',
      save: `${bang(option)} --mac-source ${text}`,
      list: () => ` MAC${bang(option)} ${text}`,
      test: ({ skb }) =>
        skb.frame !== undefined && skb.inDev !== undefined && (skb.frame.src === address) !== option.invert,
    };
  },
};

export const iprange: MatchExtension = {
  name: 'iprange',
  options: [
    { name: 'src-range', argument: 'required', invertible: true },
    { name: 'dst-range', argument: 'required', invertible: true },
  ],
  create(given) {
    if (given.size === 0) return { error: "iprange match: You must specify `--src-range' or `--dst-range'" };
    const parts: { name: string; low: Ip; high: Ip; invert: boolean; text: string }[] = [];
    for (const name of ['src-range', 'dst-range'] as const) {
      const option = given.get(name);
      if (option === undefined) continue;
      const [a, b] = option.value.split('-');
      const low = parseIp(a ?? '');
      if (low === undefined) return { error: `iprange: Bad value for "--${name}" option: "${a ?? ''}"` };
      const high = b === undefined ? low : parseIp(b);
      if (high === undefined) return { error: `iprange: Bad value for "--${name}" option: "${b ?? ''}"` };
      parts.push({ name, low, high, invert: option.invert, text: `${formatIp(low)}-${formatIp(high)}` });
    }
    return {
      name: 'iprange',
      save: parts.map((part) => `${bang(part)} --${part.name} ${part.text}`).join(''),
      list: () =>
        parts
          .map(
            (part) =>
              ` ${part.name === 'src-range' ? 'source' : 'destination'} IP range${bang(part)} ${part.text}`,
          )
          .join(''),
      test: (flow) =>
        parts.every((part) => {
          const ip = part.name === 'src-range' ? flow.src : flow.dst;
          return (compareIp(ip, part.low) >= 0 && compareIp(ip, part.high) <= 0) !== part.invert;
        }),
    };
  },
};

export const rpfilter: MatchExtension = {
  name: 'rpfilter',
  options: [
    { name: 'loose', argument: 'none' },
    { name: 'validmark', argument: 'none' },
    { name: 'accept-local', argument: 'none' },
    { name: 'invert', argument: 'none' },
  ],
  create(given, { table, chain }) {
    if ((table !== 'raw' && table !== 'mangle') || chain !== 'PREROUTING')
      return { kernel: 'Invalid argument' };
    const words = ['loose', 'validmark', 'accept-local', 'invert'].filter((word) => given.has(word));
    return {
      name: 'rpfilter',
      save: words.map((word) => ` --${word}`).join(''),
      list: () => ` rpfilter${words.map((word) => ` ${word}`).join('')}`,
      test: (flow) => flow.env.reversePath(flow, given.has('loose')) !== given.has('invert'),
    };
  },
};

const TTL = [
  ['ttl-eq', '=='],
  ['ttl-lt', '<'],
  ['ttl-gt', '>'],
] as const;

export const ttl: MatchExtension = {
  name: 'ttl',
  families: ['ipv4'],
  options: [
    { name: 'ttl-eq', argument: 'required', invertible: true },
    { name: 'ttl-lt', argument: 'required' },
    { name: 'ttl-gt', argument: 'required' },
  ],
  create(given) {
    const kind = TTL.find(([name]) => given.has(name));
    const option = kind === undefined ? undefined : given.get(kind[0]);
    if (kind === undefined || option === undefined) {
      return { error: "TTL match: You must specify one of `--ttl-eq', `--ttl-lt', `--ttl-gt" };
    }
    const value = parseInteger(option.value, 255);
    if (value === undefined)
      return { error: `ttl: bad value for option "--${kind[0]}", or out of range (0-255).\n` };
    return {
      name: 'ttl',
      save: `${bang(option)} --${kind[0]} ${value}`,
      list: () => ` TTL match TTL ${option.invert ? '!=' : kind[1]} ${value}`,
      test(flow) {
        const hops = flow.skb.packet.ttl;
        if (kind[0] === 'ttl-eq') return (hops === value) !== option.invert;
        return kind[0] === 'ttl-lt' ? hops < value : hops > value;
      },
    };
  },
};
