import { verdictEn } from '../verdict/en.ts';
import type { ReachStrings } from './words.ts';

export const reachEn: ReachStrings = {
  language: 'en',
  verdict: verdictEn,
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
