const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** `btoa` belongs to browsers and Node, not to the language; the engine uses neither. */
export function toBase64(data: Uint8Array): string {
  let text = '';
  for (let i = 0; i < data.length; i += 3) {
    const [a = 0, b, c] = data.subarray(i, i + 3);
    const bits = (a << 16) | ((b ?? 0) << 8) | (c ?? 0);
    text += `${alphabet[bits >> 18] ?? ''}${alphabet[(bits >> 12) & 63] ?? ''}`;
    text +=
      b === undefined
        ? '=='
        : `${alphabet[(bits >> 6) & 63] ?? ''}${c === undefined ? '=' : (alphabet[bits & 63] ?? '')}`;
  }
  return text;
}

export function fromBase64(text: string): Uint8Array {
  const out: number[] = [];
  let bits = 0;
  let count = 0;
  for (const letter of text) {
    const value = alphabet.indexOf(letter);
    if (value < 0) continue;
    bits = ((bits << 6) | value) & 0xffffff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push((bits >> count) & 255);
    }
  }
  return Uint8Array.from(out);
}
