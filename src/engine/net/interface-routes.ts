/** The routes that an address brings with it and takes away again (net/ipv4/fib_frontend.c). */
import { addressBits, internIpv6, isIpv6, lastIp, maskIp, prefixContains, type Prefix } from './address.ts';
import type { Device, InterfaceAddress } from './device.ts';
import type { Netns } from './netns.ts';
import { TABLE_LOCAL, TABLE_MAIN, type RouteSpec } from './route.ts';

/** fib_add_ifaddr. */
export function addInterfaceRoutes(ns: Netns, device: Device, address: InterfaceAddress): void {
  const bits = addressBits(address.ip);
  const host: Prefix = { ip: address.ip, length: bits };
  const v6 = isIpv6(address.ip);
  const subnet = { ip: maskIp(address.ip, address.length), length: address.length };
  const primary =
    device.addresses.find(
      (own) => !own.secondary && own.length === address.length && prefixContains(subnet, own.ip),
    ) ?? address;
  const src = v6 ? undefined : primary.ip;
  const base = { dev: device, protocol: 'kernel', src } as const;
  // IPv6 has the same prefix once for each device that it is on.
  const add = (spec: RouteSpec): void => {
    if (v6) ns.routes.append(spec);
    else ns.routes.add(spec);
  };
  add({ ...base, type: 'local', dst: host, table: TABLE_LOCAL, scope: 'host', metric: 0 });
  if (!device.up) return;
  if (!v6 && address.broadcast !== undefined && address.broadcast !== 0xffffffff)
    ns.routes.add({
      ...base,
      type: 'broadcast',
      dst: { ip: address.broadcast, length: 32 },
      table: TABLE_LOCAL,
      scope: 'link',
    });
  if (address.secondary || (!v6 && address.length === bits && address.peer === undefined)) return;
  if (address.peer !== undefined && address.peer !== address.ip) {
    ns.routes.add({ ...base, dst: { ip: address.peer, length: bits }, table: TABLE_MAIN, scope: 'link' });
    return;
  }
  const loopback = device.kind === 'loopback';
  if (!address.noPrefixRoute && !(loopback && v6))
    add({
      ...base,
      type: loopback ? 'local' : 'unicast',
      dst: subnet,
      table: loopback ? TABLE_LOCAL : TABLE_MAIN,
      scope: loopback ? 'host' : 'link',
      ...(v6 ? { metric: 256 } : {}),
    });
  if (!v6 && address.length < 31)
    ns.routes.add({
      ...base,
      type: 'broadcast',
      dst: { ip: lastIp(subnet), length: 32 },
      table: TABLE_LOCAL,
      scope: 'link',
    });
}

const ALL_GROUPS: Prefix = { ip: internIpv6(0xff000000, 0, 0, 0), length: 8 };

/** addrconf_add_mroute: groups are on every device that speaks IPv6. */
export function addMulticastRoute(ns: Netns, device: Device): void {
  ns.routes.append({
    type: 'multicast',
    dst: ALL_GROUPS,
    dev: device,
    table: TABLE_LOCAL,
    protocol: 'kernel',
    metric: 256,
  });
}

/** fib_del_ifaddr: what no other address of the device still needs. */
export function deleteInterfaceRoutes(ns: Netns, device: Device, address: InterfaceAddress): void {
  const subnet = { ip: maskIp(address.ip, address.length), length: address.length };
  const still = (own: InterfaceAddress): boolean =>
    own.length === address.length && prefixContains(subnet, own.ip);
  const subnetStays = device.addresses.some(still);
  const addressStays = ns.ownsAddress(address.ip);
  ns.routes.flush((route) => {
    if (route.dev !== device) return route.src === address.ip && !addressStays;
    if (route.protocol === 'kernel') {
      if (
        route.type === 'local' &&
        route.dst.length === addressBits(address.ip) &&
        route.dst.ip === address.ip
      )
        return true;
      const ofSubnet =
        (route.dst.ip === subnet.ip && route.dst.length === subnet.length) ||
        (route.type === 'broadcast' &&
          (route.dst.ip === address.broadcast || route.dst.ip === lastIp(subnet))) ||
        (address.peer !== undefined && route.dst.ip === address.peer);
      if (ofSubnet) return !subnetStays;
    }
    return route.src === address.ip && !addressStays;
  });
}
