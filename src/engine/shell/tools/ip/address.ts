import { formatIp, isIpv6, isLoopback, lastIp, maskIp, type Ip } from '../../../net/address.ts';
import type { Device, InterfaceAddress } from '../../../net/device.ts';
import type { RouteScope } from '../../../net/route.ts';
import { linkName, printLink, selectLinks } from './link.ts';
import { answer, Refusal, type Words } from './words.ts';

export function ipAddress(words: Words): void {
  const command = words.subcommand(
    ['add', 'change', 'replace', 'delete', 'show', 'list', 'lst', 'flush', 'help'],
    'show',
  );
  switch (command) {
    case 'show':
    case 'list':
    case 'lst':
      for (const device of selectLinks(words)) show(words, device);
      return;
    case 'add':
    case 'change':
    case 'replace':
      return add(words, command !== 'add');
    case 'delete':
      return remove(words);
    case 'flush':
      if (!words.more) throw new Refusal('Flush requires arguments.', 255);
      for (const device of selectLinks(words))
        for (const address of [...device.addresses])
          if (words.familyFits(address.ip)) words.ctx.netns.deleteAddress(device, address.ip, address.length);
      return;
    case 'help':
      words.ctx.err(
        'Usage: ip address {add|change|replace} IFADDR dev IFNAME [ LIFETIME ]\n       ip address del IFADDR dev IFNAME [mngtmpaddr]\n       ip address {show|flush} [ dev IFNAME ] [ up ] [ type TYPE ]\n',
      );
      throw new Refusal('', 255);
    default:
      throw new Refusal(`Command "${words.previous()}" is unknown, try "ip address help".`, 255);
  }
}

function show(words: Words, device: Device): void {
  const { brief, oneline, family } = words.options;
  const addresses = device.addresses.filter((address) => words.familyFits(address.ip));
  if (family !== undefined && addresses.length === 0) return;
  if (brief) {
    words.ctx.out(
      `${linkName(device).padEnd(16)} ${device.operState.padEnd(14)} ${addresses.map((a) => `${formatIp(a.ip)}/${a.length} `).join('')}\n`,
    );
    return;
  }
  if (oneline) {
    for (const address of addresses)
      words.ctx.out(
        `${device.index}: ${device.name}    ${addressLine(device, address)}\\       valid_lft forever preferred_lft forever\n`,
      );
    return;
  }
  const head = printLink(words, device, family === 6 ? 'inet6' : 'address');
  words.ctx.out(family === 4 ? `${head.slice(0, head.indexOf('\n') + 1)}` : head);
  for (const address of addresses)
    words.ctx.out(`    ${addressLine(device, address)}\n       valid_lft forever preferred_lft forever\n`);
}

function addressLine(device: Device, address: InterfaceAddress): string {
  const v6 = isIpv6(address.ip);
  const peer =
    address.peer === undefined || address.peer === address.ip ? '' : ` peer ${formatIp(address.peer)}`;
  const broadcast = address.broadcast === undefined ? '' : ` brd ${formatIp(address.broadcast)}`;
  const secondary = address.secondary ? ' secondary' : '';
  const label = v6 ? '' : ` ${address.label ?? device.name}`;
  return `${v6 ? 'inet6' : 'inet'} ${formatIp(address.ip)}${peer}/${address.length}${broadcast} scope ${address.scope}${secondary}${label}${v6 ? ' ' : ''}`.replace(
    / $/,
    v6 ? ' ' : '',
  );
}

interface Given {
  readonly ip: Ip;
  readonly length: number;
  readonly hasLength: boolean;
  readonly device: Device;
  readonly broadcast: Ip | undefined;
  readonly scope: RouteScope | undefined;
  readonly label: string | undefined;
  readonly peer: Ip | undefined;
  readonly noPrefixRoute: boolean;
}

function parse(words: Words): Given {
  let local: { ip: Ip; length: number } | undefined;
  let hasLength = false;
  let device: string | undefined;
  let broadcast: string | undefined;
  let scope: RouteScope | undefined;
  let label: string | undefined;
  let peer: Ip | undefined;
  let noPrefixRoute = false;
  while (words.more) {
    const word = words.value();
    switch (word) {
      case 'dev':
        device = words.value();
        break;
      case 'brd':
      case 'broadcast':
        broadcast = words.value();
        break;
      case 'scope':
        scope = parseScope(words.value());
        break;
      case 'label':
        label = words.value();
        break;
      case 'peer':
      case 'remote': {
        const prefix = words.prefix();
        peer = prefix.ip;
        local = { ip: local?.ip ?? prefix.ip, length: prefix.length };
        break;
      }
      case 'noprefixroute':
        noPrefixRoute = true;
        break;
      case 'nodad':
      case 'home':
      case 'autojoin':
        break;
      case 'valid_lft':
      case 'preferred_lft':
      case 'metric':
        words.value();
        break;
      default: {
        const text = word === 'local' ? words.value() : word;
        if (local !== undefined && peer === undefined)
          throw new Refusal(`Error: either "local" is duplicate, or "${text}" is a garbage.`, 255);
        local = words.prefix(text);
        hasLength = text.includes('/');
      }
    }
  }
  if (device === undefined) throw new Refusal('Not enough information: "dev" argument is required.', 255);
  const dev = words.device(device);
  if (local === undefined) throw new Refusal('RTNETLINK answers: Invalid argument', 2);
  const { ip, length } = local;
  return {
    ip,
    length,
    hasLength,
    device: dev,
    broadcast:
      broadcast === undefined
        ? undefined
        : broadcast === '+'
          ? lastIp({ ip: maskIp(ip, length), length })
          : words.prefix(broadcast).ip,
    scope: scope ?? (isLoopback(ip) ? 'host' : undefined),
    label,
    peer,
    noPrefixRoute,
  };
}

export function parseScope(text: string): RouteScope {
  switch (text) {
    case 'global':
    case 'site':
    case 'link':
    case 'host':
    case 'nowhere':
      return text;
    case 'universe':
    case '0':
      return 'global';
    default:
      throw new Refusal(`Error: argument "${text}" is wrong: invalid scope value.\n`, 255);
  }
}

function add(words: Words, replace: boolean): void {
  const { device, hasLength, ...spec } = parse(words);
  void hasLength;
  const { netns } = words.ctx;
  if (replace && device.addresses.some((own) => own.ip === spec.ip && own.length === spec.length)) return;
  answer(
    netns.addAddress(device, {
      ip: spec.ip,
      length: spec.length,
      broadcast: spec.broadcast,
      label: spec.label,
      peer: spec.peer,
      noPrefixRoute: spec.noPrefixRoute,
      ...(spec.scope === undefined ? {} : { scope: spec.scope }),
    }),
    { EEXIST: isIpv6(spec.ip) ? 'ipv6: address already assigned.' : 'ipv4: Address already assigned.' },
  );
}

function remove(words: Words): void {
  const { device, ip, length, hasLength } = parse(words);
  const own = device.addresses.find(
    (address) => address.ip === ip && (!hasLength || address.length === length),
  );
  if (own !== undefined && !hasLength && own.length !== length)
    words.ctx.err(
      'Warning: Executing wildcard deletion to stay compatible with old scripts.\n         Explicitly specify the prefix length (' +
        `${formatIp(ip)}/${length}) to avoid this warning.\n         This special behaviour is likely to disappear in further releases,\n         fix your scripts!\n`,
    );
  answer(own === undefined ? 'EADDRNOTAVAIL' : words.ctx.netns.deleteAddress(device, ip, own.length), {
    EADDRNOTAVAIL: isIpv6(ip) ? 'ipv6: address not found.' : 'ipv4: Address not found.',
  });
}
