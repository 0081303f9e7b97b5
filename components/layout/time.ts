/** Virtual time that has passed, in the unit that a person would use: `15 µs`, `1.2 ms`, `3.07 s`. */
export function elapsed(microseconds: number): string {
  if (microseconds < 1000) return `${Math.round(microseconds)} µs`;
  if (microseconds < 1_000_000) return `${(microseconds / 1000).toFixed(1)} ms`;
  return `${(microseconds / 1_000_000).toFixed(2)} s`;
}
