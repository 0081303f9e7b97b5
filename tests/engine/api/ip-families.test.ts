import { describe, expect, test } from 'vitest';
import type { ServiceSpec } from '../../../src/engine/api/types.ts';
import { apply, newServer } from './server-under-test.ts';

const DUAL = '10.96.0.0/12,fd00:10:96::/112';
const V6_FIRST = 'fd00:10:96::/112,10.96.0.0/12';
const SINGLE = '10.96.0.0/12';

function service(spec: string): string {
  return `{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {${spec}, ports: [{port: 80}]}}`;
}

/** The Service after these manifests, one after the other, or what the last one was answered. */
function outcome(serviceCIDR: string, ...specs: readonly string[]): ServiceSpec | string {
  const server = newServer({ serviceCIDR });
  let told = '';
  for (const spec of specs) told = apply(server, service(spec)).stderr.join('');
  const made = server.store.get('Service', 'default', 'x')?.spec;
  return told !== '' || made === undefined ? told.replace('The Service "x" is invalid: ', '') : made;
}

function families(spec: ServiceSpec | string): unknown {
  if (typeof spec === 'string') return spec;
  const of = (ip: string): string => (ip === 'None' ? ip : ip.includes(':') ? '6' : '4');
  return [spec.ipFamilyPolicy, spec.ipFamilies?.join(), spec.clusterIPs?.map(of).join()];
}

describe('the families of a new Service', () => {
  test.each([
    ['nothing said', DUAL, 'type: ClusterIP', ['SingleStack', 'IPv4', '4']],
    ['nothing said where IPv6 comes first', V6_FIRST, 'type: ClusterIP', ['SingleStack', 'IPv6', '6']],
    ['the other family', DUAL, 'ipFamilies: [IPv6]', ['SingleStack', 'IPv6', '6']],
    ['both preferred', DUAL, 'ipFamilyPolicy: PreferDualStack', ['PreferDualStack', 'IPv4,IPv6', '4,6']],
    [
      'both preferred, where there is one',
      SINGLE,
      'ipFamilyPolicy: PreferDualStack',
      ['PreferDualStack', 'IPv4', '4'],
    ],
    ['both required', V6_FIRST, 'ipFamilyPolicy: RequireDualStack', ['RequireDualStack', 'IPv6,IPv4', '6,4']],
    [
      'both required, the other one first',
      DUAL,
      'ipFamilyPolicy: RequireDualStack, ipFamilies: [IPv6]',
      ['RequireDualStack', 'IPv6,IPv4', '6,4'],
    ],
    ['an address of the other family', DUAL, 'clusterIP: "fd00:10:96::77"', ['SingleStack', 'IPv6', '6']],
    ['headless', DUAL, 'clusterIP: None, selector: {a: b}', ['SingleStack', 'IPv4', 'None']],
    ['headless without a selector', SINGLE, 'clusterIP: None', ['RequireDualStack', 'IPv4,IPv6', 'None']],
    [
      'headless in one family without a selector',
      SINGLE,
      'clusterIP: None, ipFamilies: [IPv6], ipFamilyPolicy: SingleStack',
      ['SingleStack', 'IPv6', 'None'],
    ],
  ])('%s', (_, range, spec, expected) => {
    expect(families(outcome(range, spec))).toEqual(expected);
  });

  test.each([
    [
      'both required, where there is one',
      SINGLE,
      'ipFamilyPolicy: RequireDualStack',
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    ],
    [
      'two families without a policy',
      DUAL,
      'ipFamilies: [IPv4, IPv6]',
      `spec.ipFamilyPolicy: Invalid value: "SingleStack": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified`,
    ],
    [
      'two addresses without a policy',
      DUAL,
      'clusterIP: 10.96.0.9, clusterIPs: [10.96.0.9, "fd00:10:96::9"]',
      `spec.ipFamilyPolicy: Invalid value: "SingleStack": must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified`,
    ],
    [
      'a family twice',
      DUAL,
      'ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv4, IPv4]',
      'spec.ipFamilies[1]: Duplicate value: "IPv4"',
    ],
    [
      'a family that is none',
      DUAL,
      'ipFamilies: [ipv6]',
      'spec.ipFamilies[0]: Unsupported value: "ipv6": supported values: "IPv4", "IPv6"',
    ],
    [
      'an address of a family that the cluster lacks',
      SINGLE,
      'clusterIP: "fd00:10:96::9"',
      'spec.clusterIPs[0]: Invalid value: ["fd00:10:96::9"]: IPv6 is not configured on this cluster',
    ],
    [
      'an address of another family than it says',
      DUAL,
      'clusterIP: 10.96.0.9, ipFamilies: [IPv6]',
      'spec.clusterIPs[0]: Invalid value: "10.96.0.9": expected an IPv6 value as indicated by `ipFamilies[0]`',
    ],
    [
      'two addresses of one family',
      DUAL,
      'ipFamilyPolicy: PreferDualStack, clusterIP: 10.96.0.8, clusterIPs: [10.96.0.8, 10.96.0.9]',
      'spec.clusterIPs: Invalid value: ["10.96.0.8","10.96.0.9"]: may specify no more than one IP for each IP family',
    ],
    [
      'clusterIPs alone',
      DUAL,
      'clusterIPs: [10.96.0.9]',
      'spec.clusterIPs: Invalid value: ["10.96.0.9"]: must be empty when `clusterIP` is not specified',
    ],
    [
      'None among others',
      DUAL,
      'clusterIP: None, clusterIPs: [None, 10.96.0.9]',
      `spec.clusterIPs: Invalid value: ["None","10.96.0.9"]: 'None' must be the first and only value`,
    ],
    [
      'an IPv6 address outside',
      DUAL,
      'clusterIP: "fd00::9"',
      'spec.clusterIPs: Invalid value: ["fd00::9"]: failed to allocate IP fd00::9: the provided IP (fd00::9) is not in the valid range. The range of valid IPs is fd00:10:96::/112',
    ],
    [
      'families of an external name',
      DUAL,
      'type: ExternalName, externalName: a.b, ipFamilyPolicy: SingleStack',
      'spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services',
    ],
  ])('%s is refused', (_, range, spec, message) => {
    expect(outcome(range, spec)).toBe(message);
  });
});

describe('the families of a Service that changes', () => {
  const first = 'clusterIP: 10.96.0.9';

  test('a second address comes with the policy, and goes with it', () => {
    const both = outcome(DUAL, first, `${first}, ipFamilyPolicy: PreferDualStack`);
    expect(families(both)).toEqual(['PreferDualStack', 'IPv4,IPv6', '4,6']);
    const one = outcome(
      DUAL,
      first,
      `${first}, ipFamilyPolicy: PreferDualStack`,
      `${first}, ipFamilyPolicy: SingleStack`,
    );
    expect(families(one)).toEqual(['SingleStack', 'IPv4', '4']);
  });

  test('an address that was given back is free again', () => {
    const server = newServer({ serviceCIDR: DUAL });
    const second = (name: string, policy: string): string =>
      `{apiVersion: v1, kind: Service, metadata: {name: ${name}}, spec: {ipFamilyPolicy: ${policy}, clusterIP: 10.96.0.${name.length}, clusterIPs: [10.96.0.${name.length}${policy === 'SingleStack' ? '' : ', "fd00:10:96::9"'}], ports: [{port: 80}]}}`;
    expect(apply(server, second('a', 'PreferDualStack')).ok).toBe(true);
    expect(apply(server, second('bb', 'PreferDualStack')).stderr.join()).toContain(
      'provided IP is already allocated',
    );
    expect(apply(server, second('a', 'SingleStack')).stderr).toEqual([]);
    expect(apply(server, second('bb', 'PreferDualStack')).stderr).toEqual([]);
  });

  test.each([
    [
      'its first address',
      'clusterIP: "fd00:10:96::9"',
      'spec.clusterIPs[0]: Invalid value: ["fd00:10:96::9"]: may not change once set',
    ],
    [
      'its first family',
      'ipFamilies: [IPv6]',
      'spec.ipFamilies[0]: Invalid value: ["IPv6"]: may not change once set',
    ],
  ])('%s stays for life', (_, spec, message) => {
    expect(outcome(DUAL, 'type: ClusterIP', spec)).toContain(message);
  });

  test('the second family is given up by policy only', () => {
    const both = 'ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv4, IPv6]';
    expect(outcome(DUAL, both, 'ipFamilyPolicy: PreferDualStack, ipFamilies: [IPv4]')).toBe(
      `spec.ipFamilyPolicy: Invalid value: "PreferDualStack": must be set to 'SingleStack' when releasing the secondary ipFamily`,
    );
  });
});
