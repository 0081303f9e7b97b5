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

/** A version 4 UUID: a flat string, as these are kept by the hundred thousand. */
export function drawUid(seed: number, text: string, round: number): string {
  const base = digest(seed, text);
  let at = 0;
  for (let i = 0; i < 4; i++) {
    const word = mix(base ^ Math.imul(round * 4 + i, 0x9e3779b1));
    for (let shift = 28; shift >= 0; shift -= 4) {
      const digit = (word >>> shift) & 15;
      // The version is 4, the variant one of 8, 9, a and b.
      const drawn = at === 14 ? 4 : at === 19 ? 8 + (digit % 4) : digit;
      uidCodes[at++] = drawn < 10 ? 0x30 + drawn : 0x57 + drawn;
      if (at === 8 || at === 13 || at === 18 || at === 23) uidCodes[at++] = 0x2d;
    }
  }
  return String.fromCharCode(...uidCodes);
}

const uidCodes = new Array<number>(36).fill(0);
