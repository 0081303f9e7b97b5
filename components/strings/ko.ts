import { codeParticle as 코드, particle as 조사 } from './particle.ts';
import type { DecisionOf, Strings } from './strings.ts';
import { verdictKo } from './verdict/ko.ts';

const code = (text: string) => '`' + text + '`';
const list = (words: readonly string[]) => words.map(code).join(', ');

/** Why a packet ended where no other decision says it. */
const reasons: Readonly<Record<string, string>> = {
  'other-host': '다른 MAC 주소로 가는 프레임입니다',
  'bridge-port-disabled': '브리지 포트가 포워딩 상태가 아닙니다',
  'bad-source-mac': '출발지 MAC 주소가 올바르지 않습니다',
  'bridge-own-address': '출발지 MAC이 브리지 자신의 주소입니다',
  'refused-after-dnat':
    'DNAT 이후 출발지나 목적지를 이 인터페이스에서 받아들이지 않습니다(martian 또는 rp_filter)',
  'tunnel-no-remote': '터널의 반대쪽을 알지 못합니다',
  'tunnel-no-route': '터널의 반대쪽으로 가는 경로가 없습니다',
  conntrack: '연결 추적이 거부했습니다',
};

const refusal = (d: DecisionOf<'route-blackhole' | 'route-unreachable' | 'route-prohibit'>, at: string) =>
  `${조사(at, '이/가')} ${조사(d.dst, '을/를')} 조회하면 경로 ${코드(d.entry, '이/가')} 일치하고, 이 경로는 ${
    d.code === 'route-blackhole'
      ? '패킷을 아무 응답 없이 버립니다'
      : d.code === 'route-unreachable'
        ? 'host unreachable로 응답합니다'
        : '금지되었다고(prohibited) 응답합니다'
  }.`;

export const ko: Strings = {
  language: 'ko',
  decision: {
    send: (d, at) =>
      `${at}의 ${조사(d.process ?? '프로세스', '이/가')} ${code(d.src)}에서 ${코드(d.dst, '(으)로')} ${조사(d.protocol.toUpperCase(), '을/를')} 보냅니다.`,
    deliver: (d, at) =>
      d.process === undefined
        ? `${at}의 ${/^icmp/i.test(d.protocol) ? '커널이' : '소켓이'} ${code(d.local)}에서 받습니다.`
        : `${조사(d.process, '이/가')} ${code(d.local)}에서 받습니다.`,
    'no-socket': (d, at) =>
      `${at}에는 ${코드(d.local, '을/를')} 리슨하는 소켓이 없습니다. ${
        d.answer === 'RST'
          ? '커널이 RST로 응답하므로 호출한 쪽에는 “connection refused”로 보입니다.'
          : d.answer === 'port-unreachable'
            ? '커널이 ICMP port unreachable로 응답합니다.'
            : '커널은 아무 응답도 하지 않습니다.'
      }`,
    route: (d, at) =>
      `${조사(at, '이/가')} ${조사(d.dst, '을/를')} 라우팅 테이블${d.table === 'main' ? '' : `(${code(d.table)})`}에서 조회합니다. 경로 ${코드(d.entry, '이/가')} 일치합니다.`,
    'route-local': (d, at) =>
      `${조사(d.dst, '은/는')} ${at} 자신의 주소입니다(${code(d.entry)}). 패킷은 소켓으로 올라갑니다.`,
    'route-none': (d, at) => `${at}에는 ${조사(d.dst, '(으)로')} 가는 경로가 없어 패킷을 내보낼 수 없습니다.`,
    'route-blackhole': refusal,
    'route-unreachable': refusal,
    'route-prohibit': refusal,
    'rp-filter': (d, at) =>
      `${조사(at, '이/가')} ${코드(d.dev, '(으)로')} 들어온 ${d.src}발 패킷을 버립니다. ${
        d.expected === undefined
          ? '그 주소로 돌아가는 경로가 없습니다'
          : `돌아가는 경로는 ${code(d.expected)} 쪽입니다`
      }(${code('rp_filter')}).`,
    martian: (d, at) =>
      `${조사(at, '이/가')} 마션 패킷을 버립니다. ${d.src} → ${d.dst} 패킷은 ${코드(d.dev, '(으)로')} 들어올 수 없습니다.`,
    'forwarding-off': (d, at) =>
      `${조사(at, '은/는')} 포워딩을 하지 않습니다(${code('ip_forward')} = 0). ${조사(d.dst, '(으)로')} 가던 패킷은 여기서 끝납니다.`,
    'not-for-us': (d, at) =>
      `${조사(at, '은/는')} 프레임을 무시합니다. 목적지 MAC이 ${code(d.dev)}의 것이 아닙니다.`,
    ttl: (d, at) =>
      `${조사(at, '이/가')} 패킷을 라우팅하므로 TTL이 ${d.before}에서 ${조사(String(d.after), '(으)로')} 줄어듭니다.`,
    'ttl-expired': (d, at) =>
      `${d.at}에서 TTL이 다 되었습니다. ${조사(at, '이/가')} 패킷을 버리고 ICMP로 알립니다.`,
    'fdb-forward': (d) =>
      `${조사(d.bridge, '은/는')} FDB에서 ${코드(d.mac, '이/가')} ${code(d.port)} 뒤에 있음을 알고 그 포트로만 내보냅니다.`,
    'fdb-flood': (d) =>
      `${조사(d.bridge, '은/는')} ${d.broadcast ? '브로드캐스트를' : `${code(d.mac)}의 위치를 몰라 프레임을`} 나머지 모든 포트로 내보냅니다: ${list(d.ports)}.`,
    'fdb-local': (d, at) =>
      `${코드(d.mac, '은/는')} ${d.bridge} 자신의 MAC입니다. 프레임은 브리지를 나와 ${at}의 IP 계층으로 올라갑니다.`,
    'fdb-learn': (d) =>
      d.moved
        ? `${조사(d.bridge, '이/가')} ${코드(d.mac, '이/가')} ${코드(d.port, '(으)로')} 옮겨 간 것을 배웁니다.`
        : `${조사(d.bridge, '이/가')} ${코드(d.mac, '이/가')} ${code(d.port)} 뒤에 있음을 배웁니다.`,
    'fdb-same-port': (d) =>
      `${조사(d.bridge, '은/는')} 프레임이 들어온 포트 ${코드(d.port, '(으)로')} 되돌려 보내지 않습니다. 여기서 끝납니다.`,
    'bridge-netfilter': (d, at) =>
      `${at}에서 라우팅 없이 브리지만 지나는 패킷이지만, ${조사(d.bridge, '이/가')} 이를 iptables(${d.hook})에 보여 줍니다: ${code('br_netfilter')}.`,
    neigh: (d, at) =>
      `${조사(at, '은/는')} 다음 홉 ${d.ip}의 MAC을 압니다: ${code(d.dev)}의 ${code(d.mac)}(${d.state}).`,
    'neigh-ask': (d, at) =>
      `${조사(at, '은/는')} ${d.ip}의 MAC을 몰라 ${code(d.dev)}에서 모두에게 묻습니다. 그동안 패킷은 기다립니다.`,
    'neigh-learn': (d, at) =>
      `${조사(at, '이/가')} ${d.ip}의 MAC이 ${code(d.mac)}임을 기록합니다(${code(d.dev)}).`,
    'neigh-failed': (d, at) =>
      `${code(d.dev)}에서 ${d.ip}에 대한 ARP 요청 ${d.probes}번에 아무도 답하지 않아 ${조사(at, '은/는')} 포기합니다.`,
    'arp-answer': (d, at) =>
      `${조사(at, '이/가')} 답합니다: ${조사(d.ip, '은/는')} ${code(d.dev)}의 ${code(d.mac)}입니다${d.proxy ? '(프록시 ARP: 자신의 주소가 아니어도 대신 답합니다)' : ''}.`,
    'arp-ignore': (d, at) => `${조사(at, '은/는')} ${조사(d.ip, '이/가')} 아니므로 답하지 않습니다.`,
    'vxlan-encap': (d, at) =>
      `${조사(at, '이/가')} ${코드(d.mac, '(으)로')} 가는 프레임을 통째로 UDP 8472에 캡슐화합니다. ${조사(d.dev, '이/가')} (VNI ${d.vni}) ${d.local}에서 ${조사(d.remote, '(으)로')} 보냅니다.`,
    'vxlan-no-fdb': (d, at) =>
      `${at}의 ${code(d.dev)}에 ${code(d.mac)}의 FDB 항목이 없습니다. 어느 노드로 보낼지 몰라 프레임을 버립니다.`,
    'vxlan-decap': (d, at) =>
      `${조사(at, '이/가')} ${조사(d.remote, '이/가')} 보낸 UDP 데이터그램에서 안쪽 프레임을 꺼냅니다: ${code(d.dev)} (VNI ${d.vni}).`,
    'ipip-encap': (d, at) =>
      `${조사(at, '이/가')} 패킷을 다른 IP 패킷으로 캡슐화합니다. ${조사(d.dev, '이/가')} ${d.local}에서 ${조사(d.remote, '(으)로')} 보냅니다.`,
    'ipip-decap': (d, at) =>
      `${조사(at, '이/가')} ${조사(d.remote, '이/가')} 보낸 패킷에서 안쪽 패킷을 꺼냅니다: ${code(d.dev)}.`,
    'mtu-exceeded': (d, at) =>
      `${d.length}바이트는 ${code(d.dev)}의 MTU ${d.mtu}에 들어가지 않습니다. ${
        d.answer === 'fragment'
          ? `${조사(at, '이/가')} 패킷을 조각으로 나눕니다.`
          : d.answer === 'frag-needed'
            ? `${조사(at, '이/가')} 버리고 “fragmentation needed”로 알립니다.`
            : d.answer === 'EMSGSIZE'
              ? `${조사(at, '이/가')} 전송을 거부합니다(EMSGSIZE).`
              : `${조사(at, '이/가')} 아무 말 없이 버립니다.`
      }`,
    pmtu: (d, at) => `${조사(at, '은/는')} ${d.dst}까지의 경로 MTU가 ${d.mtu}바이트임을 기억합니다.`,
    reassembled: (d, at) =>
      `${조사(at, '이/가')} ${d.src}에서 온 조각 ${d.fragments}개를 다시 합칩니다(id ${d.id}).`,
    rule: (d, at) =>
      `${at}의 ${d.table}/${d.chain}: 규칙 ${코드(d.rule, '이/가')} 일치합니다 → ${d.verdict}${d.walked > 1 ? ` (규칙 ${d.walked}개를 비교)` : ''}.${d.note ? ` (${d.note})` : ''}`,
    'chain-policy': (d, at) =>
      `${at}의 ${d.table}/${d.chain}: 일치하는 규칙이 없어 체인 정책 ${조사(d.verdict, '이/가')} 적용됩니다.`,
    'nft-rule': (d, at) =>
      `${at}의 ${d.table}/${d.chain}: 규칙 ${코드(d.rule, '이/가')} 일치합니다${d.element === undefined ? '' : `. ${code(d.set ?? '')}에서 찾은 항목은 ${code(d.element)}입니다`} → ${d.verdict}${d.walked > 1 ? ` (규칙 ${d.walked}개를 비교)` : ''}.`,
    'nft-policy': (d, at) =>
      `${at}의 ${d.table}/${d.chain}: 판정을 내린 규칙이 없어 체인 정책 ${조사(d.verdict, '이/가')} 적용됩니다.`,
    conntrack: (d, at) =>
      d.state === 'NEW'
        ? `${조사(at, '이/가')} 연결 추적을 시작합니다: ${code(d.entry)}.`
        : d.state === 'UNTRACKED'
          ? `${조사(at, '은/는')} 이 패킷을 추적하지 않습니다.`
          : d.state === 'INVALID'
            ? `${조사(at, '은/는')} 이 패킷이 어느 연결의 것인지 알지 못합니다(INVALID).`
            : `${조사(at, '이/가')} 아는 연결입니다(${d.state}): ${code(d.entry)}.`,
    'nat-binding': (d, at) =>
      `${조사(at, '이/가')} 이 연결 전체에 대해 ${조사(d.kind, '을/를')} 한 번 정합니다. ${
        d.kind === 'DNAT' || d.kind === 'REDIRECT' ? '목적지' : '출발지'
      } ${코드(d.from, '이/가')} ${코드(d.to, '(으)로')} 바뀌고, conntrack이 이를 기억합니다.`,
    nat: (d, at) =>
      `${조사(at, '이/가')} conntrack이 기억하는 대로 ${d.field === 'src' ? '출발지' : '목적지'} ${코드(d.from, '을/를')} ${코드(d.to, '(으)로')} 바꿉니다.`,
    'icmp-error': (d, at) =>
      `${조사(at, '이/가')} ${d.from}에서 ${조사(d.to, '(으)로')} ICMP “${d.type}” 오류를 보냅니다. 대상은 ${code(d.about)}입니다.`,
    'icmp-rate-limited': (d, at) =>
      `${조사(at, '은/는')} ${d.to}에 ICMP 오류를 이미 충분히 보내 지금은 응답하지 않습니다.`,
    'tcp-retransmit': (d, at) =>
      `${at}에 응답이 오지 않아 ${조사(d.segment, '을/를')} 다시 보냅니다(${d.attempt}번째).`,
    'tcp-state': (d, at) =>
      `${at}의 소켓 ${코드(d.local, '이/가')} ${d.from}에서 ${조사(d.to, '(으)로')} 바뀝니다.`,
    'link-down': (d, at) => `${at}의 ${코드(d.dev, '이/가')} 내려가 있어 아무것도 지나갈 수 없습니다.`,
    drop: (d, at) => `패킷은 ${at}에서 끝납니다. ${reasons[d.reason] ?? d.reason}.`,
    policy: (d) => `${verdictKo.side(d.side, d.direction, d)}.`,
    app: (d) => `${d.process}: ${d.event} ${d.detail}`.trimEnd(),
  },
  glossary: {
    route: {
      word: '라우팅 테이블',
      meaning:
        '네트워크 네임스페이스 하나가 가진 경로 목록입니다. 목적지를 포함하는 경로 가운데 가장 구체적인 것이 선택됩니다. `10.244.1.0/24`는 `default`보다 먼저입니다.',
    },
    fdb: {
      word: 'FDB',
      meaning:
        '포워딩 데이터베이스입니다. 어느 MAC 주소가 브리지의 어느 포트 뒤에, 또는 VXLAN의 어느 노드 뒤에 있는지 적어 둡니다.',
    },
    broadcast: {
      word: '브로드캐스트',
      meaning:
        '링크에 있는 모두에게 보내는 프레임으로, 목적지가 `ff:ff:ff:ff:ff:ff`입니다. 브리지는 나머지 모든 포트로 내보냅니다.',
    },
    mac: {
      word: 'MAC',
      meaning: '한 링크 안에서 쓰는 인터페이스의 주소입니다. 라우팅될 때마다 바뀌고, IP 주소는 그대로입니다.',
    },
    nextHop: {
      word: '다음 홉',
      meaning: '패킷을 다음으로 받을, 같은 링크의 이웃입니다. 라우터이거나 목적지 자신입니다.',
    },
    conntrack: {
      word: 'conntrack',
      meaning: '연결 추적입니다. 커널이 연결마다 기억하며, 첫 패킷에서 NAT가 정한 것도 함께 기억합니다.',
    },
    dnat: {
      word: 'DNAT',
      meaning: '목적지 NAT입니다. 서비스 주소가 파드 주소로 바뀌듯이 목적지 주소와 포트를 바꿉니다.',
    },
    masquerade: {
      word: 'MASQUERADE',
      meaning: '패킷이 나가는 인터페이스의 주소로 출발지를 바꾸는 NAT입니다.',
    },
    snat: {
      word: 'SNAT',
      meaning: '출발지 NAT입니다. 출발지 주소를 바꾸어 응답이 이쪽으로 돌아오게 합니다.',
    },
    encapsulation: {
      word: '캡슐화',
      meaning:
        '프레임이나 패킷을 통째로 다른 패킷 안에 넣는 일입니다. 노드 사이의 네트워크는 바깥쪽 헤더만 봅니다.',
    },
    datagram: {
      word: 'UDP 데이터그램',
      meaning: '터널이 노드 사이에서 보내는 것입니다. 평범한 패킷 안에 프레임이 통째로 들어 있습니다.',
    },
    rst: {
      word: 'RST',
      meaning: '거절을 뜻하는 TCP 세그먼트입니다. 그런 연결이 없거나 그 포트를 리슨하는 소켓이 없습니다.',
    },
    icmp: {
      word: 'ICMP',
      meaning:
        'IP 자신이 보내는 메시지입니다. 에코 요청과 응답, 그리고 “host unreachable” 같은 오류가 있습니다.',
    },
    mtu: {
      word: 'MTU',
      meaning:
        '인터페이스가 한 번에 보내는 가장 큰 패킷의 크기입니다. 터널의 MTU는 감싸는 헤더만큼 작습니다.',
    },
    socket: {
      word: '소켓',
      meaning: '프로세스가 가진 연결의 끝으로, 주소와 포트와 프로토콜로 이루어집니다.',
    },
  },
  exchange: {
    arp: 'ARP',
    nd: '이웃 탐색(ND)',
    dns: 'DNS',
    handshake: '핸드셰이크',
    request: '요청',
    answer: '응답',
    close: '종료',
    icmp: '핑',
    'icmp-error': 'ICMP 오류',
    udp: 'UDP',
    other: '기타',
  },
  outcome: { delivered: '전달됨', dropped: '버려짐', consumed: '응답함', 'in-flight': '가는 중' },
  status: {
    ready: '페이지와 함께 미리 실행한 결과입니다',
    waking: '엔진을 시작하는 중…',
    running: '실행하는 중…',
    edited: '수정됨. 아직 적용하지 않았습니다',
    applied: '적용하고 실험을 다시 실행했습니다',
    failed: '매니페스트가 거부되었습니다. 클러스터는 그대로입니다',
    stale: '그림은 변경하기 전의 것입니다. 명령을 다시 실행하면 무엇이 달라졌는지 볼 수 있습니다.',
    limit: '제한에 걸려 명령이 끝났습니다',
    offline:
      '오프라인이고 여기에 필요한 코드를 아직 불러오지 못했습니다. 이미 있는 기록은 재생할 수 있습니다.',
    lost: '엔진이 응답하지 않아 다시 시작했습니다. 이 실습은 이전 상태로 되돌아왔습니다',
    stopped: '중지했습니다',
  },
  panel: {
    topology: '클러스터',
    hops: '홉',
    tables: '테이블',
    terminal: '터미널',
    manifest: '매니페스트',
    packet: '패킷',
    reach: '통신',
  },
  limit: {
    objects: '클러스터의 오브젝트 수',
    commandTime: '명령 하나의 가상 시간',
    events: '명령 하나의 이벤트 수',
    recordEvents: '기록하는 이벤트 수',
    output: '명령 하나의 출력 글자 수',
    scriptDepth: '스크립트의 깊이',
    scriptSteps: '스크립트의 단계 수',
  },
  place: (netns) => (netns === 'lan' ? 'LAN 스위치' : netns === 'ext' ? '외부 호스트' : netns),
  crossing: (at, dev, dir) =>
    dir === 'in'
      ? `프레임이 ${코드(dev, '을/를')} 지나 ${조사(at, '(으)로')} 들어옵니다.`
      : `프레임이 ${코드(dev, '을/를')} 지나 ${at}에서 나갑니다.`,
  tunnelled: (at, outer, inner) =>
    `${조사(at, '이/가')} 보는 것은 ${outer.src}에서 ${조사(outer.dst, '(으)로')} 가는 UDP 데이터그램뿐입니다. ${inner.src}에서 ${조사(inner.dst, '(으)로')} 가는 패킷은 그 안에 들어 있습니다.`,
  ui: {
    lab: '실습',
    stage: (cni, nodes, pods) => `${cni} 클러스터: 노드 ${nodes}개, 파드 ${pods}개`,
    play: '재생',
    pause: '일시 정지',
    back: '한 단계 뒤로',
    forward: '한 단계 앞으로',
    skip: '다음 결정',
    speed: '속도',
    timeline: '패킷의 단계',
    tick: (index, count) => `${count}단계 중 ${index}단계`,
    experiments: '무대에 올린 실험',
    noPackets: '이 명령은 패킷을 보내지 않았습니다.',
    noExperiment: '아직 패킷이 없습니다. 터미널에서 명령을 실행해 보세요.',
    routine: (count) => `통상적인 검사 ${count}개`,
    deciding: (at) => `${at}에서 결정한 것`,
    before: '이전',
    after: '이후',
    unchanged: '이 홉에서는 헤더가 바뀌지 않았습니다.',
    firstSeen: '여기서 처음 보입니다.',
    tablesOf: '테이블:',
    afterExperiment: '실험이 끝난 뒤의 내용',
    decidedHere: '이 홉을 결정한 행',
    noTables: '여기서는 어떤 테이블도 결정에 쓰이지 않았습니다.',
    prompt: '$',
    command: '명령',
    runCommand: '실행',
    stop: '중지',
    transcript: '실행 기록',
    exit: (code_) => `종료 코드 ${code_}`,
    edit: '수정',
    apply: '적용하고 실행',
    reset: '되돌리기',
    readonly: '읽기 전용',
    editing: (name) => `편집기: ${name}`,
    diagnosticAt: (line, column) => `${line}행 ${column}열`,
    retry: '다시 시도',
    runAgain: '다시 실행',
    more: (count) => `외 ${count}개`,
    morePods: (count) => `파드 ${count}개 더`,
    moreNodes: (count) => `노드 ${count}개 더`,
    ghost: '삭제됨',
    notEnforced: (names) =>
      `NetworkPolicy ${조사(names, '은/는')} 효과가 없습니다. 이 CNI는 정책을 적용하지 않습니다.`,
    truncated: (max) => `기록은 이벤트 ${max}개에서 끝납니다.`,
    brokenLab: '이 실습에 잘못된 곳이 있습니다',
    download: (file) => `${file} 내려받기`,
    downloads: '내려받기',
    scriptNote:
      '같은 클러스터를 네트워크 네임스페이스로 만드는 스크립트입니다. 루트 권한이 있는 리눅스에서 실습을 실제 커널로 다시 해 볼 수 있습니다.',
    captureNote: '모든 인터페이스를 지나간 모든 프레임입니다. Wireshark나 tcpdump -r로 열 수 있습니다.',
    dropped: '버려짐',
    refused: '거부됨',
  },
};
