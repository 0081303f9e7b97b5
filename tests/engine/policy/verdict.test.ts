import { describe, expect, it } from 'vitest';
import type { ExternalAddress, PolicyPod } from '../../../src/engine/policy/endpoint.ts';
import type { NetworkPolicyInput } from '../../../src/engine/policy/networkpolicy.ts';
import type { PolicyObjects } from '../../../src/engine/policy/policies.ts';
import { PolicySet } from '../../../src/engine/policy/verdict.ts';

function pod(name: string, namespace = 'default'): PolicyPod {
  return {
    kind: 'pod',
    namespace,
    name,
    labels: { app: name },
    ips: ['10.244.1.2'],
    ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
  };
}

const CLIENT = pod('client');
const WEB = pod('web');
const OUTSIDE: ExternalAddress = { kind: 'external', ip: '203.0.113.10' };
const HTTP = { protocol: 'TCP', port: 8080 } as const;

function policies(
  networkPolicies: readonly NetworkPolicyInput[],
  rest: Partial<PolicyObjects> = {},
): PolicySet {
  return new PolicySet({
    namespaces: [
      { name: 'default', labels: {} },
      { name: 'other', labels: { team: 'b' } },
    ],
    networkPolicies,
    ...rest,
  });
}

function ingress(
  name: string,
  rules: NonNullable<NetworkPolicyInput['spec']>['ingress'],
): NetworkPolicyInput {
  return {
    metadata: { name, namespace: 'default' },
    spec: { podSelector: { matchLabels: { app: 'web' } }, ingress: rules ?? [] },
  };
}

describe('a verdict', () => {
  it('is to allow what no policy speaks of', () => {
    expect(policies([]).verdict(CLIENT, WEB, HTTP)).toEqual({
      allowed: true,
      egress: { allowed: true, reason: 'unselected', selecting: [], near: [] },
      ingress: { allowed: true, reason: 'unselected', selecting: [], near: [] },
    });
  });

  it('names the policies that select the pod when none of their rules holds', () => {
    const set = policies([
      ingress('deny', []),
      ingress('nobody', [{ from: [{ podSelector: { matchLabels: { app: 'x' } } }] }]),
    ]);
    const verdict = set.verdict(CLIENT, WEB, HTTP);
    expect(verdict.allowed).toBe(false);
    expect(verdict.egress.reason).toBe('unselected');
    expect(verdict.ingress).toMatchObject({
      allowed: false,
      reason: 'no-match',
      selecting: [{ name: 'deny' }, { name: 'nobody' }],
    });
  });

  it('names the rule and the peer that allowed', () => {
    const set = policies([
      ingress('deny', []),
      ingress('allow', [
        { from: [{ podSelector: { matchLabels: { app: 'x' } } }] },
        {
          from: [{ ipBlock: { cidr: '192.0.2.0/24' } }, { podSelector: { matchLabels: { app: 'client' } } }],
        },
      ]),
    ]);
    expect(set.verdict(CLIENT, WEB, HTTP).ingress).toMatchObject({
      allowed: true,
      by: { kind: 'NetworkPolicy', namespace: 'default', name: 'allow', rule: 1, peer: 1 },
    });
  });

  it('says which rule nearly allowed, and what it was that did not fit', () => {
    const set = policies([
      ingress('ports', [{ from: [{ podSelector: {} }], ports: [{ port: 80 }] }]),
      ingress('peers', [
        { from: [{ podSelector: { matchLabels: { app: 'x' } } }], ports: [{ port: 'http' }] },
      ]),
    ]);
    expect(set.verdict(CLIENT, WEB, HTTP).ingress.near).toMatchObject([
      {
        name: 'ports',
        rule: 0,
        peer: 0,
        fits: ['namespace', 'pod'],
        missing: [{ code: 'port', listed: ['TCP 80'] }],
      },
      {
        name: 'peers',
        rule: 0,
        peer: 0,
        fits: ['namespace', 'port'],
        missing: [{ code: 'pod-label', key: 'app', operator: 'In', values: ['x'], actual: 'client' }],
      },
    ]);
  });

  it('asks both sides', () => {
    const egress: NetworkPolicyInput = {
      metadata: { name: 'out', namespace: 'default' },
      spec: { podSelector: { matchLabels: { app: 'client' } }, policyTypes: ['Egress'] },
    };
    const verdict = policies([egress]).verdict(CLIENT, WEB, HTTP);
    expect(verdict).toMatchObject({
      allowed: false,
      egress: { reason: 'no-match' },
      ingress: { reason: 'unselected' },
    });
    expect(policies([egress]).verdict(OUTSIDE, WEB, HTTP)).toMatchObject({
      allowed: true,
      egress: { reason: 'outside' },
    });
  });

  it('looks inside other namespaces only with a namespace selector', () => {
    const far = pod('client', 'other');
    expect(policies([ingress('a', [{ from: [{ podSelector: {} }] }])]).verdict(far, WEB, HTTP).allowed).toBe(
      false,
    );
    const byName = [
      { from: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'other' } } }] },
    ];
    expect(policies([ingress('a', byName)]).verdict(far, WEB, HTTP).allowed).toBe(true);
  });

  it.each([
    ['203.0.113.0/24', [], true],
    ['203.0.113.0/24', ['203.0.113.8/29'], false],
    ['0.0.0.0/0', ['10.0.0.0/8'], true],
    ['fd00::/8', [], false],
  ])('tests addresses against %s except %j', (cidr, except, allowed) => {
    expect(
      policies([ingress('a', [{ from: [{ ipBlock: { cidr, except } }] }])]).verdict(OUTSIDE, WEB, HTTP)
        .allowed,
    ).toBe(allowed);
  });

  it.each([
    [{ port: 8080 }, true],
    [{ port: 8000, endPort: 8100 }, true],
    [{ port: 'http' }, true],
    [{ port: 'https' }, false],
    [{ protocol: 'UDP', port: 8080 }, false],
    [{ protocol: 'TCP' }, true],
    [{}, true],
  ] as const)('takes ports %j', (port, allowed) => {
    expect(policies([ingress('a', [{ ports: [port] }])]).verdict(CLIENT, WEB, HTTP).allowed).toBe(allowed);
  });

  it('lets the admin tier go first, pass on, and the baseline go last', () => {
    const admin = (name: string, priority: number, action: string): object => ({
      metadata: { name },
      spec: {
        priority,
        subject: { namespaces: {} },
        ingress: [
          { action, from: [{ namespaces: {} }], ports: [{ portNumber: { protocol: 'TCP', port: 8080 } }] },
        ],
      },
    });
    const tier = (...rules: readonly (readonly [string, number, string])[]): Partial<PolicyObjects> => ({
      adminNetworkPolicies: rules.map(([name, priority, action]) => admin(name, priority, action) as never),
      baselineAdminNetworkPolicies: [admin('default', 0, 'Deny') as never],
    });
    const allowAll = ingress('all', [{}]);
    const by = (set: PolicySet): string => {
      const side = set.verdict(CLIENT, WEB, HTTP).ingress;
      return `${side.allowed ? 'allow' : 'deny'} ${side.by?.kind ?? side.reason}`;
    };
    expect(by(policies([], tier()))).toBe('deny BaselineAdminNetworkPolicy');
    expect(by(policies([allowAll], tier()))).toBe('allow NetworkPolicy');
    expect(by(policies([allowAll], tier(['late', 20, 'Allow'], ['early', 10, 'Deny'])))).toBe(
      'deny AdminNetworkPolicy',
    );
    expect(by(policies([allowAll], tier(['late', 20, 'Deny'], ['early', 10, 'Pass'])))).toBe(
      'allow NetworkPolicy',
    );
    expect(by(policies([], tier(['early', 10, 'Pass'])))).toBe('deny BaselineAdminNetworkPolicy');
  });
});
