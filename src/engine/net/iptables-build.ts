import type { Prefix } from './address.ts';
import { parseNetworks } from './iptables-address.ts';
import type { ParsedRule } from './iptables-command.ts';
import {
  isError,
  type MatchExtension,
  type OptionValue,
  type RuleContext,
  type TargetExtension,
} from './iptables-extension.ts';
import type { Match, Rule, Target } from './iptables-rule.ts';

interface Loaded<E> {
  readonly name: string;
  readonly extension: E;
  readonly given: Map<string, OptionValue>;
}

export type LoadedExtension = Loaded<MatchExtension> | Loaded<TargetExtension>;

/** A rule as its words gave it, not yet judged. */
export interface RuleDraft {
  source?: { readonly text: string; readonly invert: boolean };
  destination?: { readonly text: string; readonly invert: boolean };
  in?: { readonly name: string; readonly invert: boolean };
  out?: { readonly name: string; readonly invert: boolean };
  protocol?: { readonly number: number; readonly invert: boolean };
  fragment?: { readonly invert: boolean };
  readonly matches: Loaded<MatchExtension>[];
  target?: Loaded<TargetExtension>;
  jump?: { readonly chain: string; readonly goto: boolean };
}

/** The rules that a draft stands for, one for every pair of its addresses. Text: why iptables refuses it. */
export function buildRules(
  draft: RuleDraft,
  place: Omit<RuleContext, 'protocol'>,
): readonly ParsedRule[] | string {
  const { chain, family } = place;
  if (draft.in !== undefined && (chain === 'OUTPUT' || chain === 'POSTROUTING'))
    return `Can't use -i with ${chain}\n`;
  if (draft.out !== undefined && (chain === 'PREROUTING' || chain === 'INPUT'))
    return `Can't use -o with ${chain}\n`;
  const sources = networks(draft.source, family);
  if (typeof sources === 'string') return sources;
  const destinations = networks(draft.destination, family);
  if (typeof destinations === 'string') return destinations;
  if (
    (sources.length > 1 && draft.source?.invert === true) ||
    (destinations.length > 1 && draft.destination?.invert === true)
  ) {
    return '! not allowed with multiple source or destination IP addresses';
  }
  const extensions = buildExtensions(draft, { ...place, protocol: draft.protocol });
  if (typeof extensions === 'string') return extensions;
  if ('kernel' in extensions) return [extensions];
  const base = { ...common(draft, place), ...extensions };
  return sources.flatMap((source) =>
    destinations.map((destination): ParsedRule => ({
      rule: {
        ...base,
        ...(source === undefined
          ? {}
          : { source: { prefix: source, invert: draft.source?.invert ?? false } }),
        ...(destination === undefined
          ? {}
          : { destination: { prefix: destination, invert: draft.destination?.invert ?? false } }),
      },
    })),
  );
}

function networks(
  option: RuleDraft['source'],
  family: RuleContext['family'],
): readonly (Prefix | undefined)[] | string {
  return option === undefined ? [undefined] : parseNetworks(option.text, option.invert, family);
}

/** What needs no extension; `-i +` and `-p all` say nothing. */
function common(draft: RuleDraft, { family }: Pick<RuleContext, 'family'>): Omit<Rule, 'matches' | 'target'> {
  const { in: inside, out, protocol, fragment } = draft;
  return {
    family,
    ...(inside === undefined || (inside.name === '+' && !inside.invert) ? {} : { inInterface: inside }),
    ...(out === undefined || (out.name === '+' && !out.invert) ? {} : { outInterface: out }),
    ...(protocol === undefined || protocol.number === 0 ? {} : { protocol }),
    ...(fragment === undefined ? {} : { fragment }),
  };
}

function buildExtensions(
  draft: RuleDraft,
  context: RuleContext,
): Pick<Rule, 'matches' | 'target'> | { readonly kernel: string } | string {
  let kernel: string | undefined;
  const matches: Match[] = [];
  for (const { extension, given } of draft.matches) {
    const match = extension.create(given, context);
    if (!isError(match)) matches.push(match);
    else if ('error' in match) return match.error;
    else kernel ??= match.kernel;
  }
  let target: Target | undefined;
  if (draft.jump !== undefined) target = { kind: draft.jump.goto ? 'goto' : 'jump', chain: draft.jump.chain };
  if (draft.target !== undefined) {
    const created = draft.target.extension.create(draft.target.given, context);
    if (!isError(created)) target = created;
    else if ('error' in created) return created.error;
    else kernel ??= created.kernel;
  }
  if (kernel !== undefined) return { kernel };
  return { matches, ...(target === undefined ? {} : { target }) };
}
