/** Advance of a monospaced character in ems; Hangul and other wide characters take a whole em or so. */
const narrow = 0.602;
const wide = 1;

export function textWidth(text: string, size: number): number {
  let width = 0;
  for (const char of text) width += (char.codePointAt(0) ?? 0) >= 0x1100 ? wide : narrow;
  return Math.ceil(width * size * 10) / 10;
}

/** The text, or its two ends with an ellipsis between: pod names differ at the end, commands at the beginning. */
export function fit(text: string, width: number, size: number, tail = 6): string {
  if (textWidth(text, size) <= width) return text;
  const room = Math.max(2, Math.floor(width / (narrow * size)) - 1);
  const end = Math.min(tail, Math.floor(room / 2));
  return `${text.slice(0, room - end)}…${end > 0 ? text.slice(-end) : ''}`;
}
