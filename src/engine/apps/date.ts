import { timestampOf } from '../api/clock.ts';

const days = ['Thu', 'Fri', 'Sat', 'Sun', 'Mon', 'Tue', 'Wed'];
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

interface CivilTime {
  readonly year: string;
  readonly month: string;
  readonly monthName: string;
  readonly day: string;
  readonly time: string;
  readonly weekday: string;
}

/** `now` is virtual microseconds. */
export function civilTime(now: number): CivilTime {
  const stamp = timestampOf(now);
  const [year = '', month = '', day = ''] = stamp.slice(0, 10).split('-');
  // 2026-01-01 was a Thursday.
  const weekday = days[Math.floor(now / 86_400_000_000) % 7] ?? '';
  return { year, month, monthName: months[Number(month) - 1] ?? '', day, time: stamp.slice(11, 19), weekday };
}

/** RFC 9110, 5.6.7: `Thu, 01 Jan 2026 00:00:05 GMT`. */
export function httpDate(now: number): string {
  const { weekday, day, monthName, year, time } = civilTime(now);
  return `${weekday}, ${day} ${monthName} ${year} ${time} GMT`;
}

/** The common log format: `01/Jan/2026:00:00:05 +0000`. */
export function logDate(now: number): string {
  const { day, monthName, year, time } = civilTime(now);
  return `${day}/${monthName}/${year}:${time} +0000`;
}

/** Go's log package: `2026/01/01 00:00:05`. */
export function goDate(now: number): string {
  const { year, month, day, time } = civilTime(now);
  return `${year}/${month}/${day} ${time}`;
}
