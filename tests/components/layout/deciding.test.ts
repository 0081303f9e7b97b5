import { describe, expect, it } from 'vitest';
import { decidingTables, excerpt, rowOf, stripText } from '../../../components/layout/deciding.ts';
import type { Decision } from '../../../src/engine/net/decision.ts';

const at = (decision: Decision, netns = 'node-1') => ({ netns, decision });
const route: Decision = {
  code: 'route',
  dst: '10.244.2.2',
  table: 'main',
  entry: '10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink',
  dev: 'flannel.1',
};
const tables = [
  {
    netns: 'node-1',
    command: 'ip route',
    lines: ['default via 192.168.50.1 dev eth0', '10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink '],
  },
  { netns: 'node-2', command: 'ip route', lines: ['10.244.2.0/24 via 10.244.2.0 dev flannel.1 onlink'] },
  { netns: 'node-1', command: 'iptables -t nat -S', lines: ['-A A -j B', '-A B -j DNAT', '-A C -j RETURN'] },
];

describe('the table that decided', () => {
  it('has its row marked, in the namespace that decided', () => {
    const [table] = decidingTables([at(route)], tables);
    expect(table).toMatchObject({ netns: 'node-1', command: 'ip route' });
    expect([...(table?.marked ?? [])]).toEqual([1]);
  });
  it('marks the rule that turned the way and not those that merely led to it', () => {
    const rule = (rule: string, verdict: string): Decision => ({
      code: 'rule',
      table: 'nat',
      chain: 'A',
      rule,
      verdict,
      walked: 1,
    });
    const [table] = decidingTables(
      [
        at(rule('-A A -j B', 'JUMP:B')),
        at(rule('-A B -j DNAT', 'DNAT')),
        at(rule('-A C -j RETURN', 'RETURN')),
      ],
      tables,
    );
    expect([...(table?.marked ?? [])]).toEqual([1]);
  });
  it('is made of the row alone where the record does not have it', () => {
    const [table] = decidingTables(
      [
        at({
          code: 'neigh',
          ip: '10.244.1.3',
          dev: 'cni0',
          mac: 'x',
          state: 'REACHABLE',
          entry: '10.244.1.3 dev cni0 lladdr x REACHABLE',
        }),
      ],
      tables,
    );
    expect(table).toMatchObject({ command: 'ip neigh', lines: ['10.244.1.3 dev cni0 lladdr x REACHABLE'] });
  });
  it('is found although timers and states have moved on', () => {
    expect(
      rowOf(['10.244.1.1 dev eth0 lladdr 0a:58 STALE'], '10.244.1.1 dev eth0 lladdr 0a:58 REACHABLE'),
    ).toBe(0);
    const entry = (state: string, time: number) =>
      `tcp 6 ${time} ${state} src=10.1 dst=10.2 sport=1 dport=2 src=10.2 dst=10.1 sport=2 dport=1 mark=0 use=1`;
    expect(rowOf([entry('TIME_WAIT', 119)], entry('SYN_SENT', 5))).toBe(0);
    expect(rowOf([entry('TIME_WAIT', 119)], entry('SYN_SENT', 5).replaceAll('10.2', '10.9'))).toBe(-1);
  });
  it('shows as many rows around the marked one as there is room for', () => {
    const lines = Array.from({ length: 40 }, (_, i) => `row ${i}`);
    const rows = excerpt({ netns: 'n', command: 'c', lines, marked: new Set([37]) }, 4);
    expect(rows.map((row) => row.line)).toEqual(['row 35', 'row 36', 'row 37', 'row 38']);
    expect(rows.filter((row) => row.marked).map((row) => row.line)).toEqual(['row 37']);
    const two = excerpt({ netns: 'n', command: 'c', lines, marked: new Set([3, 30]) }, 4);
    expect(two.filter((row) => row.marked)).toHaveLength(2);
    expect(two.some((row) => row.gap)).toBe(true);
  });
  it('counts a long row as the lines that it takes', () => {
    const lines = ['x'.repeat(150), 'marked', 'y'.repeat(150)];
    expect(
      excerpt({ netns: 'n', command: 'c', lines, marked: new Set([1]) }, 6, 46).map((row) => row.line[0]),
    ).toEqual(['x', 'm']);
  });
});

describe('the strip of a namespace', () => {
  it('says the weightiest thing that was decided there and nothing of elsewhere', () => {
    const drop: Decision = {
      code: 'rule',
      table: 'filter',
      chain: 'cali-tw',
      rule: '-j DROP',
      verdict: 'DROP',
      walked: 2,
    };
    expect(stripText([at(route), at(drop)], 'node-1')).toBe('cali-tw: DROP');
    expect(stripText([at(route)], 'node-2')).toBeUndefined();
  });
});
