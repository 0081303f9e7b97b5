import type { ExperimentRecord, Walk } from '../../src/engine/capture/record.ts';
import { headerDiff, notableChanges } from './header-diff.ts';
import { verdictOf } from '../strings/strings.ts';
import { salience } from './salience.ts';
import { wasRefused, type DecisionAt, type Step, type Walkthrough } from './steps.ts';

/** One line of the hop list: where a frame crossed, what led to it, what changed on it. */
export interface HopRow {
  readonly step: number;
  readonly netns: string;
  readonly dev?: string;
  readonly dir?: 'in' | 'out';
  readonly end: false | 'dropped' | 'refused';
  /** Those worth a line each. */
  readonly decisions: readonly DecisionAt[];
  readonly changes: readonly string[];
}

/** One packet on its way, or a part of it when it had to wait. */
export interface HopSection {
  readonly walk: Walk;
  readonly continued: boolean;
  readonly rows: readonly HopRow[];
}

export function hopSections({ steps }: Walkthrough): HopSection[] {
  const sections: { walk: Walk; continued: boolean; rows: HopRow[] }[] = [];
  const seen = new Set<number>();
  for (const step of steps) {
    let section = sections.at(-1);
    if (section?.walk.id !== step.walk.id) {
      section = { walk: step.walk, continued: seen.has(step.walk.id), rows: [] };
      sections.push(section);
    }
    seen.add(step.walk.id);
    section.rows.push(hopRow(step, steps));
  }
  return sections;
}

function hopRow(step: Step, steps: readonly Step[]): HopRow {
  const parent = step.parent === undefined ? undefined : steps[step.parent];
  return {
    step: step.index,
    netns: step.netns,
    ...(step.dev === undefined ? {} : { dev: step.dev }),
    ...(step.dir === undefined ? {} : { dir: step.dir }),
    end: step.kind === 'end' && (wasRefused(step) ? 'refused' : 'dropped'),
    decisions: worthTelling([...step.before, ...step.after]),
    changes:
      parent === undefined || step.kind === 'end' || parent.layers === step.layers
        ? []
        : notableChanges(headerDiff(parent.layers, step.layers)),
  };
}

/**
 * Decisions worth a sentence: no routine ones, nor what a weightier one beside it already says, a bare `drop` after the
 * rule that dropped, the DNAT rule beside the binding it made, the rule that dropped beside the policies in whose name it did.
 */
export function worthTelling(all: readonly DecisionAt[]): DecisionAt[] {
  const binding = all.some(({ decision }) => decision.code === 'nat-binding');
  const policy = all.some(({ decision }) => decision.code === 'policy');
  const ended = all.some(({ decision }) => decision.code !== 'drop' && salience(decision) === 2);
  return all.filter(({ decision }) => {
    const said =
      decision.code === 'drop'
        ? ended
        : (decision.code === 'rule' || decision.code === 'nft-rule') &&
          ((binding && /^(DNAT|SNAT|MASQUERADE|REDIRECT)/.test(verdictOf(decision))) ||
            (policy && verdictOf(decision) === 'DROP'));
    return !said && salience(decision) > 0;
  });
}

/** The namespaces that an experiment walked through; broadcasts of neighbour discovery do not count. */
export function partOf(record: ExperimentRecord): Set<string> {
  const quiet = new Set(
    record.walks.filter((walk) => walk.exchange === 'arp' || walk.exchange === 'nd').map((walk) => walk.id),
  );
  const part = new Set<string>();
  for (const event of record.events) if (!quiet.has(event.walk)) part.add(event.netns);
  if (part.size === 0) for (const event of record.events) part.add(event.netns);
  return part;
}

/** The namespaces whose loopback carried something. */
export function loopbackOf(record: ExperimentRecord): Set<string> {
  const found = new Set<string>();
  for (const event of record.events) if (event.kind === 'frame' && event.dev === 'lo') found.add(event.netns);
  return found;
}
