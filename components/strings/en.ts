import type { DecisionOf, Strings } from './strings.ts';
import { verdictEn } from './verdict/en.ts';

const code = (text: string) => '`' + text + '`';
/** With a capital letter. */
const sentence = (text: string) => (text[0]?.toUpperCase() ?? '') + text.slice(1);
const list = (words: readonly string[]) => words.map(code).join(', ');

const tcp: Readonly<Record<string, string>> = {
  'SYN-SENT': 'has asked for the connection',
  'SYN-RECV': 'has taken the SYN and answers',
  ESTABLISHED: 'counts the connection as established',
};

/** Why a packet ended where no other decision says it. */
const reasons: Readonly<Record<string, string>> = {
  'other-host': 'the frame is for another MAC address',
  'bridge-port-disabled': 'the bridge port does not forward',
  'bad-source-mac': 'its source MAC address is not valid',
  'bridge-own-address': 'it carries the bridge’s own MAC address as its source',
  'refused-after-dnat': 'its source or the address that DNAT gave it is refused here (martian or rp_filter)',
  'tunnel-no-remote': 'the tunnel does not know the other end',
  'tunnel-no-route': 'the tunnel has no route to the other end',
  conntrack: 'connection tracking refused it',
};

const refusal = (d: DecisionOf<'route-blackhole' | 'route-unreachable' | 'route-prohibit'>, at: string) =>
  `${at} looks up ${d.dst}: the route ${code(d.entry)} matches, and it ${
    d.code === 'route-blackhole'
      ? 'throws the packet away without a word'
      : d.code === 'route-unreachable'
        ? 'answers host unreachable'
        : 'answers that it is prohibited'
  }.`;

export const en: Strings = {
  language: 'en',
  decision: {
    send: (d, at) =>
      `${d.process ?? 'A process'} in ${at} sends ${d.protocol.toUpperCase()} from ${code(d.src)} to ${code(d.dst)}.`,
    deliver: (d, at) =>
      `${d.process ?? (/^icmp/i.test(d.protocol) ? `The kernel in ${at}` : `A socket in ${at}`)} receives it on ${code(d.local)}.`,
    'no-socket': (d, at) =>
      `Nobody in ${at} listens on ${code(d.local)}: the kernel ${
        d.answer === 'RST'
          ? 'answers RST, so the caller sees “connection refused”'
          : d.answer === 'port-unreachable'
            ? 'answers ICMP port unreachable'
            : 'stays silent'
      }.`,
    route: (d, at) =>
      `${at} looks up ${d.dst}: the route ${code(d.entry)} matches${d.table === 'main' ? '' : ` in table ${code(d.table)}`}.`,
    'route-local': (d, at) =>
      `${d.dst} is an address of ${at} itself (${code(d.entry)}): the packet goes up to a socket.`,
    'route-none': (d, at) => `${at} has no route to ${d.dst}: the packet cannot leave.`,
    'route-blackhole': refusal,
    'route-unreachable': refusal,
    'route-prohibit': refusal,
    'rp-filter': (d, at) =>
      `${at} drops a packet from ${d.src} on ${code(d.dev)}: ${d.expected === undefined ? 'no route leads back there' : `the way back would be ${code(d.expected)}`} (${code('rp_filter')}).`,
    martian: (d, at) => `${at} drops a martian: ${d.src} → ${d.dst} cannot arrive on ${code(d.dev)}.`,
    'forwarding-off': (d, at) =>
      `${at} does not forward: ${code('ip_forward')} is 0, so the packet to ${d.dst} ends here.`,
    'not-for-us': (d, at) =>
      `${at} ignores the frame: its destination address is not that of ${code(d.dev)}.`,
    ttl: (d, at) => `${at} routes the packet on, so its TTL goes from ${d.before} to ${d.after}.`,
    'ttl-expired': (d, at) => `The TTL is used up at ${d.at}: ${at} drops the packet and says so by ICMP.`,
    'fdb-forward': (d) =>
      `${d.bridge} knows ${code(d.mac)} behind ${code(d.port)} and sends the frame out there only.`,
    'fdb-flood': (d) =>
      `${d.bridge} ${d.broadcast ? 'sends the broadcast' : `does not know ${code(d.mac)} and sends the frame`} out of every other port: ${list(d.ports)}.`,
    'fdb-local': (d, at) =>
      `${code(d.mac)} is ${d.bridge}’s own address: the frame leaves the bridge and goes up to ${at}’s IP layer.`,
    'fdb-learn': (d) =>
      `${d.bridge} ${d.moved ? 'sees' : 'learns'} that ${code(d.mac)} ${d.moved ? 'has moved to' : 'is behind'} ${code(d.port)}.`,
    'fdb-same-port': (d) =>
      `${d.bridge} would send the frame back out of ${code(d.port)}, where it came from: it stops here.`,
    'bridge-netfilter': (d, at) =>
      `${d.bridge} shows the packet to iptables (${d.hook}) although ${at} only bridges it: ${code('br_netfilter')}.`,
    neigh: (d, at) => `${at} knows the next hop ${d.ip}: ${code(d.mac)} on ${code(d.dev)} (${d.state}).`,
    'neigh-ask': (d, at) =>
      `${at} does not know the MAC of ${d.ip} and asks everybody on ${code(d.dev)}; the packet waits.`,
    'neigh-learn': (d, at) => `${at} writes down that ${d.ip} on ${code(d.dev)} is ${code(d.mac)}.`,
    'neigh-failed': (d, at) =>
      `Nobody answered ${d.probes} ARP requests for ${d.ip} on ${code(d.dev)}: ${at} gives up.`,
    'arp-answer': (d, at) =>
      `${at} answers for ${d.ip}: ${code(d.mac)} on ${code(d.dev)}${d.proxy ? ' (proxy ARP: the address is not its own)' : ''}.`,
    'arp-ignore': (d, at) => `${at} is not ${d.ip} and stays silent.`,
    'vxlan-encap': (d, at) =>
      `${at} wraps the whole frame for ${code(d.mac)} into UDP 8472: ${code(d.dev)} (VNI ${d.vni}) sends it from ${d.local} to ${d.remote}.`,
    'vxlan-no-fdb': (d, at) =>
      `${code(d.dev)} on ${at} has no FDB entry for ${code(d.mac)}: it does not know which node to send to, and drops the frame.`,
    'vxlan-decap': (d, at) =>
      `${at} unwraps it: out of the UDP datagram from ${d.remote} comes the inner frame, on ${code(d.dev)} (VNI ${d.vni}).`,
    'ipip-encap': (d, at) =>
      `${at} puts the packet into another IP packet: ${code(d.dev)} sends it from ${d.local} to ${d.remote}.`,
    'ipip-decap': (d, at) =>
      `${at} unwraps it: out of the packet from ${d.remote} comes the inner one, on ${code(d.dev)}.`,
    'mtu-exceeded': (d, at) =>
      `${d.length} bytes do not fit into the MTU ${d.mtu} of ${code(d.dev)}: ${at} ${
        d.answer === 'fragment'
          ? 'cuts the packet into fragments'
          : d.answer === 'frag-needed'
            ? 'drops it and answers “fragmentation needed”'
            : d.answer === 'EMSGSIZE'
              ? 'refuses to send it (EMSGSIZE)'
              : 'drops it without a word'
      }.`,
    pmtu: (d, at) => `${at} notes that the path to ${d.dst} takes ${d.mtu} bytes at most.`,
    reassembled: (d, at) => `${at} puts ${d.fragments} fragments from ${d.src} together again (id ${d.id}).`,
    rule: (d, at) =>
      `${at}, ${d.table}/${d.chain}: ${code(d.rule)} matches → ${d.verdict}${d.walked > 1 ? ` (${d.walked} rules compared)` : ''}.${d.note ? ` (${d.note})` : ''}`,
    'chain-policy': (d, at) =>
      `${at}, ${d.table}/${d.chain}: no rule matched, so the policy ${d.verdict} holds.`,
    'nft-rule': (d, at) =>
      `${at}, ${d.table}/${d.chain}: ${code(d.rule)} matches${d.element === undefined ? '' : `; in ${code(d.set ?? '')} it finds ${code(d.element)}`} → ${d.verdict}${d.walked > 1 ? ` (${d.walked} rules compared)` : ''}.`,
    'nft-policy': (d, at) =>
      `${at}, ${d.table}/${d.chain}: no rule decided, so the policy ${d.verdict} holds.`,
    conntrack: (d, at) =>
      d.state === 'NEW'
        ? `${at} begins to track the connection: ${code(d.entry)}.`
        : d.state === 'UNTRACKED'
          ? `${at} does not track this packet.`
          : d.state === 'INVALID'
            ? `${at} cannot place the packet in any connection it knows (INVALID).`
            : `${at} recognises the connection (${d.state}): ${code(d.entry)}.`,
    'nat-binding': (d, at) =>
      `${at} decides ${d.kind} once for the whole connection: ${d.kind === 'DNAT' || d.kind === 'REDIRECT' ? 'destination' : 'source'} ${code(d.from)} becomes ${code(d.to)}, and conntrack remembers it.`,
    nat: (d, at) =>
      `${at} rewrites the ${d.field === 'src' ? 'source' : 'destination'} ${code(d.from)} to ${code(d.to)}, as conntrack remembers.`,
    'icmp-error': (d, at) =>
      `${at} answers with ICMP “${d.type}” from ${d.from} to ${d.to}, about ${code(d.about)}.`,
    'icmp-rate-limited': (d, at) => `${at} has sent ${d.to} enough ICMP errors for now and stays silent.`,
    'tcp-retransmit': (d, at) =>
      `${at} has heard nothing and sends the ${d.segment} again: attempt ${d.attempt}.`,
    'tcp-state': (d, at) => {
      const words = tcp[d.to];
      return words === undefined
        ? `The socket ${code(d.local)} in ${at} goes from ${d.from} to ${d.to}.`
        : `The socket ${code(d.local)} in ${at} ${words}: ${d.from} → ${d.to}.`;
    },
    'link-down': (d, at) => `${code(d.dev)} in ${at} is down: nothing goes through.`,
    drop: (d, at) => `The packet ends in ${at}: ${reasons[d.reason] ?? d.reason}.`,
    policy: (d) => `${sentence(verdictEn.side(d.side, d.direction, d))}.`,
    app: (d) => `${d.process}: ${d.event} ${d.detail}`.trimEnd(),
  },
  glossary: {
    route: {
      word: 'route',
      meaning:
        'A line of the routing table: for these destinations, this interface and this next hop. The most specific one wins.',
    },
    fdb: {
      word: 'FDB',
      meaning:
        'Forwarding database: which MAC address is behind which port of a bridge, or behind which node of a VXLAN.',
    },
    broadcast: {
      word: 'broadcast',
      meaning:
        'A frame for everybody on the link, to `ff:ff:ff:ff:ff:ff`. A bridge sends it out of every other port.',
    },
    mac: {
      word: 'MAC',
      meaning:
        'The address of an interface on its own link. It changes with every routed hop; the IP addresses stay.',
    },
    nextHop: {
      word: 'next hop',
      meaning:
        'The neighbour on the same link that gets the packet next: a router, or the destination itself.',
    },
    conntrack: {
      word: 'conntrack',
      meaning:
        'Connection tracking: the kernel remembers each connection, and with it what NAT decided for its first packet.',
    },
    dnat: {
      word: 'DNAT',
      meaning:
        'Destination NAT: the destination address and port are replaced, as when a Service’s address becomes a pod’s.',
    },
    masquerade: {
      word: 'MASQUERADE',
      meaning: 'Source NAT to the address of the interface by which the packet leaves.',
    },
    snat: {
      word: 'SNAT',
      meaning: 'Source NAT: the source address is replaced, so that the answer comes back this way.',
    },
    encapsulation: {
      word: 'wraps',
      meaning:
        'Encapsulation: a frame or a packet travels whole inside of another packet. The network between the nodes sees the outer headers only.',
    },
    datagram: {
      word: 'UDP datagram',
      meaning: 'What a tunnel sends between nodes: an ordinary packet with a whole frame inside.',
    },
    rst: {
      word: 'RST',
      meaning: 'A TCP segment that says no: there is no such connection, or nobody listens on that port.',
    },
    icmp: {
      word: 'ICMP',
      meaning:
        'The messages that IP itself sends: echo requests and answers, and errors such as “host unreachable”.',
    },
    mtu: {
      word: 'MTU',
      meaning:
        'The largest packet that an interface sends in one piece. A tunnel’s is smaller by what it wraps around.',
    },
    socket: {
      word: 'socket',
      meaning: 'The end of a connection that a process holds: an address, a port, a protocol.',
    },
  },
  exchange: {
    arp: 'ARP',
    nd: 'Neighbour discovery',
    dns: 'DNS',
    handshake: 'Handshake',
    request: 'Request',
    answer: 'Answer',
    close: 'Close',
    icmp: 'Ping',
    'icmp-error': 'ICMP error',
    udp: 'UDP',
    other: 'Other',
  },
  outcome: { delivered: 'delivered', dropped: 'dropped', consumed: 'answered', 'in-flight': 'on its way' },
  status: {
    ready: 'Prerendered with this page',
    waking: 'Starting the engine…',
    running: 'Running…',
    edited: 'Edited, not applied yet',
    applied: 'Applied: the experiment ran again',
    failed: 'The manifest was refused: the cluster is as it was',
    stale: 'The picture is from before your change. Run the command again to see what is different.',
    limit: 'A limit ended this command',
    offline: 'You are offline, and what this needs has not been loaded yet. What is here still plays.',
    lost: 'The engine stopped answering and was restarted; this lab is back where it was',
    stopped: 'Stopped',
  },
  panel: {
    topology: 'Cluster',
    hops: 'Hops',
    tables: 'Tables',
    terminal: 'Terminal',
    manifest: 'Manifests',
    packet: 'Packet',
    reach: 'Reach',
  },
  limit: {
    objects: 'objects in the cluster',
    commandTime: 'virtual time of one command',
    events: 'events of one command',
    recordEvents: 'events kept in the record',
    output: 'characters printed by one command',
    scriptDepth: 'depth of a script',
    scriptSteps: 'steps of a script',
  },
  place: (netns) => (netns === 'lan' ? 'the LAN switch' : netns === 'ext' ? 'the outside host' : netns),
  crossing: (at, dev, dir) =>
    dir === 'in' ? `The frame enters ${at} by ${code(dev)}.` : `The frame leaves ${at} by ${code(dev)}.`,
  tunnelled: (at, outer, inner) =>
    `${at[0]?.toUpperCase() ?? ''}${at.slice(1)} sees only a UDP datagram from ${outer.src} to ${outer.dst}: the packet from ${inner.src} to ${inner.dst} travels inside of it.`,
  ui: {
    lab: 'Lab',
    stage: (cni, nodes, pods) =>
      `Cluster of ${nodes} ${nodes === 1 ? 'node' : 'nodes'} with ${cni}: ${pods} ${pods === 1 ? 'pod' : 'pods'}`,
    play: 'Play',
    pause: 'Pause',
    back: 'Step back',
    forward: 'Step forward',
    skip: 'Next decision',
    speed: 'Speed',
    timeline: 'Steps of the packets',
    tick: (index, count) => `Step ${index} of ${count}`,
    experiments: 'Experiment on the stage',
    noPackets: 'This command sent no packets.',
    noExperiment: 'No packets yet. Run a command in the terminal.',
    routine: (count) => (count === 1 ? '1 routine check' : `${count} routine checks`),
    deciding: (at) => `What decided, on ${at}`,
    before: 'Before',
    after: 'After',
    unchanged: 'Nothing in the headers changed on this hop.',
    firstSeen: 'Seen here for the first time.',
    tablesOf: 'Tables of',
    afterExperiment: 'as they stood after the experiment',
    decidedHere: 'decided this hop',
    noTables: 'No table decided anything here.',
    prompt: '$',
    command: 'Command',
    runCommand: 'Run',
    stop: 'Stop',
    transcript: 'Transcript',
    exit: (code_) => `exit code ${code_}`,
    edit: 'Edit',
    apply: 'Apply and run',
    reset: 'Reset',
    readonly: 'read-only',
    editing: (name) => `Editor: ${name}`,
    diagnosticAt: (line, column) => `line ${line}, column ${column}`,
    retry: 'Try again',
    runAgain: 'Run again',
    more: (count) => `+${count} more`,
    morePods: (count) => `+${count} ${count === 1 ? 'pod' : 'pods'}`,
    moreNodes: (count) => `+${count} ${count === 1 ? 'node' : 'nodes'}`,
    ghost: 'deleted',
    notEnforced: (names) => `NetworkPolicy ${names} has no effect: this CNI does not enforce policies.`,
    truncated: (max) => `The record ends after ${max} events.`,
    brokenLab: 'This lab has a mistake',
    download: (file) => `Download ${file}`,
    downloads: 'Take it along',
    scriptNote:
      'The same cluster from network namespaces, for any Linux where you are root: what the lab did, on the real kernel.',
    captureNote: 'Every frame on every interface, for Wireshark or tcpdump -r.',
    dropped: 'dropped',
    refused: 'refused',
  },
};
