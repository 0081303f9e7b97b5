import type { Tool } from './tool.ts';
import { arping } from './tools/arping.ts';
import { bridge } from './tools/bridge.ts';
import { base64, dd, hexdump } from './tools/bytes.ts';
import { awk } from './tools/awk.ts';
import { busyboxLs, cat, ls, tee } from './tools/cat.ts';
import { curl } from './tools/curl.ts';
import { dig, getent, host } from './tools/dig.ts';
import { echo, printf, yes } from './tools/echo.ts';
import { expr } from './tools/expr.ts';
import { grep } from './tools/grep.ts';
import { ip } from './tools/ip.ts';
import { column, nl, paste, rev, tac } from './tools/layout.ts';
import { cut, head, sort, tail, tr, uniq, wc } from './tools/lines.ts';
import { busyboxNc, nc } from './tools/nc.ts';
import { conntrack, ipset, iptables, iptablesRestoreTool, iptablesSaveTool } from './tools/netfilter.ts';
import { arp, busyboxArp, busyboxIfconfig, ifconfig, route } from './tools/net-tools.ts';
import { nft } from './tools/nft.ts';
import { busyboxNslookup, nslookup } from './tools/nslookup.ts';
import { basename, dirname } from './tools/path.ts';
import { busyboxPing, ping } from './tools/ping.ts';
import { busyboxTimeout, env, kill, ps, sleep, sudo, timeout, watch, xargs } from './tools/process.ts';
import { sed } from './tools/sed.ts';
import { sh } from './tools/sh.ts';
import { netstat, ss } from './tools/ss.ts';
import { sysctl } from './tools/sysctl.ts';
import {
  date,
  hostname,
  failure,
  id,
  mkdir,
  rm,
  rmdir,
  seq,
  success,
  touch,
  uname,
  which,
  whoami,
} from './tools/system.ts';
import { telnet } from './tools/telnet.ts';
import { tcpdump } from './tools/tcpdump.ts';
import { test } from './tools/test.ts';
import { tracepath } from './tools/tracepath.ts';
import { busyboxTraceroute, traceroute } from './tools/traceroute.ts';
import { busyboxWget, wget } from './tools/wget.ts';

/** The programs that this engine has, by what brings them. */
export const TOOLSETS = {
  /** coreutils, grep, sed, procps, a shell. */
  base: {
    '[': test,
    awk,
    base64,
    basename,
    bash: sh,
    cat,
    column,
    cut,
    date,
    dd,
    dirname,
    echo,
    egrep: grep,
    env,
    expr,
    false: failure,
    fgrep: grep,
    getent,
    grep,
    hd: hexdump,
    head,
    hexdump,
    hostname,
    id,
    kill,
    less: cat,
    ls,
    mkdir,
    more: cat,
    nl,
    paste,
    printf,
    ps,
    rev,
    rm,
    rmdir,
    sed,
    seq,
    sh,
    sleep,
    sort,
    sudo,
    tac,
    tail,
    tee,
    test,
    timeout,
    touch,
    tr,
    true: success,
    uname,
    uniq,
    watch,
    wc,
    which,
    whoami,
    xargs,
    yes,
  },
  /** What asks and looks: iproute2, iputils, curl, GNU wget, OpenBSD's nc, BIND's tools, net-tools. */
  network: {
    arp,
    ifconfig,
    route,
    tracepath,
    tracepath6: tracepath,
    arping,
    bridge,
    curl,
    dig,
    host,
    ip,
    nc,
    ncat: nc,
    netcat: nc,
    netstat,
    nslookup,
    ping,
    ping6: ping,
    ss,
    sysctl,
    tcpdump,
    telnet,
    traceroute,
    traceroute6: traceroute,
    wget,
  },
  netfilter: {
    conntrack,
    ip6tables: iptables,
    'ip6tables-restore': iptablesRestoreTool,
    'ip6tables-save': iptablesSaveTool,
    ipset,
    iptables,
    'iptables-nft': iptables,
    'iptables-restore': iptablesRestoreTool,
    'iptables-save': iptablesSaveTool,
    nft,
  },
  /** BusyBox's own forms of what others have too. */
  busybox: {
    arp: busyboxArp,
    ifconfig: busyboxIfconfig,
    ls: busyboxLs,
    timeout: busyboxTimeout,
    nc: busyboxNc,
    nslookup: busyboxNslookup,
    ping: busyboxPing,
    ping6: busyboxPing,
    traceroute: busyboxTraceroute,
    traceroute6: busyboxTraceroute,
    wget: busyboxWget,
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Tool>>>>;

export type ToolsetName = keyof typeof TOOLSETS;

export function toolset(...names: readonly ToolsetName[]): ReadonlyMap<string, Tool> {
  return new Map(names.flatMap((name): [string, Tool][] => Object.entries(TOOLSETS[name])));
}
