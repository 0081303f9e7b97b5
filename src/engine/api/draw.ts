/**
 * Names and numbers that a real cluster draws at random are drawn here from the seed and from what they are for,
 * so that a lesson's transcript does not change because something else was created before.
 */
export function draw(seed: number, text: string, round: number): number {
  let h = 0x811c9dc5 ^ seed;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ round, 0x01000193);
  // murmur3's finalizer: FNV alone leaves neighbours alike.
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** apimachinery's util/rand: no vowels, nothing that looks like something else. */
const safeAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

export function drawSuffix(seed: number, text: string, round: number, length = 5): string {
  let suffix = '';
  for (let i = 0; i < length; i++)
    suffix += safeAlphabet[draw(seed, text, round * 16 + i) % safeAlphabet.length];
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
  let hex = '';
  for (let i = 0; i < 4; i++)
    hex += draw(seed, text, round * 4 + i)
      .toString(16)
      .padStart(8, '0');
  const variant = '89ab'[parseInt(hex[16] ?? '0', 16) % 4] ?? '8';
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20)}`;
}
