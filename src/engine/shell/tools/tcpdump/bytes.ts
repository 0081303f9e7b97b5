import { fromBase64 } from '../../../capture/base64.ts';
import { LayerTable } from '../../../capture/layers.ts';
import { frameBytes } from '../../../capture/wire.ts';
import type { Frame } from '../../../net/packet.ts';

/** A frame as it stood on the wire. */
export function bytesOf(frame: Frame): Uint8Array {
  const table = new LayerTable();
  const layers = table.headers[table.header(frame)] ?? table.headers[0] ?? [];
  return frameBytes(layers, (index) => {
    const text = table.payloads[index];
    return text === undefined ? undefined : fromBase64(text);
  });
}
