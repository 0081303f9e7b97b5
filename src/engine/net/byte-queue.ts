/** Bytes in pieces, taken from the front in any amount; pieces are not copied until they must be joined. */
export class ByteQueue {
  #pieces: Uint8Array[] = [];
  length = 0;

  push(data: Uint8Array): void {
    this.#pieces.push(data);
    this.length += data.length;
  }

  take(size = this.length): Uint8Array {
    const parts: Uint8Array[] = [];
    let left = Math.min(size, this.length);
    this.length -= left;
    while (left > 0) {
      const first = this.#pieces[0];
      if (first === undefined) break;
      if (first.length <= left) {
        parts.push(first);
        left -= first.length;
        this.#pieces.shift();
      } else {
        parts.push(first.subarray(0, left));
        this.#pieces[0] = first.subarray(left);
        left = 0;
      }
    }
    return join(parts);
  }

  clear(): void {
    this.#pieces = [];
    this.length = 0;
  }
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts;
  if (parts.length === 1 && only !== undefined) return only;
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
