/** The last line of curl's progress meter (lib/progress.c): what a terminal shows after the ones before were overwritten. */
export function progressMeter(us: number, body: number, uploaded: number): string {
  const seconds = us / 1e6;
  const speed = (bytes: number): number => (bytes === 0 ? 0 : Math.floor(bytes / Math.max(seconds, 1e-6)));
  const total = body + uploaded;
  const percent = (n: number): string => (n > 0 ? '100' : '  0');
  const current = total === 0 ? 0 : Math.floor((total * 1000) / Math.max(1, Math.floor(us / 1000)));
  return [
    `${percent(total)} ${short(total)}  ${percent(body)} ${short(body)}  ${percent(uploaded)} ${short(uploaded)}`,
    `${short(speed(body))}  ${short(speed(uploaded))} --:--:-- ${clock(Math.floor(seconds))} --:--:-- ${short(current)}`,
  ].join('  ');
}

/** Five characters: `99999`, `9999k`, `99.9M`. */
function short(bytes: number): string {
  if (bytes < 100_000) return String(bytes).padStart(5);
  if (bytes < 10_000 * 1024) return `${String(Math.floor(bytes / 1024)).padStart(4)}k`;
  const mega = bytes / (1024 * 1024);
  if (mega < 100) return `${mega.toFixed(1).padStart(4)}M`;
  if (mega < 10_000) return `${String(Math.floor(mega)).padStart(4)}M`;
  return `${(mega / 1024).toFixed(1).padStart(4)}G`;
}

function clock(seconds: number): string {
  if (seconds <= 0) return '--:--:--';
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${String(Math.floor(seconds / 3600)).padStart(2)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}
