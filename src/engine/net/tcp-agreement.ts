/** What both ends of a connection agreed on in their SYNs: segment size, window scale, timestamps. */
import { TCP_NO_OPTIONS, type TcpOptions, type TcpSegment } from './packet.ts';

export const WINDOW_SCALE = 10;
const TIMESTAMP_LENGTH = 12;

export class Agreement {
  /** The largest segment that the peer takes. */
  peerMss = 536;
  peerScale = 0;
  scaled = true;
  timestamps = true;
  /** The peer's latest timestamp, to be echoed. */
  recent = 0;

  learn(segment: TcpSegment): void {
    const { mss, windowScale, timestamp } = segment.options;
    this.peerMss = mss ?? 536;
    this.timestamps = timestamp !== undefined;
    this.scaled = windowScale !== undefined;
    this.peerScale = windowScale ?? 0;
    this.recent = timestamp?.[0] ?? 0;
  }

  /** Bytes that options take in every segment. */
  get overhead(): number {
    return this.timestamps ? TIMESTAMP_LENGTH : 0;
  }

  get scale(): number {
    return this.scaled ? WINDOW_SCALE : 0;
  }

  /** `clock` is this end's timestamp. */
  options(clock: number): TcpOptions {
    return this.timestamps ? { timestamp: [clock, this.recent] } : TCP_NO_OPTIONS;
  }

  synOptions(clock: number, mss: number, answer: boolean): TcpOptions {
    return {
      mss,
      sackPermitted: true,
      ...(this.timestamps ? { timestamp: [clock, this.recent] as const } : {}),
      ...(this.scaled || !answer ? { windowScale: WINDOW_SCALE } : {}),
    };
  }
}
