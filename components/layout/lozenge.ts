import type { PacketLabel } from './packet-label.ts';
import type { Box, Label, Point, StageShape } from './shape.ts';
import { textWidth } from './text.ts';

/** The figure of a packet: the lozenge, and the one around it while it is in a tunnel. */
export interface Lozenge {
  readonly box: Box;
  readonly inner: Box;
  readonly wrap: string;
}

/** A packet is drawn to the left of the point on the line where it is, `lift` above or below, and inside of the stage. */
export function lozenge(label: PacketLabel, at: Point, lift: number, stage: StageShape): Lozenge {
  const innerWidth = Math.max(54, textWidth(label.title, 10.5) + 22, textWidth(label.detail, 9.5) + 22);
  const innerHeight = label.detail === '' ? 20 : 30;
  const wrap =
    label.outer === undefined ? '' : [label.outer.title, label.outer.detail].filter(Boolean).join(' · ');
  const width = wrap === '' ? innerWidth : Math.max(innerWidth, textWidth(wrap, 9)) + 14;
  const height = wrap === '' ? innerHeight : innerHeight + 24;
  const x = Math.min(Math.max(at.x - 12 - width, 1), stage.width - width - 1);
  const y = Math.min(Math.max(at.y + lift - height / 2, 1), stage.height - height - 1);
  const inner = {
    x: x + (width - innerWidth) / 2,
    y: wrap === '' ? y : y + 19,
    width: innerWidth,
    height: innerHeight,
  };
  return { box: { x, y, width, height }, inner, wrap };
}

/** Whether a label would be covered by a box: then it is left out while the box is there. */
export function covers(box: Box, label: Label, size: number): boolean {
  const width = textWidth(label.text, size);
  const left =
    label.anchor === 'end' ? label.x - width : label.anchor === 'middle' ? label.x - width / 2 : label.x;
  return (
    left < box.x + box.width &&
    box.x < left + width &&
    label.y - size < box.y + box.height &&
    box.y < label.y + 2
  );
}
