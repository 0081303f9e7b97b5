import { formatIp, formatPrefix, isIpv6, maskIp, parsePrefix, type Ip, type Prefix } from './address.ts';
import { SCTP, TCP, UDP, type Flow, type SetLookup } from './netfilter-flow.ts';

export type IpSetType = 'hash:ip' | 'hash:net' | 'hash:ip,port' | 'hash:net,port';

const TYPES: readonly IpSetType[] = ['hash:ip', 'hash:net', 'hash:ip,port', 'hash:net,port'];

interface Member {
  readonly text: string;
  readonly prefix: Prefix;
  /** Zero when the set's type has no ports. */
  readonly protocol: number;
  readonly port: number;
  readonly nomatch: boolean;
}

export class IpSet {
  readonly name: string;
  readonly type: IpSetType;
  readonly family: 'inet' | 'inet6';
  readonly members = new Map<string, Member>();
  /** Members by prefix length, then by network, for lookups. */
  readonly #byLength = new Map<number, Map<Ip, Member[]>>();

  constructor(name: string, type: IpSetType, family: 'inet' | 'inet6') {
    this.name = name;
    this.type = type;
    this.family = family;
  }

  add(member: Member): void {
    this.members.set(member.text, member);
    const { length, ip } = member.prefix;
    let networks = this.#byLength.get(length);
    if (networks === undefined) this.#byLength.set(length, (networks = new Map()));
    networks.set(ip, [...(networks.get(ip) ?? []), member]);
  }

  remove(text: string): boolean {
    const member = this.members.get(text);
    if (member === undefined) return false;
    this.members.delete(text);
    const networks = this.#byLength.get(member.prefix.length);
    const left = (networks?.get(member.prefix.ip) ?? []).filter((other) => other !== member);
    if (left.length > 0) networks?.set(member.prefix.ip, left);
    else networks?.delete(member.prefix.ip);
    if (networks?.size === 0) this.#byLength.delete(member.prefix.length);
    return true;
  }

  clear(): void {
    this.members.clear();
    this.#byLength.clear();
  }

  /** The longest network decides; `nomatch` makes it an exception. */
  contains(ip: Ip, protocol: number, port: number): boolean {
    if (isIpv6(ip) !== (this.family === 'inet6')) return false;
    for (const length of [...this.#byLength.keys()].sort((a, b) => b - a)) {
      for (const member of this.#byLength.get(length)?.get(maskIp(ip, length)) ?? []) {
        if (this.type.endsWith('port') && (member.protocol !== protocol || member.port !== port)) continue;
        return !member.nomatch;
      }
    }
    return false;
  }

  /** A member as it is written, or why it is none. */
  parse(text: string, nomatch: boolean): Member | string {
    const [address = '', portText] = text.split(',');
    const prefix = parsePrefix(address);
    if (prefix === undefined || isIpv6(prefix.ip) !== (this.family === 'inet6')) {
      return `Syntax error: cannot parse ${address}: resolving to ${this.family === 'inet6' ? 'IPv6' : 'IPv4'} address failed`;
    }
    const full = isIpv6(prefix.ip) ? 128 : 32;
    if (this.type.startsWith('hash:ip') && prefix.length !== full) {
      return `Syntax error: plain IP address must be supplied: ${address}`;
    }
    let protocol = 0;
    let port = 0;
    if (this.type.endsWith('port')) {
      const parsed = /^(?:(tcp|udp|sctp):)?(\d{1,5})$/.exec(portText ?? '');
      if (parsed === null) return 'Syntax error: Second element is missing from ' + text;
      protocol = parsed[1] === 'udp' ? UDP : parsed[1] === 'sctp' ? SCTP : TCP;
      port = Number(parsed[2]);
    }
    const host = prefix.length === full ? formatIp(prefix.ip) : formatPrefix(prefix);
    const name = protocol === UDP ? 'udp' : protocol === SCTP ? 'sctp' : 'tcp';
    return { text: protocol === 0 ? host : `${host},${name}:${port}`, prefix, protocol, port, nomatch };
  }
}

export interface IpSetResult {
  readonly out: string;
  readonly error: string;
  readonly exitCode: number;
}

const OK: IpSetResult = { out: '', error: '', exitCode: 0 };

function refused(error: string): IpSetResult {
  return { out: '', error: `ipset v7.17: ${error}\n`, exitCode: 1 };
}

/** The ipsets of one namespace, and the `ipset` command on them. */
export class IpSets implements SetLookup {
  readonly #sets = new Map<string, IpSet>();

  get(name: string): IpSet | undefined {
    return this.#sets.get(name);
  }

  has(name: string): boolean {
    return this.#sets.has(name);
  }

  names(): readonly string[] {
    return [...this.#sets.keys()];
  }

  /** The set with exactly these members, made if need be. */
  replace(name: string, type: IpSetType, family: 'inet' | 'inet6', members: Iterable<string>): void {
    let set = this.#sets.get(name);
    if (set === undefined || set.type !== type || set.family !== family) {
      set = new IpSet(name, type, family);
      this.#sets.set(name, set);
    }
    set.clear();
    for (const text of members) {
      const member = set.parse(text, false);
      if (typeof member !== 'string') set.add(member);
    }
  }

  destroy(name: string): void {
    this.#sets.delete(name);
  }

  test(name: string, flow: Flow, directions: readonly ('src' | 'dst')[]): boolean {
    const set = this.#sets.get(name);
    if (set === undefined) return false;
    const ip = directions[0] === 'src' ? flow.src : flow.dst;
    const port = (directions[1] ?? 'dst') === 'src' ? flow.sport : flow.dport;
    return set.contains(ip, flow.protocol, port);
  }

  /** `ipset ARGS`. */
  run(args: readonly string[]): IpSetResult {
    const words = args.filter((arg) => arg !== '-exist' && arg !== '-!');
    const exist = words.length < args.length;
    const [command = '', name, third, ...rest] = words;
    switch (command.replace(/^--?/, '')) {
      case 'create':
      case 'N':
        return this.#create(name, third, rest, exist);
      case 'add':
      case 'A': {
        const set = this.#named(name);
        if (!(set instanceof IpSet)) return set;
        const member = set.parse(third ?? '', rest.includes('nomatch'));
        if (typeof member === 'string') return refused(member);
        if (set.members.has(member.text) && !exist) {
          return refused("Element cannot be added to the set: it's already added");
        }
        set.remove(member.text);
        set.add(member);
        return OK;
      }
      case 'del':
      case 'D': {
        const set = this.#named(name);
        if (!(set instanceof IpSet)) return set;
        const member = set.parse(third ?? '', false);
        if (typeof member === 'string') return refused(member);
        if (!set.remove(member.text) && !exist) {
          return refused("Element cannot be deleted from the set: it's not added");
        }
        return OK;
      }
      case 'test':
      case 'T': {
        const set = this.#named(name);
        if (!(set instanceof IpSet)) return set;
        const member = set.parse(third ?? '', false);
        if (typeof member === 'string') return refused(member);
        const found = set.contains(member.prefix.ip, member.protocol, member.port);
        const text = `${third ?? ''} is ${found ? '' : 'NOT '}in set ${set.name}.\n`;
        return { out: '', error: text, exitCode: found ? 0 : 1 };
      }
      case 'flush':
      case 'F':
        for (const set of name === undefined ? this.#sets.values() : [this.#sets.get(name)]) set?.clear();
        return OK;
      case 'destroy':
      case 'X':
        if (name === undefined) this.#sets.clear();
        else if (!this.#sets.delete(name)) return refused('The set with the given name does not exist');
        return OK;
      case 'list':
      case 'L': {
        const onlyNames = words.includes('-n') || words.includes('-name');
        const wanted = words.slice(1).find((word) => !word.startsWith('-'));
        if (wanted !== undefined && !this.#sets.has(wanted)) {
          return refused('The set with the given name does not exist');
        }
        const sets = [...this.#sets.values()].filter((set) => wanted === undefined || set.name === wanted);
        const out = onlyNames ? sets.map((set) => `${set.name}\n`).join('') : sets.map(describe).join('\n');
        return { out, error: '', exitCode: 0 };
      }
      case 'save':
      case 'S':
        return { out: [...this.#sets.values()].map(save).join(''), error: '', exitCode: 0 };
      default:
        return refused(`No command specified: unknown argument ${command}`);
    }
  }

  #create(
    name: string | undefined,
    typeName: string | undefined,
    rest: readonly string[],
    exist: boolean,
  ): IpSetResult {
    if (name === undefined || typeName === undefined)
      return refused('Missing mandatory argument to command create');
    const type = TYPES.find((known) => known === typeName);
    if (type === undefined) return refused(`Syntax error: unknown settype ${typeName}`);
    if (this.#sets.has(name)) {
      return exist ? OK : refused('Set cannot be created: set with the same name already exists');
    }
    const family = rest[rest.indexOf('family') + 1] === 'inet6' && rest.includes('family') ? 'inet6' : 'inet';
    this.#sets.set(name, new IpSet(name, type, family));
    return OK;
  }

  #named(name: string | undefined): IpSet | IpSetResult {
    const set = this.#sets.get(name ?? '');
    return set ?? refused('The set with the given name does not exist');
  }
}

function header(set: IpSet): string {
  return `family ${set.family} hashsize 1024 maxelem 65536`;
}

function describe(set: IpSet): string {
  const members = [...set.members.values()].map(
    (member) => `${member.text}${member.nomatch ? ' nomatch' : ''}\n`,
  );
  return `Name: ${set.name}\nType: ${set.type}\nRevision: 6\nHeader: ${header(set)}\nSize in memory: ${200 + 16 * set.members.size}\nReferences: 0\nNumber of entries: ${set.members.size}\nMembers:\n${members.join('')}`;
}

function save(set: IpSet): string {
  const members = [...set.members.values()].map(
    (member) => `add ${set.name} ${member.text}${member.nomatch ? ' nomatch' : ''}\n`,
  );
  return `create ${set.name} ${set.type} ${header(set)}\n${members.join('')}`;
}
