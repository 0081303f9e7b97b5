import type { ClusterView, MachineView, PodView } from '../../src/engine/view.ts';
import { chooseDensity, drawNode, measureNode, type DrawnNode } from './node-shape.ts';
import { drawnPods, type Placement } from './placement.ts';
import {
  portKey,
  type Box,
  type MachineShape,
  type Point,
  type PortShape,
  type StageShape,
  type Wire,
} from './shape.ts';
import { fit, textWidth } from './text.ts';

export interface StageInput {
  readonly view: ClusterView;
  readonly ghosts: readonly PodView[];
  readonly placement: Placement;
  /** Namespaces that the experiment on the stage walked through, beyond neighbour discovery's broadcasts. */
  readonly part: ReadonlySet<string>;
  /** Pods whose loopback carried something. */
  readonly loopback: ReadonlySet<string>;
  readonly form: 'wide' | 'narrow';
}

const widths = { wide: 640, narrow: 340 } as const;
const margin = 4;
const gap = 16;
const cable = 44;
const lanHeight = 26;
const gatewayWidth = { wide: 150, narrow: 116 } as const;
const boxHeight = 44;

/**
 * Where everything stands. Workers above the LAN, three at most; further ones, the control plane and the way out below
 * it. What takes no part and has no room is counted, not squeezed.
 */
export function layoutStage(input: StageInput): StageShape {
  const { view, form } = input;
  const width = widths[form];
  const byKind = (kind: MachineView['kind']) => view.machines.filter((machine) => machine.kind === kind);
  const lan = byKind('switch')[0];
  const gateways = [...byKind('router'), ...byKind('external')].filter((machine) =>
    input.part.has(machine.netns),
  );
  const { top, bottom, folded } = arrange(input, gateways.length > 0);
  const pods = [...drawnPods(view), ...input.ghosts];
  const on = (machine: MachineView) => pods.filter((pod) => pod.node === machine.netns);
  const hasBridge = [...top, ...bottom].some((machine) =>
    machine.interfaces.some((itf) => itf.kind === 'bridge'),
  );
  const gatewayColumn = gateways.length > 0 ? gatewayWidth[form] + gap : 0;
  const columnsOf = (count: number, room: number) =>
    (room - gap * (Math.max(1, count) - 1)) / Math.max(1, count);
  const topWidth = Math.min(columnsOf(top.length, width - 2 * margin), form === 'wide' ? 420 : Infinity);
  const bottomWidth = Math.min(
    columnsOf(bottom.length, width - 2 * margin - gatewayColumn),
    form === 'wide' ? 308 : Infinity,
  );
  const most = (machines: readonly MachineView[]) =>
    Math.max(1, ...machines.map((machine) => occupied(input.placement, machine.netns, on(machine).length)));
  const topMeasure = measureNode(chooseDensity(topWidth, most(top), form), hasBridge);
  const bottomMeasure = measureNode(chooseDensity(bottomWidth, most(bottom), form), hasBridge);

  const ghosts = new Set(input.ghosts.map((pod) => pod.uid));
  const drawn: DrawnNode[] = [];
  const draw = (machines: readonly MachineView[], y: number, flipped: boolean) => {
    const measure = flipped ? bottomMeasure : topMeasure;
    const each = flipped ? bottomWidth : topWidth;
    const total = machines.length * each + (machines.length - 1) * gap;
    let x = flipped ? margin : Math.max(margin, (width - total) / 2);
    for (const machine of machines) {
      const box: Box = { x, y, width: each, height: measure.height };
      drawn.push(
        drawNode({
          machine,
          pods: on(machine),
          ghosts,
          placement: input.placement,
          box,
          flipped,
          density: measure.density,
          part: input.part,
          loopback: input.loopback,
        }),
      );
      x += each + gap;
    }
  };
  draw(top, margin, false);
  const lanTop = margin + topMeasure.height + cable;
  const belowTop = lanTop + lanHeight + cable;
  draw(bottom, belowTop, true);

  const ports = new Map<string, PortShape>();
  const wires: Wire[] = [];
  for (const node of drawn) {
    for (const port of node.ports) ports.set(portKey(port.netns, port.dev), port);
    wires.push(...node.wires);
  }
  const machines: MachineShape[] = [];
  const gatewayBottom = drawGateways(
    gateways,
    { x: width - margin - gatewayWidth[form], y: belowTop, width: gatewayWidth[form] },
    machines,
    ports,
    wires,
  );
  const needsLan = drawn.length > 1 || gateways.length > 0;
  // Below the way out there is room for the reason why a packet ended there.
  const out = gateways.length > 0 ? gatewayBottom - belowTop + 32 : 0;
  const bottomHeight = Math.max(bottom.length > 0 ? bottomMeasure.height : 0, out);
  const height = needsLan
    ? lanTop + lanHeight + (bottomHeight > 0 ? cable + bottomHeight : 0) + margin
    : margin + topMeasure.height + 14;
  const shape: StageShape = {
    form,
    width,
    height,
    nodes: drawn.map((node) => node.shape),
    machines,
    ports,
    wires,
    pipes: [],
    ...(folded > 0
      ? {
          foldedNodes: {
            count: folded,
            label: { text: '', x: width - margin - 8, y: lanTop - 8, anchor: 'end' },
          },
        }
      : {}),
  };
  return lan === undefined || !needsLan ? shape : withLan(shape, lan, view, lanTop, drawn);
}

/** Slots of a node that are in use, gaps included: the height must not change when a pod goes. */
function occupied(placement: Placement, node: string, atLeast: number): number {
  let slots = atLeast;
  for (const { node: where, slot } of placement.values())
    if (where === node) slots = Math.max(slots, slot + 1);
  return slots;
}

function arrange(
  { view, part, form }: StageInput,
  gateway: boolean,
): { top: MachineView[]; bottom: MachineView[]; folded: number } {
  const nodes = view.machines.filter((machine) => machine.kind === 'node');
  const workers = nodes.filter((machine) => !machine.controlPlane);
  const controlPlane = nodes.filter(
    (machine) => machine.controlPlane && (part.has(machine.netns) || workers.length === 0),
  );
  const capacity =
    form === 'wide' ? { top: 3, bottom: gateway ? 2 : 3 } : { top: 1, bottom: gateway ? 1 : 2 };
  const room = capacity.top + Math.max(1, capacity.bottom - controlPlane.length);
  let shown = workers;
  if (workers.length > room) {
    const taking = workers.filter((machine) => part.has(machine.netns));
    const others = workers
      .filter((machine) => !part.has(machine.netns))
      .slice(0, Math.max(0, room - taking.length));
    shown = workers
      .filter((machine) => taking.includes(machine) || others.includes(machine))
      .slice(0, room + 1);
  }
  // Two rows of two read better than three and one.
  const topCount = form === 'wide' && shown.length === 4 ? 2 : capacity.top;
  return {
    top: shown.slice(0, topCount),
    bottom: [...shown.slice(topCount), ...controlPlane],
    folded: workers.length - shown.length,
  };
}

function drawGateways(
  gateways: readonly MachineView[],
  at: { x: number; y: number; width: number },
  machines: MachineShape[],
  ports: Map<string, PortShape>,
  wires: Wire[],
): number {
  let { y } = at;
  let below: PortShape | undefined;
  for (const machine of gateways) {
    const box: Box = { x: at.x, y, width: at.width, height: boxHeight };
    const center = box.x + box.width / 2;
    machines.push({
      machine,
      box,
      title: { text: machine.netns, x: box.x + 10, y: box.y + 18, anchor: 'start' },
      subtitle: {
        text: fit(machine.address ?? '', box.width - 20, 10.5),
        x: box.x + 10,
        y: box.y + 34,
        anchor: 'start',
      },
    });
    const physical = machine.interfaces.filter((itf) => itf.kind === 'physical');
    const first = physical[0];
    const second = physical[1];
    if (first !== undefined) {
      const port: PortShape = {
        netns: machine.netns,
        dev: first.name,
        x: center,
        y: box.y,
        kind: 'physical',
        up: first.up,
        zone: 'routing',
        quiet: false,
        label: { text: first.name, x: center + 10, y: box.y - 6, anchor: 'start' },
      };
      ports.set(portKey(port.netns, port.dev), port);
      if (below !== undefined) wires.push({ from: below, to: port, kind: 'cable', points: [below, port] });
    }
    if (second !== undefined) {
      below = {
        netns: machine.netns,
        dev: second.name,
        x: center,
        y: box.y + box.height,
        kind: 'physical',
        up: second.up,
        zone: 'routing',
        quiet: false,
        label: { text: second.name, x: center + 10, y: box.y + box.height + 14, anchor: 'start' },
      };
      ports.set(portKey(below.netns, below.dev), below);
    }
    y += boxHeight + 48;
  }
  return gateways.length > 0 ? y - 48 : at.y;
}

function withLan(
  shape: StageShape,
  lan: MachineView,
  view: ClusterView,
  lanTop: number,
  drawn: readonly DrawnNode[],
): StageShape {
  const box: Box = { x: margin, y: lanTop, width: shape.width - 2 * margin, height: lanHeight };
  const middle = lanTop + lanHeight / 2;
  const ports = new Map(shape.ports);
  const wires = [...shape.wires];
  const plug = (netns: string, dev: string, from: Point, above: boolean) => {
    const switchPort =
      lan.interfaces.find((itf) => itf.name === `p-${netns}`) ??
      lan.interfaces.find((itf) => itf.peer?.netns === netns);
    const name = switchPort?.name ?? `p-${netns}`;
    const at: Point = { x: from.x, y: above ? box.y : box.y + box.height };
    const port: PortShape = {
      netns: lan.netns,
      dev: name,
      ...at,
      kind: 'switch',
      up: switchPort?.up ?? true,
      zone: 'bridge',
      quiet: true,
      label: { text: name, x: at.x + 10, y: above ? at.y - 6 : at.y + 14, anchor: 'start' },
    };
    ports.set(portKey(lan.netns, name), port);
    wires.push({
      from: { netns, dev },
      to: { netns: lan.netns, dev: name },
      kind: 'cable',
      points: [from, at],
    });
  };
  for (const { shape: node, uplink } of drawn)
    if (uplink !== undefined) plug(node.machine.netns, uplink.dev, uplink, !node.flipped);
  for (const { machine } of shape.machines) {
    const first = machine.interfaces.find((itf) => itf.kind === 'physical');
    const from = first === undefined ? undefined : ports.get(portKey(machine.netns, first.name));
    if (machine.kind === 'router' && first !== undefined && from !== undefined)
      plug(machine.netns, first.name, from, false);
  }
  const shownNames = new Set([
    ...shape.nodes.map((node) => node.machine.netns),
    ...shape.machines.map((one) => one.machine.netns),
  ]);
  const hidden = view.machines
    .filter(
      (machine) => (machine.kind === 'node' || machine.kind === 'router') && !shownNames.has(machine.netns),
    )
    .map((machine) => machine.netns);
  const own = lan.interfaces.find((itf) => itf.kind === 'bridge');
  if (own !== undefined) {
    const at = { x: box.x + box.width / 2, y: middle };
    ports.set(portKey(lan.netns, own.name), {
      netns: lan.netns,
      dev: own.name,
      ...at,
      kind: 'bridge',
      up: own.up,
      zone: 'bridge',
      quiet: true,
      label: { text: own.name, x: at.x + 9, y: at.y + 4, anchor: 'start' },
    });
  }
  // Broadcasts reach machines that are not drawn: they leave the LAN at its end.
  const exit: Point = { x: box.x + box.width - 8, y: middle };
  for (const netns of hidden) {
    const name = `p-${netns}`;
    ports.set(portKey(lan.netns, name), {
      netns: lan.netns,
      dev: name,
      ...exit,
      kind: 'switch',
      up: true,
      zone: 'bridge',
      quiet: true,
      label: { text: name, x: exit.x - 12, y: exit.y + 4, anchor: 'end' },
    });
    ports.set(portKey(netns, 'eth0'), {
      netns,
      dev: 'eth0',
      ...exit,
      kind: 'switch',
      up: true,
      zone: 'routing',
      quiet: true,
      label: { text: netns, x: exit.x - 12, y: exit.y + 4, anchor: 'end' },
    });
  }
  const tunnels = drawn.filter((node) => node.tunnelPort !== undefined && node.uplink !== undefined);
  const pipes: Point[][] = [];
  for (const { shape: node, tunnelPort } of tunnels) {
    const wire = wires.find((one) => one.kind === 'tunnel' && one.from.netns === node.machine.netns);
    if (wire !== undefined && tunnelPort !== undefined)
      pipes.push([...wire.points, { x: wire.points.at(-1)?.x ?? 0, y: middle }]);
  }
  const ends = pipes.map((pipe) => pipe.at(-1)?.x ?? 0);
  if (ends.length > 1) {
    const from = Math.min(...ends);
    const to = Math.max(...ends);
    if (to > from)
      pipes.push([
        { x: from, y: middle },
        { x: to, y: middle },
      ]);
  }
  return {
    ...shape,
    ports,
    wires,
    pipes: ends.length > 1 ? pipes : [],
    lan: {
      netns: lan.netns,
      box,
      hidden,
      label: { text: 'LAN', x: box.x + 10, y: middle + 4, anchor: 'start' },
      ...(hidden.length > 0
        ? {
            hiddenLabel: {
              text: hiddenText(hidden, box.x + box.width - 24 - Math.max(0, ...ends)),
              x: box.x + box.width - 10,
              y: middle + 4,
              anchor: 'end' as const,
            },
          }
        : {}),
    },
  };
}

/** The machines that are not drawn, by name where there is room for their names. */
function hiddenText(names: readonly string[], room: number): string {
  const text = `+ ${names.join(', ')}`;
  return textWidth(text, 9.5) <= room ? text : `+ ${names.length}`;
}
