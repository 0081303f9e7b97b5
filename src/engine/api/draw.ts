/**
 * Names and numbers that a real cluster draws at random are drawn here from the seed and from what they are for,
 * so that a lesson's transcript does not change because something else was created before.
 */
export function draw(seed: number, text: string, round: number): number {
  return mix(digest(seed, text) ^ Math.imul(round, 0x9e3779b1));
}

/** FNV-1a */
function digest(seed: number, text: string): number {
  let h = 0x811c9dc5 ^ seed;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h;
}

/** murmur3's finalizer: FNV alone leaves neighbours alike. */
function mix(value: number): number {
  let h = value ^ (value >>> 16);
  h = Math.imul(h ^ (h >>> 13), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 16), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** apimachinery's util/rand: no vowels, nothing that looks like something else. */
const safeAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

export function drawSuffix(seed: number, text: string, round: number, length = 5): string {
  const base = digest(seed, text);
  let suffix = '';
  for (let i = 0; i < length; i++) {
    suffix += safeAlphabet[mix(base ^ Math.imul(round * 16 + i + 1, 0x9e3779b1)) % safeAlphabet.length];
  }
  return suffix;
}

/** rand.SafeEncodeString */
export function safeEncode(text: string): string {
  let encoded = '';
  for (let i = 0; i < text.length; i++) encoded += safeAlphabet[text.charCodeAt(i) % safeAlphabet.length];
  return encoded;
}

/** A version 4 UUID. */
export function drawUid(seed: number, text: string, round: number): string {
  const base = digest(seed, text);
  let hex = '';
  for (let i = 0; i < 4; i++)
    hex += mix(base ^ Math.imul(round * 4 + i, 0x9e3779b1))
      .toString(16)
      .padStart(8, '0');
  const variant = '89ab'[parseInt(hex[16] ?? '0', 16) % 4] ?? '8';
  const groups = [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    variant + hex.slice(17, 20),
    hex.slice(20),
  ];
  // A flat string: these are kept by the hundred thousand.
  return groups.join('-');
}
