import type { Mismatch, NearMiss, SideVerdict } from '../../../src/engine/reach.ts';
import {
  policyName,
  requirementText,
  ruleNumber,
  shortName,
  type Asked,
  type ReachStrings,
} from './words.ts';

const and = (words: readonly string[]): string =>
  words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1) ?? ''}`;

const fits: Readonly<Record<NearMiss['fits'][number], string>> = {
  everybody: 'every peer',
  namespace: 'the namespace',
  pod: 'the pod',
  address: 'the address',
  port: 'the port',
};

function missing(one: Mismatch, { port, protocol }: Asked): string {
  switch (one.code) {
    case 'port':
      return `${protocol} ${port} is not in [${one.listed.join(', ')}]`;
    case 'pod-label':
    case 'namespace-label': {
      const has = one.actual === undefined ? 'has none' : `has ${one.key}=${one.actual}`;
      return `not the ${one.code === 'pod-label' ? 'pod' : 'namespace'} label ${requirementText(one)} (the other side ${has})`;
    }
    case 'namespace':
      return `it looks in namespace ${one.wanted} only, not in ${one.actual}`;
    case 'cidr':
      return `not the address: it is not in ${one.cidr}`;
    case 'except':
      return `not the address: ${one.except} is excepted from ${one.cidr}`;
    case 'not-a-pod':
      return 'its selectors match pods only, not an address outside';
    case 'nobody':
      return 'its peer matches nobody here';
  }
}

function miss(near: NearMiss, asked: Asked): string {
  const holds = near.fits.map((fit) => fits[fit]);
  const lacks = and(near.missing.map((one) => missing(one, asked)));
  return `rule ${ruleNumber(near)} of ${shortName(near)} ${holds.length === 0 ? `does not match: ${lacks}` : `matches ${and(holds)}, but ${lacks}`}`;
}

function side(verdict: SideVerdict, direction: 'ingress' | 'egress', asked: Asked): string {
  const who = direction === 'egress' ? asked.from : asked.to;
  const peer = direction === 'egress' ? `to ${asked.to}` : `from ${asked.from}`;
  const passed =
    verdict.passed === undefined
      ? ''
      : `rule ${ruleNumber(verdict.passed)} of ${policyName(verdict.passed)} passes it on, then `;
  switch (verdict.reason) {
    case 'outside':
      return `${direction} of ${who}: no policy speaks of addresses outside the cluster`;
    case 'unselected':
      return `${direction} of ${who}: ${passed}no policy ${verdict.selecting.length === 0 ? 'selects it' : 'decides'}`;
    case 'rule': {
      const by =
        verdict.by === undefined ? '' : `rule ${ruleNumber(verdict.by)} of ${policyName(verdict.by)}`;
      return `${direction} of ${who}: ${passed}${by} ${verdict.allowed ? 'allows' : 'denies'} it${near(verdict, asked)}`;
    }
    case 'no-match': {
      const policies = verdict.selecting.filter(({ kind }) => kind === 'NetworkPolicy').map(shortName);
      const select = policies.length === 1 ? 'selects it' : 'select it';
      return `${direction} of ${who}: ${passed}${and(policies)} ${select}, and no rule allows ${asked.protocol} ${asked.port} ${peer}${near(verdict, asked)}`;
    }
  }
}

function near(verdict: SideVerdict, asked: Asked): string {
  const [first] = verdict.near;
  return first === undefined ? '' : `; nearest: ${miss(first, asked)}`;
}

export const reachEn: ReachStrings = {
  language: 'en',
  self: 'a pod always reaches itself',
  side,
  near: miss,
  reason: ({ allowed, egress, ingress }, asked) => {
    const told: string[] = [];
    if (allowed || !egress.allowed) told.push(side(egress, 'egress', asked));
    if (allowed || !ingress.allowed) told.push(side(ingress, 'ingress', asked));
    return told.join('. ');
  },
  title: 'Who can talk to whom',
  lead: 'What policies allow, by the ports of the destination. Whether anybody listens there is another matter.',
  from: 'from',
  to: 'to',
  ports: 'ports',
  because: 'because',
  all: 'all',
  none: 'none',
  allBut: (ports) => `all but ${ports}`,
  selfCell: 'itself',
  legend: { all: 'every port', some: 'some ports', none: 'nothing' },
  outside: 'outside the cluster',
  anyAddress: 'any other address',
  more: (count) => `and ${count} more`,
  policies: (network, admin) =>
    `${network} NetworkPolic${network === 1 ? 'y' : 'ies'}${admin === 0 ? '' : `, ${admin} of the admin tiers`}`,
  nearest: 'Rules that come nearest',
  choose: 'Choose a cell to see why.',
  back: 'to the table',
  nothing: 'There is no pod and no workload in these manifests.',
  diff: {
    opened: 'opened',
    closed: 'closed',
    unchanged: 'Nothing opens and nothing closes.',
    added: 'added',
    removed: 'removed',
  },
};
