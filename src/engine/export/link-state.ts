/** Links, bridge ports and addresses, as `ip link` and `ip addr` make them. */
import { formatIp, formatMac, isIpv6 } from '../net/address.ts';
import { Bridge } from '../net/bridge.ts';
import type { Device, InterfaceAddress } from '../net/device.ts';
import { Ipip } from '../net/ipip.ts';
import type { Netns } from '../net/netns.ts';
import { Veth } from '../net/veth.ts';
import { VxlanDevice } from '../net/vxlan.ts';
import type { Command, Resource } from './resource.ts';

export function links(ns: Netns): Resource[] {
  return ns.links().flatMap((dev) => {
    const made = linkCommand(ns, dev);
    if (made === undefined) return [];
    return [
      {
        key: `link ${ns.name} ${dev.name}`,
        value: made.text.replaceAll(/ address \S+/g, ''),
        netns: ns.name,
        dev: dev.name,
        learnt: false,
        add: [made],
        remove: [{ program: 'ip', netns: ns.name, text: `link del ${dev.name}` }],
      },
    ];
  });
}

/** Undefined for `lo` and for the second end of a pair. */
function linkCommand(ns: Netns, dev: Device): Command | undefined {
  const mac = formatMac(dev.mac);
  const inside = (text: string): Command => ({ program: 'ip', netns: ns.name, text });
  switch (dev.kind) {
    case 'loopback':
      return undefined;
    case 'veth': {
      const peer = dev instanceof Veth ? dev.peer : undefined;
      // A pair is made from its end at the machine, so that it goes with the pod.
      if (peer === undefined || before(peer, dev)) return undefined;
      return {
        program: 'ip',
        text: `link add ${dev.name} address ${mac} netns {${ns.name}} type veth peer name ${peer.name} address ${formatMac(peer.mac)} netns {${peer.netns.name}}`,
      };
    }
    case 'bridge':
      return inside(`link add ${dev.name} address ${mac} type bridge`);
    case 'vxlan': {
      const { vni, local, lower, dstport, learning } = dev instanceof VxlanDevice ? dev : {};
      const words = [
        ...(local === undefined ? [] : ['local', formatIp(local)]),
        ...(lower === undefined ? [] : ['dev', lower.name]),
      ];
      return inside(
        `link add ${dev.name} address ${mac} type vxlan id ${vni ?? 1} ${words.join(' ')} dstport ${dstport ?? 8472} ${learning === true ? 'learning' : 'nolearning'}`,
      );
    }
    case 'ipip': {
      const { local, remote, ttl } = dev instanceof Ipip ? dev : {};
      const end = (ip: number | undefined): string => (ip === undefined || ip === 0 ? 'any' : formatIp(ip));
      return inside(
        `link add ${dev.name} type ipip local ${end(local)} remote ${end(remote)} ttl ${ttl === undefined || ttl === 0 ? 'inherit' : ttl}`,
      );
    }
    case 'dummy':
      return inside(`link add ${dev.name} address ${mac} type dummy`);
  }
}

function before(a: Device, b: Device): boolean {
  const rank = (dev: Device): number => (dev.netns.kind === 'pod' ? 1 : 0);
  if (rank(a) !== rank(b)) return rank(a) < rank(b);
  const name = (dev: Device): string => `${dev.netns.name} ${dev.name}`;
  return name(a) < name(b);
}

/** Ports join in their order, the oldest first: a bridge floods to the newest first. */
export function masters(ns: Netns): Resource[] {
  return [...ns.devices.values()].flatMap((bridge) => {
    if (!(bridge instanceof Bridge)) return [];
    return bridge.ports.toReversed().map((port): Resource => {
      const { dev } = port;
      const flag = (name: string, on: boolean, usual: boolean): string =>
        on === usual ? '' : ` ${name} ${on ? 'on' : 'off'}`;
      const words =
        flag('hairpin', port.hairpin, false) +
        flag('learning', port.learning, true) +
        flag('flood', port.flood, true) +
        flag('mcast_flood', port.multicastFlood, true) +
        flag('bcast_flood', port.broadcastFlood, true) +
        flag('isolated', port.isolated, false);
      return {
        key: `master ${ns.name} ${dev.name}`,
        value: `${bridge.name}${words}`,
        netns: ns.name,
        dev: dev.name,
        learnt: false,
        add: [
          { program: 'ip', netns: ns.name, text: `link set ${dev.name} master ${bridge.name}` },
          ...(words === ''
            ? []
            : [{ program: 'bridge', netns: ns.name, text: `link set dev ${dev.name}${words}` } as const]),
        ],
        remove: [{ program: 'ip', netns: ns.name, text: `link set ${dev.name} nomaster` }],
      };
    });
  });
}

export function flags(ns: Netns): Resource[] {
  return ns.links().flatMap((dev) => {
    if (dev.kind === 'loopback') return [];
    const mtu = setting(ns, dev, 'mtu', `mtu ${dev.mtu}`);
    const mac = dev.kind === 'ipip' ? [] : [setting(ns, dev, 'address', `address ${formatMac(dev.mac)}`)];
    const promisc = dev.promisc && dev.port === undefined ? [setting(ns, dev, 'promisc', 'promisc on')] : [];
    return [mtu, ...mac, ...promisc];
  });
}

function setting(ns: Netns, dev: Device, name: string, words: string): Resource {
  return {
    key: `${name} ${ns.name} ${dev.name}`,
    value: words,
    netns: ns.name,
    dev: dev.name,
    learnt: false,
    add: [{ program: 'ip', netns: ns.name, text: `link set ${dev.name} ${words}` }],
    remove: [],
  };
}

export function ups(ns: Netns): Resource[] {
  return ns.links().flatMap((dev) =>
    dev.up
      ? [
          {
            key: `up ${ns.name} ${dev.name}`,
            value: '',
            netns: ns.name,
            dev: dev.name,
            learnt: false,
            add: [{ program: 'ip', netns: ns.name, text: `link set ${dev.name} up` } as const],
            remove: [{ program: 'ip', netns: ns.name, text: `link set ${dev.name} down` } as const],
          },
        ]
      : [],
  );
}

export function addresses(ns: Netns): Resource[] {
  return ns.links().flatMap((dev) =>
    dev.addresses.flatMap((address) => {
      const { ip, length, scope, peer } = address;
      // The kernel makes these itself.
      if (dev.kind === 'loopback' && (ip === 0x7f000001 || isIpv6(ip))) return [];
      if (isIpv6(ip) && scope === 'link') return [];
      const words =
        peer === undefined ? `${formatIp(ip)}/${length}` : `${formatIp(ip)} peer ${formatIp(peer)}/${length}`;
      const more = addressWords(address, dev);
      return [
        {
          key: `address ${ns.name} ${dev.name} ${words}`,
          value: more,
          netns: ns.name,
          dev: dev.name,
          learnt: false,
          add: [{ program: 'ip', netns: ns.name, text: `addr add ${words} dev ${dev.name}${more}` } as const],
          remove: [{ program: 'ip', netns: ns.name, text: `addr del ${words} dev ${dev.name}` } as const],
        },
      ];
    }),
  );
}

function addressWords({ ip, broadcast, scope, label, noPrefixRoute }: InterfaceAddress, dev: Device): string {
  return [
    ...(broadcast === undefined ? [] : ['broadcast', formatIp(broadcast)]),
    ...(isIpv6(ip) || scope === 'global' || dev.kind === 'loopback' ? [] : ['scope', scope]),
    ...(label === undefined ? [] : ['label', label]),
    ...(noPrefixRoute ? ['noprefixroute'] : []),
    ...(isIpv6(ip) ? ['nodad'] : []),
  ]
    .map((word) => ` ${word}`)
    .join('');
}
