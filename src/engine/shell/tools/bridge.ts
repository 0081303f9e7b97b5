import { parseIp, parseMac, type Ip, type Mac } from '../../net/address.ts';
import { Bridge } from '../../net/bridge.ts';
import type { Device } from '../../net/device.ts';
import { formatFdbEntry } from '../../net/fdb.ts';
import { Veth } from '../../net/veth.ts';
import { formatVxlanFdbEntry, VxlanDevice } from '../../net/vxlan.ts';
import type { Tool } from '../tool.ts';
import { refusing } from './ip.ts';
import { linkFlags } from './ip/link.ts';
import { answer, Refusal, Words, type IpOptions } from './ip/words.ts';

const USAGE = `Usage: bridge [ OPTIONS ] OBJECT { COMMAND | help }
       bridge [ -force ] -batch filename
where  OBJECT := { link | fdb | mdb | vlan | vni | monitor }
       OPTIONS := { -V[ersion] | -s[tatistics] | -d[etails] |
                    -o[neline] | -t[imestamp] | -n[etns] name |
                    -c[ompressvlans] -color -p[retty] -j[son] }
`;

/** iproute2's `bridge`: link, fdb, vlan. */
export const bridge: Tool = function* (ctx, args) {
  let at = 0;
  let options: IpOptions = {
    family: undefined,
    brief: false,
    details: false,
    statistics: 0,
    oneline: false,
    json: false,
  };
  for (; args[at]?.startsWith('-') === true; at++) {
    const option = (args[at] ?? '').replace(/^--?/, '');
    if ('details'.startsWith(option)) options = { ...options, details: true };
    else if ('statistics'.startsWith(option)) options = { ...options, statistics: options.statistics + 1 };
    else if ('Version'.startsWith(option)) {
      ctx.out('bridge utility, 6.1.0\n');
      return 0;
    } else if (!/^(c|color|o|oneline|t|s)$/.test(option)) {
      ctx.err(`Option "${args[at] ?? ''}" is unknown, try "bridge help".\n`);
      return 255;
    }
  }
  const name = args[at];
  const object =
    name === undefined
      ? 'help'
      : ['link', 'fdb', 'mdb', 'vlan', 'help'].find((known) => known.startsWith(name));
  const words = new Words(ctx, options, args.slice(at + 1));
  switch (object) {
    case 'link':
      return refusing(ctx, () => bridgeLink(words));
    case 'fdb':
      return refusing(ctx, () => bridgeFdb(words));
    case 'vlan':
      ctx.out('port              vlan-id  \n');
      return 0;
    case 'mdb':
      return 0;
    case 'help':
      ctx.err(USAGE);
      return name === undefined ? 255 : 0;
    default:
      ctx.err(`Object "${name ?? ''}" is unknown, try "bridge help".\n`);
      return 255;
  }
};

function bridgeLink(words: Words): void {
  const command = words.subcommand(['show', 'list', 'lst', 'set'], 'show');
  if (command === 'set') return setPort(words);
  if (command === undefined)
    throw new Refusal(`Command "${words.previous()}" is unknown, try "bridge link help".`, 255);
  let only: Device | undefined;
  while (words.more) {
    const word = words.value();
    only = words.device(word === 'dev' ? undefined : word);
  }
  for (const device of words.ctx.netns.links()) {
    const { port } = device;
    if (port === undefined || (only !== undefined && device !== only)) continue;
    words.ctx.out(
      `${device.index}: ${portName(device)}: ${linkFlags(device)} mtu ${device.mtu} master ${port.bridge.name} state ${port.state} priority 32 cost 2 \n`,
    );
    if (!words.options.details) continue;
    const on = (value: boolean): string => (value ? 'on' : 'off');
    words.ctx.out(
      `    hairpin ${on(port.hairpin)} guard off root_block off fastleave off learning ${on(port.learning)} flood ${on(port.flood)} mcast_flood ${on(port.multicastFlood)} bcast_flood ${on(port.broadcastFlood)} mcast_router 1 mcast_to_unicast off neigh_suppress off vlan_tunnel off isolated ${on(port.isolated)} locked off \n`,
    );
  }
}

/** `bridge` takes the index of the other end for one of this namespace: a pod's eth0 is shown by the name of the node's second interface. */
function portName(device: Device): string {
  const peer = device instanceof Veth ? device.peer : undefined;
  if (peer === undefined || peer.index === device.index) return device.name;
  const same = device.netns.links().find((link) => link.index === peer.index);
  return `${device.name}@${same?.name ?? `if${peer.index}`}`;
}

function setPort(words: Words): void {
  let device: Device | undefined;
  const changes: [string, string][] = [];
  while (words.more) {
    const word = words.value();
    if (word === 'dev') device = words.device();
    else changes.push([word, words.value()]);
  }
  if (device === undefined) throw new Refusal('Device is a required argument.', 255);
  const { port } = device;
  if (port === undefined) return answer('EINVAL');
  for (const [name, text] of changes) {
    if (text !== 'on' && text !== 'off')
      throw new Refusal(`Error: argument of "${name}" must be "on" or "off", not "${text}"`, 255);
    const value = text === 'on';
    if (name === 'hairpin') port.hairpin = value;
    else if (name === 'learning') port.learning = value;
    else if (name === 'flood') port.flood = value;
    else if (name === 'bcast_flood') port.broadcastFlood = value;
    else if (name === 'mcast_flood') port.multicastFlood = value;
    else if (name === 'isolated') port.isolated = value;
    else throw new Refusal(`Unknown argument "${name}"`, 255);
  }
}

function bridgeFdb(words: Words): void {
  const command = words.subcommand(
    ['show', 'list', 'lst', 'get', 'add', 'append', 'replace', 'delete', 'flush'],
    'show',
  );
  switch (command) {
    case 'show':
    case 'list':
    case 'lst':
      return show(words);
    case 'add':
    case 'append':
    case 'replace':
    case 'delete':
      return modify(words, command);
    default:
      throw new Refusal(`Command "${words.previous()}" is unknown, try "bridge fdb help".`, 255);
  }
}

function show(words: Words): void {
  let dev: Device | undefined;
  let br: Device | undefined;
  let text = '';
  while (words.more) {
    const word = words.value();
    if (word === 'br') br = words.device();
    else if (word === 'brport' || word === 'dev') dev = words.device();
    else if (word === 'vlan' || word === 'state') words.value();
    else if (word !== 'dynamic' && word !== 'self') dev = words.device(word);
  }
  for (const device of words.ctx.netns.links()) {
    if (device instanceof Bridge && (br === undefined || br === device))
      for (const entry of device.fdb.list()) {
        if (dev !== undefined && (entry.port?.dev ?? device) !== dev) continue;
        const age = words.options.statistics > 0 ? usedText(words, entry.used, entry.updated) : '';
        text += `${formatFdbEntry(entry, device.name).replace(' master ', `${age} master `)}\n`;
      }
    if (
      device instanceof VxlanDevice &&
      (br === undefined || device.port?.bridge === br) &&
      (dev === undefined || dev === device)
    )
      for (const entry of device.fdbList()) text += `${formatVxlanFdbEntry(entry, device.name)}\n`;
  }
  words.ctx.out(dev === undefined ? text : text.replaceAll(` dev ${dev.name} `, ' '));
}

function usedText(words: Words, used: number, updated: number): string {
  const seconds = (at: number): number => Math.floor((words.ctx.world.now - at) / 1e6);
  return ` used ${seconds(used)}/${seconds(updated)}`;
}

function modify(words: Words, command: 'add' | 'append' | 'replace' | 'delete'): void {
  let mac: Mac | undefined;
  let dev: Device | undefined;
  let dst: Ip | undefined;
  let master = false;
  let kind: 'permanent' | 'static' | 'dynamic' = 'permanent';
  while (words.more) {
    const word = words.value();
    switch (word) {
      case 'dev':
        dev = words.device();
        break;
      case 'dst': {
        const text = words.value();
        dst = parseIp(text);
        if (dst === undefined)
          throw new Refusal(`Error: an IP address is expected rather than "${text}"`, 255);
        break;
      }
      case 'master':
        master = true;
        break;
      case 'self':
        break;
      case 'local':
      case 'permanent':
        kind = 'permanent';
        break;
      case 'temp':
      case 'static':
        kind = 'static';
        break;
      case 'dynamic':
        kind = 'dynamic';
        break;
      case 'vni':
      case 'vlan':
      case 'port':
      case 'via':
        words.value();
        break;
      default: {
        const text = word === 'to' ? words.value() : word;
        if (mac !== undefined)
          throw new Refusal(`Error: either "to" is duplicate, or "${text}" is a garbage.`, 255);
        mac = parseMac(text);
        if (mac === undefined) throw new Refusal(`Invalid mac address ${text}`, 255);
      }
    }
  }
  if (dev === undefined || mac === undefined)
    throw new Refusal('Device and address are required arguments.', 255);
  const fail = (error: Parameters<typeof answer>[0]): void => {
    try {
      answer(error);
    } catch (refusal) {
      throw refusal instanceof Refusal ? new Refusal(refusal.message, 255) : refusal;
    }
  };
  if (dev instanceof VxlanDevice && !master) {
    if (command === 'delete') return fail(dev.fdbDelete(mac, dst));
    if (dst === undefined) return fail('EINVAL');
    const methods = { add: 'fdbAdd', append: 'fdbAppend', replace: 'fdbReplace' } as const;
    return fail(dev[methods[command]](mac, dst, kind));
  }
  const { port } = dev;
  const fdb = dev instanceof Bridge ? dev.fdb : port?.bridge.fdb;
  if (fdb === undefined) return fail('EOPNOTSUPP');
  const there = fdb.get(mac);
  if (command === 'delete')
    return fail(there !== undefined && there.port === port && fdb.delete(mac) ? undefined : 'ENOENT');
  if (command === 'add' && there !== undefined) return fail('EEXIST');
  fdb.set(mac, port, kind);
}
