/**
 * Kernel parameters of one namespace under their sysctl names, with Linux's defaults. What the data path reads often is
 * mirrored: `InetConf` per device (`net.ipv4.conf.DEV.*`), a few flags on the namespace. `get`, `set`, `list`, `number`.
 */
import type { Device } from './device.ts';
import type { Netns } from './netns.ts';

/**
 * `net.ipv4.conf.NAME.*` of one device, or of `all` and `default` (include/linux/inetdevice.h). A value: devices share
 * it until one of them is written to.
 */
export interface InetConf {
  readonly forwarding: number;
  readonly rpFilter: number;
  readonly acceptLocal: number;
  readonly routeLocalnet: number;
  readonly proxyArp: number;
  readonly arpIgnore: number;
  readonly arpAnnounce: number;
  readonly arpFilter: number;
  readonly arpAccept: number;
  readonly sendRedirects: number;
  readonly acceptRedirects: number;
  readonly secureRedirects: number;
  readonly sharedMedia: number;
  readonly logMartians: number;
  readonly srcValidMark: number;
  readonly ignoreRoutesWithLinkdown: number;
  readonly forwarding6: number;
  readonly disableIpv6: number;
}

const DEFAULT_CONF: InetConf = {
  forwarding: 0,
  rpFilter: 0,
  acceptLocal: 0,
  routeLocalnet: 0,
  proxyArp: 0,
  arpIgnore: 0,
  arpAnnounce: 0,
  arpFilter: 0,
  arpAccept: 0,
  sendRedirects: 1,
  acceptRedirects: 1,
  secureRedirects: 1,
  sharedMedia: 1,
  logMartians: 0,
  srcValidMark: 0,
  ignoreRoutesWithLinkdown: 0,
  forwarding6: 0,
  disableIpv6: 0,
};

/** `net.ipv4.neigh.NAME.*` (net/ipv4/arp.c, arp_tbl). Times in microseconds. Shared until written, like `InetConf`. */
export interface NeighbourParameters {
  readonly baseReachable: number;
  readonly retrans: number;
  readonly delayFirstProbe: number;
  readonly gcStale: number;
  readonly proxyDelay: number;
  readonly ucastSolicit: number;
  readonly mcastSolicit: number;
  readonly appSolicit: number;
  /** Packets kept while an address is being resolved (`unres_qlen`). */
  readonly queue: number;
}

const DEFAULT_NEIGHBOUR_PARAMETERS: NeighbourParameters = {
  baseReachable: 30_000_000,
  retrans: 1_000_000,
  delayFirstProbe: 5_000_000,
  gcStale: 60_000_000,
  proxyDelay: 800_000,
  ucastSolicit: 3,
  mcastSolicit: 3,
  appSolicit: 0,
  queue: 101,
};

const CONF_KEYS: Readonly<Record<string, keyof InetConf>> = {
  forwarding: 'forwarding',
  rp_filter: 'rpFilter',
  accept_local: 'acceptLocal',
  route_localnet: 'routeLocalnet',
  proxy_arp: 'proxyArp',
  arp_ignore: 'arpIgnore',
  arp_announce: 'arpAnnounce',
  arp_filter: 'arpFilter',
  arp_accept: 'arpAccept',
  send_redirects: 'sendRedirects',
  accept_redirects: 'acceptRedirects',
  secure_redirects: 'secureRedirects',
  shared_media: 'sharedMedia',
  log_martians: 'logMartians',
  src_valid_mark: 'srcValidMark',
  ignore_routes_with_linkdown: 'ignoreRoutesWithLinkdown',
};

const CONF6_KEYS: Readonly<Record<string, keyof InetConf>> = {
  forwarding: 'forwarding6',
  disable_ipv6: 'disableIpv6',
};

const NEIGH_KEYS: Readonly<Record<string, readonly [keyof NeighbourParameters, number]>> = {
  base_reachable_time_ms: ['baseReachable', 1000],
  retrans_time_ms: ['retrans', 1000],
  delay_first_probe_time: ['delayFirstProbe', 1_000_000],
  proxy_delay: ['proxyDelay', 10_000],
  gc_stale_time: ['gcStale', 1_000_000],
  ucast_solicit: ['ucastSolicit', 1],
  mcast_solicit: ['mcastSolicit', 1],
  app_solicit: ['appSolicit', 1],
  unres_qlen: ['queue', 1],
};

const DEFAULTS: Readonly<Record<string, string>> = {
  'net.bridge.bridge-nf-call-arptables': '1',
  'net.bridge.bridge-nf-call-ip6tables': '1',
  'net.bridge.bridge-nf-call-iptables': '1',
  'net.bridge.bridge-nf-filter-pppoe-tagged': '0',
  'net.bridge.bridge-nf-filter-vlan-tagged': '0',
  'net.bridge.bridge-nf-pass-vlan-input-dev': '0',
  'net.core.netdev_max_backlog': '1000',
  'net.core.somaxconn': '4096',
  'net.ipv4.icmp_echo_ignore_all': '0',
  'net.ipv4.icmp_echo_ignore_broadcasts': '1',
  'net.ipv4.icmp_errors_use_inbound_ifaddr': '0',
  'net.ipv4.icmp_msgs_burst': '50',
  'net.ipv4.icmp_msgs_per_sec': '1000',
  'net.ipv4.icmp_ratelimit': '1000',
  'net.ipv4.icmp_ratemask': '6168',
  'net.ipv4.ip_default_ttl': '64',
  'net.ipv4.ip_forward': '0',
  'net.ipv4.ip_forward_use_pmtu': '0',
  'net.ipv4.ip_local_port_range': '32768\t60999',
  'net.ipv4.ip_local_reserved_ports': '',
  'net.ipv4.ip_no_pmtu_disc': '0',
  'net.ipv4.ip_nonlocal_bind': '0',
  'net.ipv4.ip_unprivileged_port_start': '0',
  'net.ipv4.ipfrag_time': '30',
  'net.ipv4.neigh.default.gc_thresh1': '128',
  'net.ipv4.neigh.default.gc_thresh2': '512',
  'net.ipv4.neigh.default.gc_thresh3': '1024',
  'net.ipv4.ping_group_range': '0\t2147483647',
  'net.ipv4.tcp_ecn': '2',
  'net.ipv4.tcp_fin_timeout': '60',
  'net.ipv4.tcp_keepalive_intvl': '75',
  'net.ipv4.tcp_keepalive_probes': '9',
  'net.ipv4.tcp_keepalive_time': '7200',
  'net.ipv4.tcp_max_syn_backlog': '128',
  'net.ipv4.tcp_mtu_probing': '0',
  'net.ipv4.tcp_retries1': '3',
  'net.ipv4.tcp_retries2': '15',
  'net.ipv4.tcp_rmem': '4096\t131072\t33554432',
  'net.ipv4.tcp_sack': '1',
  'net.ipv4.tcp_syn_linear_timeouts': '4',
  'net.ipv4.tcp_syn_retries': '6',
  'net.ipv4.tcp_synack_retries': '5',
  'net.ipv4.tcp_syncookies': '1',
  'net.ipv4.tcp_timestamps': '1',
  'net.ipv4.tcp_tw_reuse': '2',
  'net.ipv4.tcp_window_scaling': '1',
  'net.ipv4.tcp_wmem': '4096\t16384\t4194304',
  'net.ipv6.icmp.ratelimit': '100',
  'net.ipv6.icmp.ratemask': '0-1,3-127',
  'net.netfilter.nf_conntrack_acct': '0',
  'net.netfilter.nf_conntrack_buckets': '65536',
  'net.netfilter.nf_conntrack_count': '0',
  'net.netfilter.nf_conntrack_generic_timeout': '600',
  'net.netfilter.nf_conntrack_icmp_timeout': '30',
  'net.netfilter.nf_conntrack_icmpv6_timeout': '30',
  'net.netfilter.nf_conntrack_max': '262144',
  'net.netfilter.nf_conntrack_tcp_be_liberal': '0',
  'net.netfilter.nf_conntrack_tcp_loose': '1',
  'net.netfilter.nf_conntrack_tcp_timeout_close': '10',
  'net.netfilter.nf_conntrack_tcp_timeout_close_wait': '60',
  'net.netfilter.nf_conntrack_tcp_timeout_established': '432000',
  'net.netfilter.nf_conntrack_tcp_timeout_fin_wait': '120',
  'net.netfilter.nf_conntrack_tcp_timeout_last_ack': '30',
  'net.netfilter.nf_conntrack_tcp_timeout_max_retrans': '300',
  'net.netfilter.nf_conntrack_tcp_timeout_syn_recv': '60',
  'net.netfilter.nf_conntrack_tcp_timeout_syn_sent': '120',
  'net.netfilter.nf_conntrack_tcp_timeout_time_wait': '120',
  'net.netfilter.nf_conntrack_tcp_timeout_unacknowledged': '300',
  'net.netfilter.nf_conntrack_udp_timeout': '30',
  'net.netfilter.nf_conntrack_udp_timeout_stream': '120',
};

/** Parameters that several writes must not make unreadable: whole numbers only. */
const INTEGER = /^-?\d{1,10}$/;

export type SysctlError = 'unknown' | 'invalid';

export class Sysctl {
  readonly #ns: Netns;
  #values: Map<string, string> | undefined;
  all: InetConf = DEFAULT_CONF;
  /** What a new device begins with. */
  default: InetConf = DEFAULT_CONF;
  neighDefault: NeighbourParameters = DEFAULT_NEIGHBOUR_PARAMETERS;

  constructor(ns: Netns) {
    this.#ns = ns;
  }

  get(name: string): string | undefined {
    const key = normalise(name);
    if (key === 'net.ipv4.ip_forward') return String(this.all.forwarding);
    const own = this.#values?.get(key) ?? DEFAULTS[key];
    if (own !== undefined) return own;
    const conf = this.#conf(key);
    if (conf !== undefined) return String(conf.conf[conf.field]);
    const neigh = this.#neigh(key);
    return neigh === undefined ? undefined : String(neigh.parameters[neigh.field] / neigh.unit);
  }

  /** The value as a number; the first one of several. */
  number(name: string): number {
    return Number.parseInt(this.get(name) ?? '0', 10);
  }

  set(name: string, value: string): SysctlError | undefined {
    this.#ns.settle();
    const key = normalise(name);
    const text = value.trim().replace(/\s+/g, '\t');
    const conf = this.#conf(key);
    const neigh = this.#neigh(key);
    const known = DEFAULTS[key];
    if (conf === undefined && neigh === undefined && known === undefined) return 'unknown';
    if ((known === undefined || INTEGER.test(known)) && !INTEGER.test(text)) return 'invalid';
    if (conf !== undefined) this.#setConf(conf.owner, conf.field, Number(text));
    else if (neigh !== undefined) this.#setNeigh(neigh.owner, neigh.field, Number(text) * neigh.unit);
    else {
      this.#values ??= new Map();
      this.#values.set(key, text);
      if (key === 'net.ipv4.ip_forward') this.#setConf('all', 'forwarding', Number(text));
      this.#ns.sysctlChanged(key, text);
    }
    return undefined;
  }

  /** Every parameter as `sysctl -a` sorts them. */
  list(): { readonly name: string; readonly value: string }[] {
    const names = Object.keys(DEFAULTS);
    const devices = ['all', 'default', ...this.#ns.devices.keys()];
    for (const device of devices) {
      for (const key of Object.keys(CONF_KEYS)) names.push(`net.ipv4.conf.${device}.${key}`);
      for (const key of Object.keys(CONF6_KEYS)) names.push(`net.ipv6.conf.${device}.${key}`);
      if (device === 'all') continue;
      for (const key of Object.keys(NEIGH_KEYS)) names.push(`net.ipv4.neigh.${device}.${key}`);
    }
    return names.sort(byCode).map((name) => ({ name, value: this.get(name) ?? '' }));
  }

  #conf(key: string): { owner: Owner; conf: InetConf; field: keyof InetConf } | undefined {
    const match = /^net\.ipv([46])\.conf\.(.+)\.([a-z0-9_]+)$/.exec(key);
    if (match === null) return undefined;
    const owner = this.#owner(match[2] ?? '');
    const field = (match[1] === '4' ? CONF_KEYS : CONF6_KEYS)[match[3] ?? ''];
    if (owner === undefined || field === undefined) return undefined;
    return {
      owner,
      conf: owner === 'all' ? this.all : owner === 'default' ? this.default : owner.conf,
      field,
    };
  }

  #neigh(
    key: string,
  ):
    | { owner: Owner; parameters: NeighbourParameters; field: keyof NeighbourParameters; unit: number }
    | undefined {
    const match = /^net\.ipv[46]\.neigh\.(.+)\.([a-z0-9_]+)$/.exec(key);
    if (match === null) return undefined;
    const owner = this.#owner(match[1] ?? '');
    const field = NEIGH_KEYS[match[2] ?? ''];
    if (owner === undefined || owner === 'all' || field === undefined) return undefined;
    const parameters = owner === 'default' ? this.neighDefault : owner.neighbourParameters;
    return { owner, parameters, field: field[0], unit: field[1] };
  }

  #owner(name: string): Owner | undefined {
    return name === 'all' || name === 'default' ? name : this.#ns.devices.get(name);
  }

  /** Writing `all.forwarding` writes every device, as devinet_sysctl_forward does. */
  #setConf(owner: Owner, field: keyof InetConf, value: number): void {
    if (owner === 'all') {
      this.all = { ...this.all, [field]: value };
      if (field === 'forwarding' || field === 'forwarding6' || field === 'disableIpv6') {
        this.default = { ...this.default, [field]: value };
        for (const device of this.#ns.devices.values()) device.conf = { ...device.conf, [field]: value };
      }
    } else if (owner === 'default') this.default = { ...this.default, [field]: value };
    else owner.conf = { ...owner.conf, [field]: value };
    this.#ns.routes.changed();
  }

  #setNeigh(owner: Owner, field: keyof NeighbourParameters, value: number): void {
    if (owner === 'all') return;
    if (owner === 'default') this.neighDefault = { ...this.neighDefault, [field]: value };
    else owner.neighbourParameters = { ...owner.neighbourParameters, [field]: value };
  }
}

/** Whose parameter it is. */
type Owner = 'all' | 'default' | Device;

function normalise(name: string): string {
  return name.includes('/')
    ? name.replaceAll('.', '\u0000').replaceAll('/', '.').replaceAll('\u0000', '/')
    : name;
}

function byCode(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
