/** Arithmetic on sequence numbers, which wrap at 2^32 (include/net/tcp.h, before and after). */

export function add(seq: number, n: number): number {
  return (seq + n) >>> 0;
}

/** Bytes from `a` to `b`. */
export function distance(a: number, b: number): number {
  return (b - a) >>> 0;
}

export function before(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

export function after(a: number, b: number): boolean {
  return ((b - a) | 0) < 0;
}

export function between(seq: number, low: number, high: number): boolean {
  return distance(low, seq) <= distance(low, high);
}
