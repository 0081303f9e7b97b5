import { formatIp, maskIp, parseIp, isIpv6, compareIp } from '../address.ts';
import { bang, type MatchExtension } from '../iptables-extension.ts';
import { parseInteger } from '../iptables-rule.ts';
import type { Flow } from '../netfilter-flow.ts';

const MODES = [
  ['set', 'SET'],
  ['rcheck', 'CHECK'],
  ['update', 'UPDATE'],
  ['remove', 'REMOVE'],
] as const;

/** Default of the module's `ip_pkt_list_tot` and `ip_list_tot` (net/netfilter/xt_recent.c). */
const STAMPS = 20;
const ENTRIES = 100;

function maskLength(mask: number): number | undefined {
  const full = isIpv6(mask) ? 128 : 32;
  const ones = parseIp(full === 32 ? '255.255.255.255' : 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff') ?? 0;
  for (let length = 0; length <= full; length++)
    if (compareIp(maskIp(ones, length), mask) === 0) return length;
  return undefined;
}

export const recent: MatchExtension = {
  name: 'recent',
  options: [
    { name: 'set', argument: 'none', invertible: true },
    { name: 'rcheck', argument: 'none', invertible: true },
    { name: 'update', argument: 'none', invertible: true },
    { name: 'remove', argument: 'none', invertible: true },
    { name: 'seconds', argument: 'required' },
    { name: 'reap', argument: 'none' },
    { name: 'hitcount', argument: 'required' },
    { name: 'rttl', argument: 'none' },
    { name: 'name', argument: 'required' },
    { name: 'rsource', argument: 'none' },
    { name: 'rdest', argument: 'none' },
    { name: 'mask', argument: 'required' },
  ],
  create(given, { family }) {
    const modes = MODES.filter(([word]) => given.has(word));
    const [mode, other] = modes;
    if (mode === undefined) {
      return { error: "recent: you must specify one of `--set', `--rcheck' `--update' or `--remove'" };
    }
    if (other !== undefined) {
      return { error: `recent: option "--${mode[0]}" cannot be used together with "--${other[0]}".\n` };
    }
    const seconds = given.get('seconds');
    const hits = given.get('hitcount');
    const time = seconds === undefined ? 0 : parseInteger(seconds.value);
    const count = hits === undefined ? 0 : parseInteger(hits.value);
    if (time === undefined || (seconds !== undefined && time === 0)) {
      return { error: 'recent: bad value for option "--seconds", or out of range (1-4294967295).\n' };
    }
    if (count === undefined)
      return { error: 'recent: bad value for option "--hitcount", or out of range (0-4294967295).\n' };
    if (given.has('reap') && seconds === undefined)
      return { error: 'recent: option "--reap" also requires "--seconds".\n' };
    const name = given.get('name')?.value ?? 'DEFAULT';
    if (name.includes('/') || name.length > 199) return { kernel: 'Invalid argument' };
    if (count > 255) return { kernel: 'Invalid argument' };
    const ones = family === 'ipv4' ? '255.255.255.255' : 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';
    const maskText = given.get('mask')?.value ?? ones;
    const mask = parseIp(maskText);
    const length = mask === undefined ? undefined : maskLength(mask);
    if (mask === undefined || length === undefined) {
      return { error: `recent: bad value for option "--mask", or out of range.\n` };
    }
    const rdest = given.has('rdest');
    const reap = given.has('reap');
    const rttl = given.has('rttl');
    const option = given.get(mode[0]) ?? { value: '', invert: false };
    const tail = ` --name ${name} --mask ${formatIp(mask)} --${rdest ? 'rdest' : 'rsource'}`;
    const limits = `${seconds === undefined ? '' : ` --seconds ${time}`}${reap ? ' --reap' : ''}${hits === undefined ? '' : ` --hitcount ${count}`}${rttl ? ' --rttl' : ''}`;

    const test = (flow: Flow): boolean => {
      const lists = flow.env.recent;
      let list = lists.get(name);
      if (list === undefined) lists.set(name, (list = new Map()));
      const address = maskIp(rdest ? flow.dst : flow.src, length);
      const now = flow.env.now();
      const ttl = flow.skb.packet.ttl;
      let entry = list.get(address);
      if (entry !== undefined && rttl && entry.ttl !== ttl) entry = undefined;
      if (mode[0] === 'set') {
        if (entry === undefined) {
          if (list.size >= ENTRIES) list.delete([...list.keys()][0] ?? address);
          list.set(address, { ttl, stamps: [now] });
        } else {
          entry.stamps.push(now);
          if (entry.stamps.length > STAMPS) entry.stamps.shift();
        }
        return true;
      }
      if (entry === undefined) return false;
      if (mode[0] === 'remove') {
        list.delete(address);
        return true;
      }
      const since = time === 0 ? -Infinity : now - time * 1e6;
      const seen = entry.stamps.filter((stamp) => stamp >= since).length;
      if (
        reap &&
        entry.stamps[entry.stamps.length - 1] !== undefined &&
        (entry.stamps[entry.stamps.length - 1] ?? 0) < since
      ) {
        list.delete(address);
        return false;
      }
      const found = seen > 0 && (count === 0 || seen >= count);
      if (found && mode[0] === 'update') {
        entry.stamps.push(now);
        if (entry.stamps.length > STAMPS) entry.stamps.shift();
      }
      return found;
    };
    return {
      name: 'recent',
      save: `${bang(option)} --${mode[0]}${limits}${tail}`,
      list: () =>
        `${bang(option)} recent: ${mode[1]}${seconds === undefined ? '' : ` seconds: ${time}`}${reap ? ' reap' : ''}${hits === undefined ? '' : ` hit_count: ${count}`}${rttl ? ' TTL-Match' : ''} name: ${name} side: ${rdest ? 'dest' : 'source'} mask: ${formatIp(mask)}`,
      test: (flow) => test(flow) !== option.invert,
    };
  },
};
