import { microsecondsOf } from '../../api/clock.ts';

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const year = 365 * day;

/** A duration as the AGE column writes it. Source: `k8s.io/apimachinery/pkg/util/duration`, `HumanDuration`. */
export function humanDuration(seconds: number): string {
  // Up to two seconds of clock difference count as now.
  if (seconds <= -2) return '<invalid>';
  if (seconds < 0) return '0s';
  const whole = (unit: number) => Math.floor(seconds / unit);
  const pair = (big: number, bigName: string, small: number, smallName: string) => {
    const rest = whole(small) % (big / small);
    return rest === 0 ? `${whole(big)}${bigName}` : `${whole(big)}${bigName}${rest}${smallName}`;
  };
  if (seconds < 2 * minute) return `${whole(1)}s`;
  if (seconds < 10 * minute) return pair(minute, 'm', 1, 's');
  if (seconds < 3 * hour) return `${whole(minute)}m`;
  if (seconds < 8 * hour) return pair(hour, 'h', minute, 'm');
  if (seconds < 2 * day) return `${whole(hour)}h`;
  if (seconds < 8 * day) return pair(day, 'd', hour, 'h');
  if (seconds < 2 * year) return `${whole(day)}d`;
  if (seconds < 8 * year) return pair(year, 'y', day, 'd');
  return `${whole(year)}y`;
}

/** An API timestamp (`2026-11-23T01:12:09Z`) in seconds of virtual time, or undefined. */
export function parseTimestamp(timestamp: unknown): number | undefined {
  const microseconds = typeof timestamp === 'string' ? microsecondsOf(timestamp) : undefined;
  return microseconds === undefined ? undefined : microseconds / 1e6;
}

/** Age of a timestamp at `now` (seconds of virtual time), `<unknown>` without one. */
export function ageAt(now: number, timestamp: unknown): string {
  const then = parseTimestamp(timestamp);
  return then === undefined ? '<unknown>' : humanDuration(now - then);
}

/** A timestamp as `describe` writes it: Go's RFC1123Z in UTC, `Mon, 23 Nov 2026 01:12:09 +0000`. */
export function formatTimestamp(timestamp: unknown): string {
  const then = parseTimestamp(timestamp);
  if (then === undefined) return 'Mon, 01 Jan 0001 00:00:00 +0000';
  // Virtual time began on a Thursday.
  const weekday = weekdays[(((Math.floor(then / day) + 4) % 7) + 7) % 7];
  const [date = '', time = ''] = String(timestamp).split('T');
  const [years, months, days] = date.split('-');
  return `${weekday}, ${days} ${monthNames[Number(months) - 1]} ${years} ${time.slice(0, 8)} +0000`;
}

const weekdays = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const monthNames = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
