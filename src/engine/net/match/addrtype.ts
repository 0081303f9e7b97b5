import { bang, type MatchExtension } from '../iptables-extension.ts';

/** In the order of the kernel's route types (extensions/libxt_addrtype.c). */
const TYPES = [
  'UNSPEC',
  'UNICAST',
  'LOCAL',
  'BROADCAST',
  'ANYCAST',
  'MULTICAST',
  'BLACKHOLE',
  'UNREACHABLE',
  'PROHIBIT',
  'THROW',
  'NAT',
  'XRESOLVE',
];

function parseTypes(text: string): readonly string[] | string {
  const found = new Set<string>();
  for (const part of text.split(',')) {
    if (!TYPES.includes(part.toUpperCase())) return part;
    found.add(part.toUpperCase());
  }
  return TYPES.filter((type) => found.has(type));
}

export const addrtype: MatchExtension = {
  name: 'addrtype',
  options: [
    { name: 'src-type', argument: 'required', invertible: true },
    { name: 'dst-type', argument: 'required', invertible: true },
    { name: 'limit-iface-in', argument: 'none' },
    { name: 'limit-iface-out', argument: 'none' },
  ],
  create(given, { chain }) {
    const source = given.get('src-type');
    const destination = given.get('dst-type');
    if (source === undefined && destination === undefined) {
      return { error: 'addrtype: you must specify --src-type or --dst-type' };
    }
    const sources = source === undefined ? [] : parseTypes(source.value);
    if (typeof sources === 'string') return { error: `addrtype: bad type "${sources}"` };
    const destinations = destination === undefined ? [] : parseTypes(destination.value);
    if (typeof destinations === 'string') return { error: `addrtype: bad type "${destinations}"` };
    const limitIn = given.has('limit-iface-in');
    const limitOut = given.has('limit-iface-out');
    if (limitIn && limitOut) {
      return { error: 'addrtype: you cannot specify both --limit-iface-in and --limit-iface-out' };
    }
    if (limitIn && (chain === 'OUTPUT' || chain === 'POSTROUTING')) return { kernel: 'Invalid argument' };
    if (limitOut && (chain === 'PREROUTING' || chain === 'INPUT')) return { kernel: 'Invalid argument' };
    let save = '';
    let list = ' ADDRTYPE match';
    if (source !== undefined) {
      save += `${bang(source)} --src-type ${sources.join(',')}`;
      list += ` src-type ${source.invert ? '!' : ''}${sources.join(',')}`;
    }
    if (destination !== undefined) {
      save += `${bang(destination)} --dst-type ${destinations.join(',')}`;
      list += ` dst-type ${destination.invert ? '!' : ''}${destinations.join(',')}`;
    }
    if (limitIn) {
      save += ' --limit-iface-in';
      list += ' limit-in';
    }
    if (limitOut) {
      save += ' --limit-iface-out';
      list += ' limit-out';
    }
    return {
      name: 'addrtype',
      save,
      list: () => list,
      test(flow) {
        const dev = limitIn ? flow.in : limitOut ? flow.out : undefined;
        if (source !== undefined && sources.includes(flow.env.addressType(flow.src, dev)) === source.invert)
          return false;
        return (
          destination === undefined ||
          destinations.includes(flow.env.addressType(flow.dst, dev)) !== destination.invert
        );
      },
    };
  },
};
