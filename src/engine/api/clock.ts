/** Virtual time in microseconds, and a queue in it. The engine's world is one. */
export interface Clock {
  now(): number;
  schedule(microseconds: number, run: () => void): { cancel(): void };
}

/** 2026-01-01T00:00:00Z in seconds since 1970: the wall clock's reading when a cluster's virtual time is 0. */
const epoch = 1_767_225_600;

/** RFC 3339 in whole seconds, as metav1.Time prints. Days to civil date: Howard Hinnant's `civil_from_days`. */
export function timestampOf(microseconds: number): string {
  const seconds = epoch + Math.floor(microseconds / 1_000_000);
  if (seconds !== lastSecond) {
    lastSecond = seconds;
    lastText = dateOf(seconds);
  }
  return lastText;
}

/** Thousands of objects are stamped with the same second: they share its text. */
let lastSecond = NaN;
let lastText = '';

function dateOf(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const rest = seconds - days * 86_400;
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1;
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  const year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0);
  const two = (n: number) => String(n).padStart(2, '0');
  const date = [String(year).padStart(4, '0'), two(month), two(day)].join('-');
  const time = [two(Math.floor(rest / 3600)), two(Math.floor(rest / 60) % 60), two(rest % 60)].join(':');
  // join() makes flat strings, where + would leave a tree of pieces in memory.
  return [date, 'T', time, 'Z'].join('');
}

/** The inverse, for ages and durations; undefined for what is not an RFC 3339 time. Fractions of a second are dropped. */
export function microsecondsOf(timestamp: string): number | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:Z|([+-])(\d\d):(\d\d))$/.exec(
    timestamp,
  );
  if (!match) return undefined;
  const part = (i: number) => Number(match[i] ?? 0);
  const [year, month, day] = [part(1), part(2), part(3)];
  if (month < 1 || month > 12 || day < 1 || day > 31 || part(4) > 23 || part(5) > 59 || part(6) > 59)
    return undefined;
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const days =
    era * 146_097 +
    yearOfEra * 365 +
    Math.floor(yearOfEra / 4) -
    Math.floor(yearOfEra / 100) +
    dayOfYear -
    719_468;
  const zone = (match[7] === '-' ? -1 : 1) * (part(8) * 3600 + part(9) * 60);
  return (days * 86_400 + part(4) * 3600 + part(5) * 60 + part(6) - zone - epoch) * 1_000_000;
}
