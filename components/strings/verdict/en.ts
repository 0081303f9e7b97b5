import type { Mismatch, NearMiss, SideVerdict } from '../../../src/engine/verdict.ts';
import {
  policyName,
  portName,
  requirementText,
  ruleNumber,
  shortName,
  type Asked,
  type VerdictStrings,
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

function missing(one: Mismatch, asked: Asked): string {
  switch (one.code) {
    case 'port':
      return `${portName(asked)} is not in [${one.listed.join(', ')}]`;
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
      const subject = policies.length === 1 ? 'NetworkPolicy' : 'NetworkPolicies';
      const select = policies.length === 1 ? 'selects it' : 'select it';
      return `${direction} of ${who}: ${passed}${subject} ${and(policies)} ${select}, and no rule allows ${portName(asked)} ${peer}${near(verdict, asked)}`;
    }
  }
}

function near(verdict: SideVerdict, asked: Asked): string {
  const [first] = verdict.near;
  return first === undefined ? '' : `; nearest: ${miss(first, asked)}`;
}

export const verdictEn: VerdictStrings = {
  self: 'a pod always reaches itself',
  side,
  near: miss,
  reason: ({ allowed, egress, ingress }, asked) => {
    const told: string[] = [];
    if (allowed || !egress.allowed) told.push(side(egress, 'egress', asked));
    if (allowed || !ingress.allowed) told.push(side(ingress, 'ingress', asked));
    return told.join('. ');
  },
};
