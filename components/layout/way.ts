import { socketIn } from './node-shape.ts';
import { portKey, type Point, type StageShape } from './shape.ts';
import type { Step } from './steps.ts';

/** Where a packet is drawn at a step: on the port that it crosses, or in the pod whose socket took it. */
export function anchor(stage: StageShape, step: Step): Point {
  const port = step.dev === undefined ? undefined : stage.ports.get(portKey(step.netns, step.dev));
  if (port === undefined) return inside(stage, step.netns);
  const node = step.kind === 'end' ? stage.nodes.find((one) => one.machine.netns === step.netns) : undefined;
  // What a node does not let through stops at its routing strip, on the side it came from.
  return node === undefined
    ? port
    : { x: port.x, y: port.y < node.rail.y ? node.rail.y : node.rail.y + node.rail.height };
}

function inside(stage: StageShape, netns: string): Point {
  for (const node of stage.nodes) {
    if (node.machine.netns === netns)
      return { x: node.rail.x + node.rail.width / 2, y: node.rail.y + node.rail.height / 2 };
    const pod = node.pods.find((one) => one.pod.netns === netns);
    if (pod !== undefined) return socketIn(pod);
    if (node.folded !== undefined && node.pods.length > 0) continue;
  }
  const machine = stage.machines.find((one) => one.machine.netns === netns);
  if (machine !== undefined)
    return { x: machine.box.x + machine.box.width / 2, y: machine.box.y + machine.box.height / 2 };
  return {
    x: stage.width / 2,
    y: stage.lan === undefined ? stage.height - 12 : stage.lan.box.y + stage.lan.box.height / 2,
  };
}

/** The line that a packet follows from one step of its walk to the next. */
export function wayBetween(stage: StageShape, from: Step, to: Step): Point[] {
  const start = anchor(stage, from);
  const end = anchor(stage, to);
  if (from.dev === undefined || to.dev === undefined) return [start, end];
  const a = stage.ports.get(portKey(from.netns, from.dev));
  const b = stage.ports.get(portKey(to.netns, to.dev));
  if (a === undefined || b === undefined) return [start, end];
  if (a === b && a.kind === 'lo') return loop(a);
  if (a === b) return tidy([start, end]);
  for (const wire of stage.wires) {
    const is = (end: { netns: string; dev: string }, step: Step) =>
      end.netns === step.netns && end.dev === step.dev;
    if (is(wire.from, from) && is(wire.to, to)) return [...wire.points];
    if (is(wire.from, to) && is(wire.to, from)) return [...wire.points].reverse();
  }
  if (from.netns !== to.netns) return [start, end];
  const node = stage.nodes.find((one) => one.machine.netns === from.netns);
  if (node === undefined) {
    const lan = stage.lan?.netns === from.netns ? stage.lan.box : undefined;
    if (lan === undefined) return [start, end];
    const middle = lan.y + lan.height / 2;
    return tidy([start, { x: start.x, y: middle }, { x: end.x, y: middle }, end]);
  }
  const rail = node.rail.y + node.rail.height / 2;
  const bar = node.bridge === undefined ? rail : node.bridge.box.y + node.bridge.box.height / 2;
  const inBridge = (zone: string) => zone === 'bridge' || zone === 'both';
  if (inBridge(a.zone) && inBridge(b.zone))
    return tidy([start, { x: start.x, y: bar }, { x: end.x, y: bar }, end]);
  return tidy([start, { x: start.x, y: rail }, { x: end.x, y: rail }, end]);
}

/** Out of a loopback and back into it, never out of the pod. */
function loop({ x, y }: Point): Point[] {
  return [
    { x, y },
    { x: x - 10, y: y - 9 },
    { x: x - 10, y: y + 9 },
    { x, y },
  ];
}

function tidy(points: Point[]): Point[] {
  return points.filter((point, i) => i === 0 || point.x !== points[i - 1]?.x || point.y !== points[i - 1]?.y);
}

/** The point at a fraction of a line's length. */
export function along(points: readonly Point[], fraction: number): Point {
  const first = points[0] ?? { x: 0, y: 0 };
  const lengths = points.slice(1).map((point, i) => distance(points[i] ?? point, point));
  let left = lengths.reduce((sum, length) => sum + length, 0) * Math.min(1, Math.max(0, fraction));
  for (const [i, length] of lengths.entries()) {
    const a = points[i] ?? first;
    const b = points[i + 1] ?? a;
    if (left <= length) {
      const t = length === 0 ? 0 : left / length;
      return { x: a.x + (b.x - a.x) * t, y: a.y + (b.y - a.y) * t };
    }
    left -= length;
  }
  return points.at(-1) ?? first;
}

function distance(a: Point, b: Point): number {
  return Math.hypot(b.x - a.x, b.y - a.y);
}

/** An SVG path through the points, its corners rounded. */
export function roundedPath(points: readonly Point[], radius = 6): string {
  const first = points[0];
  if (first === undefined) return '';
  let path = `M${round(first.x)} ${round(first.y)}`;
  for (let i = 1; i < points.length; i += 1) {
    const a = points[i - 1];
    const b = points[i];
    const c = points[i + 1];
    if (a === undefined || b === undefined) continue;
    if (c === undefined) {
      path += `L${round(b.x)} ${round(b.y)}`;
      continue;
    }
    const r = Math.min(radius, distance(a, b) / 2, distance(b, c) / 2);
    const before = toward(b, a, r);
    const after = toward(b, c, r);
    path += `L${round(before.x)} ${round(before.y)}Q${round(b.x)} ${round(b.y)} ${round(after.x)} ${round(after.y)}`;
  }
  return path;
}

function toward(from: Point, to: Point, length: number): Point {
  const all = distance(from, to);
  const t = all === 0 ? 0 : length / all;
  return { x: from.x + (to.x - from.x) * t, y: from.y + (to.y - from.y) * t };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
