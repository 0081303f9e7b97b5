import type { IptablesFamily } from '../net/iptables-rule.ts';
import type { CalicoPolicy, CalicoTier } from './calico-policy.ts';
import type { PolicyPod } from './endpoint.ts';
import { ACCEPTED, chainName, clearMark, MARK, setMark, type FelixRule } from './felix.ts';
import type { Direction } from './networkpolicy.ts';

/** A pod of a node with the host end of its link. */
export interface CalicoWorkload {
  readonly hostDevice: string;
  readonly pod: PolicyPod;
  readonly serviceAccount: string;
}

/** What a workload may say to its node as to a router whatever the policies are: group membership, and neighbour discovery. */
const ROUTER_ICMPV6 = [130, 131, 132, 133, 135, 136];

/** The way of a packet to the chains of workloads, and past them. */
export function baseChains(
  workloads: readonly CalicoWorkload[],
  family: IptablesFamily,
): readonly (readonly [string, readonly FelixRule[]])[] {
  const devices = workloads.map((workload) => workload.hostDevice).sort();
  const unknown: FelixRule = { comments: ['Unknown interface'], action: '--jump DROP' };
  return [
    [
      'cali-FORWARD',
      [
        { action: clearMark('0xe0000') },
        { match: '-m mark --mark 0/0x10000', action: '--jump cali-from-hep-forward' },
        { match: '--in-interface cali+', action: '--jump cali-from-wl-dispatch' },
        { match: '--out-interface cali+', action: '--jump cali-to-wl-dispatch' },
        { action: '--jump cali-to-hep-forward' },
        { action: '--jump cali-cidr-block' },
      ],
    ],
    [
      'cali-INPUT',
      [
        { match: '--in-interface cali+', action: '--goto cali-wl-to-host' },
        { match: ACCEPTED, action: '--jump ACCEPT' },
        { action: clearMark(MARK.all) },
        { action: '--jump cali-from-host-endpoint' },
        { comments: ['Host endpoint policy accepted packet.'], match: ACCEPTED, action: '--jump ACCEPT' },
      ],
    ],
    [
      'cali-OUTPUT',
      [
        { match: ACCEPTED, action: '--jump ACCEPT' },
        { match: '--out-interface cali+', action: '--jump RETURN' },
        { action: clearMark(MARK.all) },
        { match: '-m conntrack ! --ctstate DNAT', action: '--jump cali-to-host-endpoint' },
        { comments: ['Host endpoint policy accepted packet.'], match: ACCEPTED, action: '--jump ACCEPT' },
      ],
    ],
    ['cali-cidr-block', []],
    ['cali-from-hep-forward', []],
    ['cali-from-host-endpoint', []],
    ['cali-to-hep-forward', []],
    ['cali-to-host-endpoint', []],
    [
      'cali-from-wl-dispatch',
      [
        ...devices.map((name) => ({ match: `--in-interface ${name}`, action: `--goto cali-fw-${name}` })),
        unknown,
      ],
    ],
    [
      'cali-to-wl-dispatch',
      [
        ...devices.map((name) => ({ match: `--out-interface ${name}`, action: `--goto cali-tw-${name}` })),
        unknown,
      ],
    ],
    [
      'cali-wl-to-host',
      [
        ...(family === 'ipv4' ? [] : ROUTER_ICMPV6).map((type) => ({
          match: `-p 58 -m icmp6 --icmpv6-type ${type}`,
          action: '--jump ACCEPT',
        })),
        { action: '--jump cali-from-wl-dispatch' },
        { comments: ['Configured DefaultEndpointToHostAction'], action: '--jump ACCEPT' },
      ],
    ],
  ];
}

/** A packet that no policy of the tier decides goes on; in `default`, Kubernetes' own, it ends. */
const ENDS: Readonly<Record<CalicoTier, 'Pass' | 'Deny'>> = {
  adminnetworkpolicy: 'Pass',
  default: 'Deny',
  baselineadminnetworkpolicy: 'Pass',
};

/** What stands between a workload and the rest, in one direction (felix/rules/endpoints.go of Calico 3.30). */
export function endpointChain(
  direction: Direction,
  workload: CalicoWorkload,
  policies: readonly CalicoPolicy[],
): readonly FelixRule[] {
  const rules: FelixRule[] = [
    { match: '-m conntrack --ctstate RELATED,ESTABLISHED', action: '--jump ACCEPT' },
    { match: '-m conntrack --ctstate INVALID', action: '--jump DROP' },
    { action: clearMark(MARK.verdict) },
  ];
  if (direction === 'egress') {
    rules.push(
      {
        comments: ['Drop VXLAN encapped packets originating in workloads'],
        match: '-p udp -m multiport --destination-ports 4789',
        action: '--jump DROP',
      },
      {
        comments: ['Drop IPinIP encapped packets originating in workloads'],
        match: '-p 4',
        action: '--jump DROP',
      },
    );
  }
  const passing = `-m mark --mark 0/${MARK.pass}`;
  const speaking = policies.filter((policy) => policy[direction] !== undefined);
  for (const [tier, own] of Map.groupBy(speaking, (policy) => policy.tier)) {
    rules.push({ comments: [`Start of tier ${tier}`], action: clearMark(MARK.pass) });
    for (const policy of own) {
      rules.push(
        { match: passing, action: `--jump ${policyChain(direction, policy)}` },
        { comments: ['Return if policy accepted'], match: ACCEPTED, action: '--jump RETURN' },
      );
    }
    if (ENDS[tier] === 'Deny') {
      rules.push({
        comments: [`End of tier ${tier}. Drop if no policies passed packet`],
        match: passing,
        action: '--jump DROP',
      });
    }
  }
  for (const profile of profilesOf(workload)) {
    rules.push(
      { action: `--jump ${profileChain(direction, profile)}` },
      { comments: ['Return if profile accepted'], match: ACCEPTED, action: '--jump RETURN' },
    );
  }
  rules.push({ comments: ['Drop if no profiles matched'], action: '--jump DROP' });
  return rules;
}

export function policyChain(direction: Direction, policy: CalicoPolicy): string {
  return chainName(direction === 'ingress' ? 'cali-pi-' : 'cali-po-', policy.name);
}

function profileChain(direction: Direction, profile: string): string {
  return chainName(direction === 'ingress' ? 'cali-pri-' : 'cali-pro-', profile);
}

/** A namespace's profile allows everything; a service account's says nothing. */
function profilesOf({ pod, serviceAccount }: CalicoWorkload): readonly [namespace: string, account: string] {
  return [`kns.${pod.namespace}`, `ksa.${pod.namespace}.${serviceAccount}`];
}

export function profileChains(
  direction: Direction,
  workload: CalicoWorkload,
): readonly (readonly [string, readonly FelixRule[]])[] {
  const [namespace, account] = profilesOf(workload);
  return [
    [
      profileChain(direction, namespace),
      [{ comments: [`Profile ${namespace} ${direction}`], action: setMark(MARK.accept) }],
    ],
    [profileChain(direction, account), [{ comments: [`Profile ${account} ${direction}`] }]],
  ];
}
