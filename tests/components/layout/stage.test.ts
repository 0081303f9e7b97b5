import { describe, expect, it } from 'vitest';
import { drawnPods, place } from '../../../components/layout/placement.ts';
import type { Box, Label, StageShape } from '../../../components/layout/shape.ts';
import { layoutStage } from '../../../components/layout/stage.ts';
import { textWidth } from '../../../components/layout/text.ts';
import { anchor, wayBetween } from '../../../components/layout/way.ts';
import { walkthrough } from '../../../components/layout/steps.ts';
import { partOf } from '../../../components/layout/hops.ts';
import type { LabData } from '../../../components/lab-data.ts';
import type { ClusterView } from '../../../src/engine/view.ts';
import { clusterIp, crossNode, policyDrop, withPods } from '../fixtures/lab.ts';

const forms = ['wide', 'narrow'] as const;
const viewOf = (lab: LabData): ClusterView => lab.views[0] as ClusterView;
const stageOf = (
  view: ClusterView,
  form: 'wide' | 'narrow',
  part: ReadonlySet<string> = new Set(),
): StageShape => layoutStage({ view, form, part, ghosts: [], placement: place(view), loopback: new Set() });

/** Another worker, made like the last one. */
function withNodes(view: ClusterView, count: number): ClusterView {
  const template = view.machines.find((machine) => machine.netns === 'node-2');
  if (template === undefined) return view;
  const more = Array.from({ length: count - 2 }, (_, i) => ({
    ...template,
    netns: `node-${i + 3}`,
    address: `192.168.50.1${i + 3}`,
    podCIDR: `10.244.${i + 3}.0/24`,
  }));
  return { ...view, machines: [...view.machines, ...more] };
}

interface Written {
  readonly box: Box;
  readonly text: string;
}
function written({ text, x, y, anchor: at }: Label, size: number): Written {
  const width = textWidth(text, size);
  return {
    text,
    box: {
      x: at === 'end' ? x - width : at === 'middle' ? x - width / 2 : x,
      y: y - size,
      width,
      height: size * 1.2,
    },
  };
}

/** Every text that is always shown. */
function texts(stage: StageShape): Written[] {
  const all: Written[] = [];
  for (const node of stage.nodes) {
    all.push(written(node.title, 13), written(node.subtitle, 10.5));
    for (const pod of node.pods) {
      all.push(written(pod.name, pod.compact ? 10.5 : 12), written(pod.address, pod.compact ? 9.5 : 11));
      all.push(...pod.chips.map((chip) => ({ text: chip.text, box: chip.box })));
    }
  }
  for (const machine of stage.machines) all.push(written(machine.title, 13), written(machine.subtitle, 10.5));
  for (const port of stage.ports.values()) if (!port.quiet) all.push(written(port.label, 9.5));
  return all.filter(({ text }) => text !== '');
}

const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width - 0.5 &&
  b.x < a.x + a.width - 0.5 &&
  a.y < b.y + b.height - 1.5 &&
  b.y < a.y + a.height - 1.5;

const clusters: readonly (readonly [name: string, view: ClusterView])[] = [
  ['two pods on two nodes', viewOf(crossNode)],
  ['two pods on one node', viewOf(clusterIp)],
  ['Calico without a bridge', viewOf(policyDrop)],
  ['three nodes', withNodes(viewOf(crossNode), 3)],
  ['six nodes', withNodes(viewOf(crossNode), 6)],
  ['fifty nodes', withNodes(viewOf(crossNode), 50)],
  ['eight pods', withPods(viewOf(crossNode), 8)],
  ['thirty pods', withPods(viewOf(crossNode), 30)],
  ['three hundred pods', withPods(viewOf(crossNode), 300)],
];

describe.each(forms)('the %s stage', (form) => {
  describe.each(clusters)('of %s', (_name, view) => {
    it.each([
      ['nobody', new Set<string>()],
      ['pods', new Set(['client', 'web-1'])],
      ['the way out', new Set(['client', 'router', 'ext'])],
    ])('writes no text over another when the walk is that of %s', (_who, part) => {
      const all = texts(stageOf(view, form, part));
      const clashes = all.flatMap((a, i) =>
        all
          .slice(i + 1)
          .filter((b) => overlap(a.box, b.box))
          .map((b) => `${a.text} / ${b.text}`),
      );
      expect(clashes).toEqual([]);
    });
    it('keeps everything inside of the picture', () => {
      const stage = stageOf(view, form);
      for (const { text, box } of texts(stage)) {
        expect(box.x, text).toBeGreaterThanOrEqual(0);
        expect(box.x + box.width, text).toBeLessThanOrEqual(stage.width + 0.5);
        expect(box.y + box.height, text).toBeLessThanOrEqual(stage.height + 2);
      }
      for (const node of stage.nodes)
        for (const pod of node.pods) {
          expect(pod.box.x).toBeGreaterThanOrEqual(node.box.x);
          expect(pod.box.x + pod.box.width).toBeLessThanOrEqual(node.box.x + node.box.width);
        }
    });
    it('writes a name inside of its pod', () => {
      for (const node of stageOf(view, form).nodes)
        for (const pod of node.pods)
          expect(textWidth(pod.name.text, pod.compact ? 10.5 : 12)).toBeLessThanOrEqual(pod.box.width - 10);
    });
  });

  it('shows thirty pods or counts those it does not show', () => {
    const stage = stageOf(withPods(viewOf(crossNode), 30), form);
    const shown = stage.nodes.reduce((sum, node) => sum + node.pods.length + (node.folded?.count ?? 0), 0);
    expect(shown).toBe(30);
  });

  it('never folds away a pod that takes part', () => {
    const view = withPods(viewOf(crossNode), 300);
    const late = drawnPods(view).at(-1)?.netns ?? '';
    const stage = stageOf(view, form, new Set([late]));
    expect(stage.nodes.some((node) => node.pods.some((pod) => pod.pod.netns === late))).toBe(true);
  });

  it('has a place for every frame of an experiment and a line between them', () => {
    for (const lab of [crossNode, clusterIp, policyDrop]) {
      const record = lab.experiments[0]?.record;
      if (record === undefined) continue;
      const stage = stageOf(viewOf(lab), form, partOf(record));
      const { steps } = walkthrough(record);
      for (const step of steps) {
        const at = anchor(stage, step);
        expect(at.x).toBeGreaterThanOrEqual(0);
        expect(at.x).toBeLessThanOrEqual(stage.width);
        expect(at.y).toBeLessThanOrEqual(stage.height);
        const from = step.parent === undefined ? undefined : steps[step.parent];
        if (from === undefined) continue;
        const way = wayBetween(stage, from, step);
        expect(way[0]).toMatchObject({ x: anchor(stage, from).x, y: anchor(stage, from).y });
        expect(way.at(-1)).toMatchObject({ x: at.x, y: at.y });
      }
    }
  });
});

describe('places', () => {
  const view = viewOf(crossNode);
  const [first] = drawnPods(view);
  if (first === undefined) throw new Error('the fixture draws no pod');
  const pod = (name: string) => ({ ...first, name, netns: name, uid: name, node: 'node-1' });

  it('are the same for the same cluster', () => {
    expect(stageOf(view, 'wide')).toEqual(stageOf(structuredClone(view), 'wide'));
  });
  it('stay when another pod comes or goes', () => {
    const first = place({ ...view, pods: [pod('a'), pod('b'), pod('c')] });
    const second = place({ ...view, pods: [pod('c'), pod('d')] }, first);
    expect(second.get('c')).toEqual(first.get('c'));
    expect(second.get('d')?.slot).toBe(0);
  });
  it('do not move on the stage when a pod goes', () => {
    const two = withPods(view, 4);
    const placement = place(two);
    const at = (pods: ClusterView) =>
      layoutStage({
        view: pods,
        form: 'wide',
        part: new Set(),
        ghosts: [],
        placement: place(pods, placement),
        loopback: new Set(),
      })
        .nodes.flatMap((node) => node.pods)
        .find((one) => one.pod.netns === 'client')?.box;
    expect(at({ ...two, pods: two.pods.filter((one) => one.netns === 'client') })).toEqual(at(two));
  });
  it('are not taken from a ghost', () => {
    const first = place({ ...view, pods: [pod('a')] });
    const second = place({ ...view, pods: [pod('b')] }, first, [pod('a')]);
    expect(second.get('a')?.slot).toBe(0);
    expect(second.get('b')?.slot).toBe(1);
  });
});
