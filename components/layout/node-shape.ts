import type { InterfaceView, MachineView, PodView } from '../../src/engine/view.ts';
import type { Placement } from './placement.ts';
import { type Box, type NodeShape, type PodShape, type Point, type PortShape, type Wire } from './shape.ts';
import { fit, textWidth } from './text.ts';

/** How much of a pod there is room for, the same on all nodes of a stage. */
export interface Density {
  readonly compact: boolean;
  readonly columns: number;
  readonly rows: number;
  readonly gutter: number;
}

export interface NodeMeasure {
  readonly density: Density;
  readonly height: number;
}

const padding = 12;
const titleHeight = 32;
const podHeight = { full: 64, compact: 36 } as const;
const rowGap = 8;
const vethHeight = 46;
const bridgeHeight = 22;
const railHeight = 24;

export const railText = 10.5;

/** The density that fits the fullest node. */
export function chooseDensity(width: number, mostPods: number, form: 'wide' | 'narrow'): Density {
  const inner = width - 2 * padding;
  const fullColumns = Math.max(1, Math.floor((inner + 12) / (form === 'wide' ? 148 : 132)));
  const fullRows = Math.ceil(mostPods / fullColumns);
  if (fullRows <= 2)
    return {
      compact: false,
      columns: fullColumns,
      rows: Math.max(1, fullRows),
      gutter: 14,
    };
  const gutterFor = (rows: number) => 6 + 5 * (rows - 1);
  const maxRows = form === 'wide' ? 5 : 6;
  for (let rows = 2; rows <= maxRows; rows += 1) {
    const columns = Math.max(1, Math.floor(inner / (84 + gutterFor(rows))));
    if (columns * rows >= mostPods || rows === maxRows)
      return { compact: true, columns, rows, gutter: gutterFor(rows) };
  }
  return { compact: true, columns: 1, rows: maxRows, gutter: gutterFor(maxRows) };
}

export function measureNode(density: Density, hasBridge: boolean): NodeMeasure {
  const pod = density.compact ? podHeight.compact : podHeight.full;
  const pods = density.rows * pod + (density.rows - 1) * rowGap;
  const height = titleHeight + pods + vethHeight + (hasBridge ? bridgeHeight + 14 : 12) + railHeight + 62;
  return { density, height };
}

export interface NodeInput {
  readonly machine: MachineView;
  readonly pods: readonly PodView[];
  readonly ghosts: ReadonlySet<string>;
  readonly placement: Placement;
  readonly box: Box;
  readonly flipped: boolean;
  readonly density: Density;
  /** Namespaces that the experiment walked through: never folded away. */
  readonly part: ReadonlySet<string>;
  /** Pods whose loopback carried something. */
  readonly loopback: ReadonlySet<string>;
}

export interface DrawnNode {
  readonly shape: NodeShape;
  readonly ports: readonly PortShape[];
  readonly wires: readonly Wire[];
  readonly uplink?: PortShape;
  readonly tunnelPort?: PortShape;
}

export function drawNode(input: NodeInput): DrawnNode {
  const { machine, box, flipped, density } = input;
  // Everything is computed from the LAN side inwards and turned over for nodes below the LAN.
  const y = (fromPods: number) => (flipped ? box.y + box.height - fromPods : box.y + fromPods);
  const turn = (left: number, fromPods: number, width: number, height: number): Box => ({
    x: left,
    y: flipped ? box.y + box.height - fromPods - height : box.y + fromPods,
    width,
    height,
  });
  const down = flipped ? -1 : 1;
  const bridge = machine.interfaces.find((itf) => itf.kind === 'bridge');
  const tunnel = machine.interfaces.find((itf) => itf.kind === 'vxlan' || itf.kind === 'ipip');
  const uplink = machine.interfaces.find((itf) => itf.kind === 'physical');
  const inner = box.width - 2 * padding;
  const pod = density.compact ? podHeight.compact : podHeight.full;
  const podsHeight = density.rows * pod + (density.rows - 1) * rowGap;
  const vethTop = titleHeight + podsHeight;
  const bridgeTop = vethTop + vethHeight;
  const railTop = bridgeTop + (bridge ? bridgeHeight + 14 : 12);
  const columnWidth = (inner - density.columns * density.gutter) / density.columns;
  const shift = density.rows > 1 ? 0 : density.gutter / 2;

  const usualWidth = Math.min(columnWidth, 176);

  const { shown, folded } = chooseShown(input);
  const ports: PortShape[] = [];
  const wires: Wire[] = [];
  const pods: PodShape[] = [];
  const taken = new Set(shown.map(({ slot }) => slot));
  for (const { pod: view, slot } of shown) {
    const row = Math.floor(slot / density.columns);
    const column = slot % density.columns;
    // What goes around inside of a pod wants room beside its name: the place of a neighbour that is not there.
    const roomy = input.loopback.has(view.netns) && column + 1 < density.columns && !taken.has(slot + 1);
    const podWidth = roomy ? Math.min(2 * columnWidth + density.gutter, 196) : usualWidth;
    const left =
      box.x +
      padding +
      column * (columnWidth + density.gutter) +
      shift +
      Math.max(0, columnWidth - podWidth) / 2;
    const top = titleHeight + (density.rows - 1 - row) * (pod + rowGap);
    const podBox = turn(left, top, podWidth, pod);
    const ghost = input.ghosts.has(view.uid);
    pods.push(drawPod(view, podBox, density.compact, ghost));
    const itf =
      view.interfaces.find((one) => one.name === 'eth0') ??
      view.interfaces.find((one) => one.kind === 'veth');
    const host = itf?.peer?.dev;
    if (itf === undefined) continue;
    const hostItf = machine.interfaces.find((one) => one.name === host);
    const sideways = row > 0;
    const podPort: Point = sideways
      ? { x: podBox.x + podBox.width, y: podBox.y + podBox.height / 2 }
      : { x: podBox.x + podBox.width / 2, y: y(vethTop) };
    const lane = sideways ? left + (podWidth + columnWidth) / 2 + 4 + (row - 1) * 5 : podPort.x;
    const hostPort: Point = { x: lane, y: y(bridgeTop) };
    const quiet = density.compact || sideways;
    ports.push(
      port(
        view.netns,
        itf,
        podPort,
        'veth',
        'socket',
        { x: podPort.x + 8, y: podPort.y + (flipped ? -8 : 15), anchor: 'start' },
        quiet,
      ),
    );
    if (host === undefined) continue;
    const room = podWidth / 2 - 8 + (density.rows > 1 ? 0 : density.gutter);
    ports.push({
      ...port(
        machine.netns,
        hostItf ?? { ...itf, name: host },
        hostPort,
        'veth',
        bridge ? 'bridge' : 'routing',
        { x: lane + 8, y: hostPort.y + (flipped ? 15 : -8), anchor: 'start' },
        quiet,
      ),
      ...(quiet
        ? {}
        : {
            label: {
              x: lane + 8,
              y: hostPort.y + (flipped ? 15 : -8),
              anchor: 'start' as const,
              text: fit(host, room, 9.5, 4),
            },
          }),
    });
    wires.push({
      from: { netns: view.netns, dev: itf.name },
      to: { netns: machine.netns, dev: host },
      kind: 'veth',
      points: sideways ? [podPort, { x: lane, y: podPort.y }, hostPort] : [podPort, hostPort],
    });
    if (input.loopback.has(view.netns)) {
      const lo = view.interfaces.find((one) => one.kind === 'lo');
      const at = { x: podBox.x + podBox.width, y: podBox.y + (density.compact ? podBox.height / 2 : 32) };
      if (lo !== undefined)
        ports.push(
          port(view.netns, lo, at, 'lo', 'socket', { x: at.x + 8, y: at.y + 4, anchor: 'start' }, true),
        );
    }
  }

  const center = box.x + box.width / 2;
  if (bridge !== undefined)
    ports.push(
      port(
        machine.netns,
        bridge,
        { x: center, y: y(bridgeTop + bridgeHeight) },
        'bridge',
        'both',
        { x: center + 9, y: y(bridgeTop + bridgeHeight) + (flipped ? -3 : 10), anchor: 'start' },
        true,
      ),
    );
  const drawnUplink =
    uplink === undefined
      ? undefined
      : port(
          machine.netns,
          uplink,
          { x: center, y: y(box.height) },
          'physical',
          'routing',
          { x: center + 10, y: y(box.height) + (flipped ? 15 : -8), anchor: 'start' },
          false,
        );
  if (drawnUplink !== undefined) ports.push(drawnUplink);
  let tunnelPort: PortShape | undefined;
  if (tunnel !== undefined && drawnUplink !== undefined) {
    const offset = Math.min(70, inner / 2 - 8);
    const at = { x: center - offset, y: y(railTop + railHeight + 20) };
    const leftRoom = at.x - box.x - padding;
    const outside = leftRoom > textWidth(tunnel.name, 9.5) + 4;
    tunnelPort = port(
      machine.netns,
      tunnel,
      at,
      'tunnel',
      'routing',
      outside
        ? { x: at.x - 9, y: at.y + 3.5, anchor: 'end' }
        : { x: at.x + 9, y: at.y + 3.5, anchor: 'start' },
      false,
    );
    ports.push(tunnelPort);
    wires.push({
      from: { netns: machine.netns, dev: tunnel.name },
      to: { netns: machine.netns, dev: drawnUplink.dev },
      kind: 'tunnel',
      points: [
        at,
        { x: at.x, y: at.y + 12 * down },
        { x: center, y: y(box.height - 12) },
        { x: center, y: drawnUplink.y },
      ],
    });
  }

  const titleY = flipped ? box.y + box.height - 11 : box.y + 20;
  const subtitle = [machine.address, machine.podCIDR].filter((text) => text !== undefined);
  const titleWidth = textWidth(machine.netns, 13);
  const subtitleRoom = inner - titleWidth - 14;
  const subtitleText =
    [subtitle.join(' · '), subtitle[0] ?? ''].find((text) => textWidth(text, 10.5) <= subtitleRoom) ?? '';
  const bridgeBox = bridge === undefined ? undefined : turn(box.x + padding, bridgeTop, inner, bridgeHeight);
  const shape: NodeShape = {
    machine,
    box,
    flipped,
    title: { text: fit(machine.netns, inner, 13), x: box.x + padding + 2, y: titleY, anchor: 'start' },
    subtitle: { text: subtitleText, x: box.x + box.width - padding - 2, y: titleY, anchor: 'end' },
    pods,
    ...(folded > 0
      ? { folded: { count: folded, box: foldBox(input, turn, columnWidth, usualWidth, pod) } }
      : {}),
    ...(bridge !== undefined && bridgeBox !== undefined
      ? {
          bridge: {
            dev: bridge.name,
            box: bridgeBox,
            label: { text: bridge.name, x: bridgeBox.x + 9, y: bridgeBox.y + 15, anchor: 'start' },
          },
        }
      : {}),
    rail: turn(box.x + padding, railTop, inner, railHeight),
    ...(tunnel === undefined ? {} : { tunnel: tunnel.name }),
  };
  return {
    shape,
    ports,
    wires,
    ...(drawnUplink ? { uplink: drawnUplink } : {}),
    ...(tunnelPort ? { tunnelPort } : {}),
  };
}

function port(
  netns: string,
  itf: InterfaceView,
  at: Point,
  kind: PortShape['kind'],
  zone: PortShape['zone'],
  label: { x: number; y: number; anchor: 'start' | 'middle' | 'end' },
  quiet: boolean,
): PortShape {
  return { netns, dev: itf.name, ...at, kind, up: itf.up, label: { ...label, text: itf.name }, quiet, zone };
}

/** Pods in their slots; when there are more than slots, those that take part are kept and the rest become a count. */
function chooseShown({ pods, placement, density, part }: NodeInput): {
  shown: { pod: PodView; slot: number }[];
  folded: number;
} {
  const capacity = density.columns * density.rows;
  const slotted = pods
    .map((pod) => ({ pod, slot: placement.get(pod.uid)?.slot ?? 0 }))
    .sort((a, b) => a.slot - b.slot);
  if (slotted.every(({ slot }) => slot < capacity)) return { shown: slotted, folded: 0 };
  // The last slot is for the count.
  const kept = slotted.filter(({ slot }) => slot < capacity - 1);
  const late = slotted.filter(({ pod, slot }) => slot >= capacity - 1 && part.has(pod.netns));
  for (const { pod } of late) {
    const victim = kept.findLast((one) => !part.has(one.pod.netns));
    if (victim === undefined) break;
    kept[kept.indexOf(victim)] = { pod, slot: victim.slot };
  }
  return { shown: kept, folded: slotted.length - kept.length };
}

function foldBox(
  { box, density }: NodeInput,
  turn: (left: number, fromPods: number, width: number, height: number) => Box,
  columnWidth: number,
  usualWidth: number,
  height: number,
): Box {
  const column = density.columns - 1;
  const left =
    box.x +
    padding +
    column * (columnWidth + density.gutter) +
    (density.rows > 1 ? 0 : density.gutter / 2) +
    (columnWidth - usualWidth) / 2;
  return turn(left, titleHeight, usualWidth, height);
}

function drawPod(pod: PodView, box: Box, compact: boolean, ghost: boolean): PodShape {
  const left = box.x + (compact ? 7 : 10);
  const room = box.width - (compact ? 14 : 20);
  const nameSize = compact ? 10.5 : 12;
  const name = pod.namespace === 'default' ? pod.name : `${pod.name}`;
  const chips: { box: Box; text: string; ready: boolean }[] = [];
  if (!compact) {
    let x = left;
    for (const container of pod.containers) {
      const rest = left + room - x;
      const listens = container.listens[0]?.split('/')[0]?.replace(/^.*:/, '');
      const full = listens === undefined ? container.name : `${container.name} :${listens}`;
      const text = fit(full, rest - 10, 9.5, 5);
      const width = textWidth(text, 9.5) + 10;
      if (rest < 24) break;
      chips.push({
        box: { x, y: box.y + 42, width, height: 15 },
        text,
        ready: container.state === 'Running',
      });
      x += width + 5;
    }
  }
  return {
    pod,
    ghost,
    box,
    compact,
    name: { text: fit(name, room, nameSize, 5), x: left, y: box.y + (compact ? 15 : 18), anchor: 'start' },
    address: {
      text: fit(pod.ips[0] ?? '', room, compact ? 9.5 : 11, 6),
      x: left,
      y: box.y + (compact ? 28 : 34),
      anchor: 'start',
    },
    chips,
  };
}

/** Where in a pod a packet that a socket took has arrived. */
export function socketIn(pod: PodShape): Point {
  const chip = pod.chips[0]?.box;
  return chip === undefined
    ? { x: pod.box.x + pod.box.width / 2, y: pod.box.y + pod.box.height / 2 }
    : { x: chip.x + chip.width / 2, y: chip.y + chip.height / 2 };
}
