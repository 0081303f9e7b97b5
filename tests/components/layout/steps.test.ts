import { describe, expect, it } from 'vitest';
import { hopSections } from '../../../components/layout/hops.ts';
import { nextDecision, tellingMoment, trail, walkthrough } from '../../../components/layout/steps.ts';
import type { ExperimentRecord } from '../../../src/engine/capture/record.ts';
import { clusterIp, crossNode, policyDrop } from '../fixtures/lab.ts';

const record = (lab: typeof crossNode): ExperimentRecord => {
  const found = lab.experiments[0]?.record;
  if (found === undefined) throw new Error('the fixture has no experiment');
  return found;
};
const place = (step: { netns: string; dev?: string; dir?: string } | undefined): string =>
  `${step?.netns}:${step?.dev} ${step?.dir}`;

describe('the steps of an experiment', () => {
  it('have a tick for each frame, none lost and none twice', () => {
    const frames = record(crossNode).events.filter((event) => event.kind === 'frame').length;
    const { steps } = walkthrough(record(crossNode));
    expect(steps.filter((step) => step.kind === 'frame')).toHaveLength(frames);
    expect(steps.map((step) => step.index)).toEqual(steps.map((_, i) => i));
  });

  it('follow a packet from its socket through the tunnel to the other socket', () => {
    const { steps } = walkthrough(record(crossNode));
    const arrived = steps.find((step) => step.after.some(({ decision }) => decision.code === 'deliver'));
    expect(trail(steps, arrived?.index ?? -1).map((i) => place(steps[i]))).toEqual([
      'client:eth0 out',
      'node-1:vethclient in',
      'node-1:cni0 in',
      'node-1:flannel.1 out',
      'node-1:eth0 out',
      'lan:p-node-1 in',
      'lan:p-node-2 out',
      'node-2:eth0 in',
      'node-2:flannel.1 in',
      'node-2:cni0 out',
      'node-2:vethweb-1 out',
      'web-1:eth0 in',
    ]);
  });

  it('let the copies of a broadcast begin where the bridge sent them out', () => {
    const { steps } = walkthrough(record(clusterIp));
    const flood = steps.filter((step) => step.walk.id === 0 && step.netns === 'node-1' && step.dir === 'out');
    expect(flood.length).toBeGreaterThan(1);
    expect(new Set(flood.map((step) => step.parent)).size).toBe(1);
  });

  it('give a decision to the frame that it led to, and the end of a packet to its last frame', () => {
    const { steps } = walkthrough(record(crossNode));
    const encap = steps.find((step) => step.before.some(({ decision }) => decision.code === 'vxlan-encap'));
    expect(place(encap)).toBe('node-1:eth0 out');
    const delivered = steps.find((step) => step.after.some(({ decision }) => decision.code === 'deliver'));
    expect(place(delivered)).toBe('web-1:eth0 in');
  });

  it('end a lost packet with a step of its own that says why', () => {
    const { steps } = walkthrough(record(policyDrop));
    const last = steps.at(-1);
    expect(last).toMatchObject({ kind: 'end', netns: 'node-2', dev: 'eth0' });
    expect(last?.before.some(({ decision }) => decision.code === 'rule' && decision.verdict === 'DROP')).toBe(
      true,
    );
  });

  it('are grouped by exchange, whole and in order', () => {
    const { groups, steps } = walkthrough(record(crossNode));
    expect(groups.map((group) => group.exchange)).toEqual(['arp', 'handshake']);
    expect(groups[0]?.from).toBe(0);
    expect(groups.at(-1)?.to).toBe(steps.length);
  });

  it('keep a walk together unless it waits for a neighbour', () => {
    const walk = (id: number, exchange: 'arp' | 'request') =>
      ({ id, exchange, direction: 'request', summary: '', outcome: 'delivered' }) as const;
    const frame = (order: number, id: number) =>
      ({ kind: 'frame', at: order, walk: id, netns: `n${id}`, dev: 'eth0', dir: 'out', header: 0 }) as const;
    const made = (order: readonly number[], arp: readonly number[]): number[] => {
      const ids = [...new Set(order)];
      const made: ExperimentRecord = {
        version: 1,
        start: 0,
        end: 9,
        headers: [[]],
        tables: [],
        walks: ids.map((id) => walk(id, arp.includes(id) ? 'arp' : 'request')),
        events: order.map((id, i) => frame(i, id)),
      };
      return walkthrough(made).steps.map((step) => step.walk.id);
    };
    expect(made([1, 2, 1, 2, 1, 2], [])).toEqual([1, 1, 1, 2, 2, 2]);
    expect(made([1, 5, 5, 1, 2, 1], [5])).toEqual([1, 5, 5, 1, 1, 2]);
  });

  it('survive an empty record', () => {
    const empty: ExperimentRecord = {
      version: 1,
      start: 0,
      end: 0,
      headers: [],
      events: [],
      walks: [],
      tables: [],
    };
    expect(walkthrough(empty)).toEqual({ steps: [], groups: [] });
    expect(tellingMoment([])).toBe(0);
  });
});

describe('the most telling moment', () => {
  it('is inside of the tunnel on the way to another node', () => {
    const { steps } = walkthrough(record(crossNode));
    const step = steps[tellingMoment(steps)];
    expect(step?.netns).toBe('lan');
    expect(step?.layers.some((layer) => layer.kind === 'vxlan')).toBe(true);
    expect(step?.walk.summary).toMatch(/\[S\]$/);
  });
  it('is the choice of a backend for a ClusterIP', () => {
    const { steps } = walkthrough(record(clusterIp));
    expect(steps[tellingMoment(steps)]?.before.map(({ decision }) => decision.code)).toContain('nat-binding');
  });
  it('is the drop when there is one', () => {
    const { steps } = walkthrough(record(policyDrop));
    expect(steps[tellingMoment(steps)]?.kind).toBe('end');
  });
});

describe('skipping to the next decision', () => {
  it('passes over frames where nothing turned', () => {
    const { steps } = walkthrough(record(crossNode));
    const syn = steps.findIndex((step) => step.walk.exchange === 'handshake');
    const next = nextDecision(steps, syn);
    expect(place(steps[next ?? -1])).toBe('node-1:flannel.1 out');
  });
});

describe('the hop list', () => {
  it('has one row per step, with what changed on it', () => {
    const walk = walkthrough(record(crossNode));
    const rows = hopSections(walk).flatMap((section) => section.rows);
    expect(rows.map((row) => row.step)).toEqual(walk.steps.map((step) => step.index));
    expect(rows.find((row) => row.dev === 'flannel.1' && row.dir === 'out')?.changes).toContain(
      'ttl 64 → 63',
    );
    expect(rows.find((row) => row.changes.includes('+ VXLAN'))).toMatchObject({
      netns: 'node-1',
      dev: 'eth0',
    });
  });
  it('says a DNAT once, by the binding and not by the rule that made it', () => {
    const rows = hopSections(walkthrough(record(clusterIp))).flatMap((section) => section.rows);
    const row = rows.find((one) => one.decisions.some(({ decision }) => decision.code === 'nat-binding'));
    expect(row?.decisions.some(({ decision }) => decision.code === 'rule')).toBe(false);
  });
});
