import type {
  PolicyVerdict,
  PortRange,
  ReachCell,
  ReachGroup,
  ReachReason,
  Survey,
} from '../../src/engine/reach.ts';

/** A group as it is shown; plain data, so that a worker can send it. */
export interface GroupView {
  readonly name: string;
  readonly kind: ReachGroup['kind'];
  readonly members: readonly string[];
}

/** One direction between two groups. */
export interface PairView {
  readonly from: string;
  readonly to: string;
  readonly state: ReachCell['state'] | 'outside';
  readonly ports: readonly PortRange[];
  /** The port that was asked about, and the answer; absent where no policy is asked. */
  readonly asked?: ReachReason['port'];
  readonly verdict?: PolicyVerdict;
}

/** The whole matrix: rows and columns, and a pair for each cell, row by row. */
export interface ReachView {
  readonly sources: readonly GroupView[];
  readonly destinations: readonly GroupView[];
  readonly pairs: readonly PairView[];
}

export function reachView(survey: Survey): ReachView {
  const group = ({ name, kind, members }: ReachGroup): GroupView => ({ name, kind, members });
  return {
    sources: survey.sources.map(group),
    destinations: survey.destinations.map(group),
    pairs: survey.sources.flatMap((from) => survey.destinations.map((to) => pairView(survey, from, to))),
  };
}

function pairView(survey: Survey, from: ReachGroup, to: ReachGroup): PairView {
  const names = { from: from.name, to: to.name };
  // What two strangers do with each other is not this cluster's.
  if (from.kind === 'outside' && to.kind === 'outside') return { ...names, state: 'outside', ports: [] };
  const { state, ports } = survey.cell(from, to);
  if (state === 'self') return { ...names, state, ports };
  const { port, verdict } = survey.reason(from, to);
  return { ...names, state, ports, asked: port, verdict };
}
