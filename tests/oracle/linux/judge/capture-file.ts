/** A frame as it crossed an interface, from whichever side: the kernel's capture or the engine's record. */
export interface Crossing {
  readonly netns: string;
  readonly dev: string;
  readonly dir: 'in' | 'out';
  /** Nanoseconds or microseconds: only order counts. */
  readonly at: bigint;
  readonly bytes: Uint8Array;
}

/** The frames of a pcapng file (draft-ietf-opsawg-pcapng) whose interfaces are called `NETNS:IF`, in the file's order. */
export function readCapture(file: Uint8Array): Crossing[] {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const interfaces: { readonly netns: string; readonly dev: string }[] = [];
  const crossings: Crossing[] = [];
  for (let at = 0; at + 12 <= file.length;) {
    const kind = view.getUint32(at, true);
    const length = view.getUint32(at + 4, true);
    if (kind === 1) {
      const name = new TextDecoder().decode(optionOf(view, at + 16, at + length - 4, 2));
      const colon = name.indexOf(':');
      interfaces.push({ netns: name.slice(0, colon), dev: name.slice(colon + 1) });
    } else if (kind === 6) {
      const captured = view.getUint32(at + 20, true);
      const data = at + 28;
      const flags = optionOf(view, data + Math.ceil(captured / 4) * 4, at + length - 4, 2);
      const { netns, dev } = interfaces[view.getUint32(at + 8, true)] ?? { netns: '?', dev: '?' };
      crossings.push({
        netns,
        dev,
        dir: flags?.[0] === 1 ? 'in' : 'out',
        at: (BigInt(view.getUint32(at + 12, true)) << 32n) | BigInt(view.getUint32(at + 16, true)),
        bytes: file.subarray(data, data + captured),
      });
    }
    at += length;
  }
  return crossings;
}

function optionOf(view: DataView, from: number, end: number, code: number): Uint8Array | undefined {
  for (let at = from; at + 4 <= end;) {
    const length = view.getUint16(at + 2, true);
    if (view.getUint16(at, true) === code)
      return new Uint8Array(view.buffer, view.byteOffset + at + 4, length);
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return undefined;
}
