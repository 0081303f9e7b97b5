/** What Go has for no date, the first day of year 1. */
export const noDate = -62_135_596_800_000;

/** A date of front matter in milliseconds since 1970, read as Hugo reads it: without a zone it is UTC. */
export function readDate(value: unknown): number | undefined {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.getTime();
  if (typeof value === 'number') return value * 1000;
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  const iso =
    /^(\d{4})-(\d{1,2})-(\d{1,2})(?:[Tt ]\s*(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?\s*(Z|z|[+-]\d{2}:?\d{2})?)?$/.exec(
      text,
    );
  if (iso !== null) {
    const [, year, month, day, hour, minute, second, fraction, zone] = iso;
    const time = Date.UTC(
      Number(year),
      Number(month) - 1,
      Number(day),
      Number(hour ?? 0),
      Number(minute ?? 0),
      Number(second ?? 0),
      Number(`0.${fraction ?? 0}`) * 1000,
    );
    return time - offsetOf(zone);
  }
  const named =
    /^(?:\w{3},? )?(\d{1,2}) (\w{3})\w* (\d{4})(?: (\d{2}):(\d{2})(?::(\d{2}))?)?(?: (?:GMT|UTC|MST|([+-]\d{4})))?$/.exec(
      text,
    );
  if (named === null) return undefined;
  const [, day, monthName, year, hour, minute, second, zone] = named;
  const month = months.indexOf((monthName ?? '').toLowerCase());
  if (month < 0) return undefined;
  return (
    Date.UTC(Number(year), month, Number(day), Number(hour ?? 0), Number(minute ?? 0), Number(second ?? 0)) -
    offsetOf(zone)
  );
}

const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];

function offsetOf(zone: string | undefined): number {
  const found = /^([+-])(\d{2}):?(\d{2})$/.exec(zone ?? '');
  if (found === null) return 0;
  return (found[1] === '-' ? -1 : 1) * (Number(found[2]) * 60 + Number(found[3])) * 60_000;
}
