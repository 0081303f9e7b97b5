import type { TcpSegment } from './packet.ts';

/** Connection states of TCP as conntrack names them. */
type TcpConntrackState =
  | 'NONE'
  | 'SYN_SENT'
  | 'SYN_RECV'
  | 'ESTABLISHED'
  | 'FIN_WAIT'
  | 'CLOSE_WAIT'
  | 'LAST_ACK'
  | 'TIME_WAIT'
  | 'CLOSE'
  | 'SYN_SENT2';

const STATES: readonly TcpConntrackState[] = [
  'NONE',
  'SYN_SENT',
  'SYN_RECV',
  'ESTABLISHED',
  'FIN_WAIT',
  'CLOSE_WAIT',
  'LAST_ACK',
  'TIME_WAIT',
  'CLOSE',
  'SYN_SENT2',
];

const [NO, SS, SR, ES, FW, CW, LA, TW, CL, S2, IG, IV] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11] as const;

/** `tcp_conntracks[direction][kind of segment][state]` of net/netfilter/nf_conntrack_proto_tcp.c. */
const TRANSITIONS: readonly (readonly (readonly number[])[])[] = [
  [
    [SS, SS, IG, IG, IG, IG, IG, SS, SS, S2],
    [IV, IV, SR, IV, IV, IV, IV, IV, IV, SR],
    [IV, IV, FW, FW, LA, LA, LA, TW, CL, IV],
    [ES, IV, ES, ES, CW, CW, TW, TW, CL, IV],
    [IV, CL, CL, CL, CL, CL, CL, CL, CL, CL],
    [IV, IV, IV, IV, IV, IV, IV, IV, IV, IV],
  ],
  [
    [IV, S2, IV, IV, IV, IV, IV, SS, IV, S2],
    [IV, SR, IG, IG, IG, IG, IG, IG, IG, SR],
    [IV, IV, FW, FW, LA, LA, LA, TW, CL, IV],
    [IV, IG, SR, ES, CW, CW, TW, TW, CL, IG],
    [IV, CL, CL, CL, CL, CL, CL, CL, CL, CL],
    [IV, IV, IV, IV, IV, IV, IV, IV, IV, IV],
  ],
];

/** Seconds that an entry lives after a segment that left it in a state (`tcp_timeouts`). */
const TIMEOUTS: Record<TcpConntrackState, number> = {
  NONE: 120,
  SYN_SENT: 120,
  SYN_RECV: 60,
  ESTABLISHED: 432_000,
  FIN_WAIT: 120,
  CLOSE_WAIT: 60,
  LAST_ACK: 30,
  TIME_WAIT: 120,
  CLOSE: 10,
  SYN_SENT2: 120,
};

/** While data is on its way without an acknowledgement, or is being sent again and again. */
const UNACKNOWLEDGED = 300;
const MAX_RETRANSMISSIONS = 3;

/** What conntrack remembers of each side's sequence numbers. */
interface Side {
  end: number;
  unacknowledged: boolean;
}

export interface TcpTracking {
  state: TcpConntrackState;
  readonly sides: readonly [Side, Side];
  retransmissions: number;
  lastSegment: string;
}

function kindOf(segment: TcpSegment): number {
  const { flags } = segment;
  if ((flags & 4) !== 0) return 4;
  if ((flags & 2) !== 0) return (flags & 16) !== 0 ? 1 : 0;
  if ((flags & 1) !== 0) return 2;
  return (flags & 16) !== 0 ? 3 : 5;
}

function endOf(segment: TcpSegment): number {
  const control = ((segment.flags & 2) !== 0 ? 1 : 0) + ((segment.flags & 1) !== 0 ? 1 : 0);
  return (segment.seq + segment.data.length + control) >>> 0;
}

/** Tracking for a connection that this segment begins; undefined when it cannot begin one. */
export function beginTcp(segment: TcpSegment): TcpTracking | undefined {
  const next = TRANSITIONS[0]?.[kindOf(segment)]?.[NO] ?? IV;
  if (next === IV) return undefined;
  return {
    state: 'NONE',
    sides: [
      { end: endOf(segment), unacknowledged: false },
      { end: segment.ack, unacknowledged: false },
    ],
    retransmissions: 0,
    lastSegment: '',
  };
}

export type TcpVerdict =
  | { readonly kind: 'invalid' }
  | { readonly kind: 'ignored' }
  /** A new SYN over a closed connection: forget the old one and look again. */
  | { readonly kind: 'reopen' }
  | {
      readonly kind: 'tracked';
      readonly before: TcpConntrackState;
      readonly timeout: number;
      readonly rst: boolean;
    };

/** What one segment of a known connection does to it (`nf_conntrack_tcp_packet`; windows are not judged). */
export function trackTcp(tracking: TcpTracking, segment: TcpSegment, reply: boolean): TcpVerdict {
  const kind = kindOf(segment);
  const before = tracking.state;
  const next = TRANSITIONS[reply ? 1 : 0]?.[kind]?.[STATES.indexOf(before)] ?? IV;
  if (next === IV) return { kind: 'invalid' };
  if (next === IG) return { kind: 'ignored' };
  if (next === SS && (before === 'TIME_WAIT' || before === 'CLOSE')) return { kind: 'reopen' };
  const state = STATES[next] ?? 'NONE';
  const sender = tracking.sides[reply ? 1 : 0];
  const receiver = tracking.sides[reply ? 0 : 1];
  const end = endOf(segment);
  const first = before === 'NONE' || (reply && before === 'SYN_SENT');
  if (first) sender.end = end;
  else if (((end - sender.end) | 0) > 0) {
    sender.end = end;
    sender.unacknowledged = true;
  }
  if ((segment.flags & 16) !== 0 && segment.ack === receiver.end) receiver.unacknowledged = false;
  if (kind === 3) {
    const same = `${reply},${segment.seq},${segment.ack},${end},${segment.window}`;
    if (same === tracking.lastSegment) tracking.retransmissions++;
    else tracking.retransmissions = 0;
    tracking.lastSegment = same;
  }
  tracking.state = state;
  const usual = TIMEOUTS[state];
  const stuck =
    tracking.retransmissions >= MAX_RETRANSMISSIONS ||
    sender.unacknowledged ||
    receiver.unacknowledged ||
    segment.window === 0;
  const timeout = kind === 4 ? TIMEOUTS.CLOSE : stuck ? Math.min(usual, UNACKNOWLEDGED) : usual;
  return { kind: 'tracked', before, timeout, rst: kind === 4 };
}
