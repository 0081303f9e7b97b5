const K = roundConstants();

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
function roundConstants(): readonly number[] {
  const constants: number[] = [];
  for (let n = 2; constants.length < 64; n++) {
    let prime = true;
    for (let d = 2; d * d <= n; d++) if (n % d === 0) prime = false;
    if (prime) constants.push(((Math.cbrt(n) % 1) * 0x1_0000_0000) | 0);
  }
  return constants;
}

const START_256: readonly number[] = [
  0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
];
const START_224: readonly number[] = [
  0xc1059ed8, 0x367cd507, 0x3070dd17, 0xf70e5939, 0xffc00b31, 0x68581511, 0x64f98fa7, 0xbefa4fa4,
];

/** SHA-256 of a text's UTF-8 bytes (FIPS 180-4): the names of kube-proxy's and Calico's chains are made of it. */
export function sha256(text: string): Uint8Array {
  return digest(new TextEncoder().encode(text), START_256);
}

/** SHA-224, the shorter one: Felix marks its rules with it. */
export function sha224(bytes: Uint8Array): Uint8Array {
  return digest(bytes, START_224).slice(0, 28);
}

function digest(bytes: Uint8Array, start: readonly number[]): Uint8Array {
  const length = bytes.length;
  const blocks = ((length + 8) >> 6) + 1;
  const words = new Int32Array(blocks * 16);
  for (let i = 0; i < length; i++)
    words[i >> 2] = (words[i >> 2] ?? 0) | ((bytes[i] ?? 0) << (24 - (i & 3) * 8));
  words[length >> 2] = (words[length >> 2] ?? 0) | (0x80 << (24 - (length & 3) * 8));
  words[words.length - 1] = length * 8;
  const hash = Int32Array.from(start);
  const w = new Int32Array(64);
  for (let block = 0; block < blocks; block++) {
    for (let i = 0; i < 64; i++) {
      if (i < 16) w[i] = words[block * 16 + i] ?? 0;
      else {
        const a = w[i - 15] ?? 0;
        const b = w[i - 2] ?? 0;
        const s0 = rotate(a, 7) ^ rotate(a, 18) ^ (a >>> 3);
        const s1 = rotate(b, 17) ^ rotate(b, 19) ^ (b >>> 10);
        w[i] = ((w[i - 16] ?? 0) + s0 + (w[i - 7] ?? 0) + s1) | 0;
      }
    }
    compress(hash, w);
  }
  const result = new Uint8Array(32);
  for (let i = 0; i < 32; i++) result[i] = (hash[i >> 2] ?? 0) >>> (24 - (i & 3) * 8);
  return result;
}

function compress(hash: Int32Array, w: Int32Array): void {
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = hash;
  for (let i = 0; i < 64; i++) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const choice = (e & f) ^ (~e & g);
    const t1 = (h + s1 + choice + (K[i] ?? 0) + (w[i] ?? 0)) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + s0 + majority) | 0;
  }
  for (const [i, value] of [a, b, c, d, e, f, g, h].entries()) hash[i] = ((hash[i] ?? 0) + value) | 0;
}

function rotate(x: number, n: number): number {
  return (x >>> n) | (x << (32 - n));
}

const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** The first characters of the bytes in base32 (RFC 4648). */
export function base32(bytes: Uint8Array, characters: number): string {
  return encode(bytes, characters, 5, BASE32);
}

/** The first characters of the bytes in URL-safe base64, without padding. */
export function base64url(bytes: Uint8Array, characters: number): string {
  return encode(bytes, characters, 6, BASE64URL);
}

function encode(bytes: Uint8Array, characters: number, bits: number, alphabet: string): string {
  let text = '';
  for (let i = 0; i < characters; i++) {
    let value = 0;
    for (let bit = i * bits; bit < (i + 1) * bits; bit++) {
      value = (value << 1) | (((bytes[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1);
    }
    text += alphabet[value] ?? '';
  }
  return text;
}
