import { familyOf } from './address.ts';
import type { FieldError } from './error.ts';
import * as field from './field.ts';
import type { Draft } from './json.ts';
import { equalJson, objectAt, textAt, textsAt } from './json.ts';
import type { IpFamily, Service } from './types.ts';

const families: readonly IpFamily[] = ['IPv4', 'IPv6'];

/**
 * Fills in `ipFamilyPolicy` and `ipFamilies` of a valid Service that is no ExternalName, and takes its second address back
 * when it becomes single-stack (`initIPFamilyFields` of pkg/registry/core/service/storage/alloc.go). `configured` are the
 * families of the cluster's Service ranges, the default one first.
 */
export function initIpFamilies(
  spec: Draft,
  previous: Service | undefined,
  configured: readonly IpFamily[],
): FieldError[] {
  const old = previous?.spec.type === 'ExternalName' ? undefined : previous?.spec;
  const selectorless = Object.keys(objectAt(spec, 'selector') ?? {}).length === 0;
  const headless = textAt(spec, 'clusterIP') === 'None';
  const ips = textsAt(spec, 'clusterIPs');
  if (
    old?.ipFamilyPolicy === 'PreferDualStack' &&
    spec['ipFamilyPolicy'] === 'PreferDualStack' &&
    equalJson(old.clusterIPs, ips) &&
    equalJson(old.ipFamilies, spec['ipFamilies'])
  )
    return [];
  spec['ipFamilyPolicy'] ??=
    old?.ipFamilyPolicy ?? (headless && selectorless ? 'RequireDualStack' : 'SingleStack');
  const policy = textAt(spec, 'ipFamilyPolicy');
  const single = policy === 'SingleStack';
  if (old !== undefined && single) {
    if (ips.length > 1 && equalJson(old.clusterIPs, ips)) spec['clusterIPs'] = ips.slice(0, 1);
    const asked = textsAt(spec, 'ipFamilies');
    if (asked.length > 1 && equalJson(old.ipFamilies, asked)) spec['ipFamilies'] = asked.slice(0, 1);
  }
  const errors: FieldError[] = [];
  const more = (what: string): FieldError =>
    field.invalid(
      ['spec', 'ipFamilyPolicy'],
      policy,
      `must be 'RequireDualStack' or 'PreferDualStack' when multiple ${what} are specified`,
    );
  if (single && textsAt(spec, 'clusterIPs').length === 2) errors.push(more('cluster IPs'));
  if (single && textsAt(spec, 'ipFamilies').length === 2) errors.push(more('IP families'));
  const wanted = textsAt(spec, 'ipFamilies');
  if (!headless) {
    for (const [i, ip] of textsAt(spec, 'clusterIPs').entries()) {
      if (i < wanted.length) continue;
      const family = familyOf(ip);
      if (configured.includes(family)) wanted.push(family);
      else
        errors.push(
          field.invalid(
            ['spec', 'clusterIPs', i],
            textsAt(spec, 'clusterIPs'),
            `${family} is not configured on this cluster`,
          ),
        );
    }
  }
  if (errors.length > 0) return errors;
  // Whoever writes the endpoints may have both families, whatever the cluster has.
  const free = headless && selectorless;
  if (!free) {
    if (policy === 'RequireDualStack' && configured.length < 2)
      errors.push(
        field.invalid(
          ['spec', 'ipFamilyPolicy'],
          policy,
          'this cluster is not configured for dual-stack services',
        ),
      );
    for (const [i, family] of wanted.entries())
      if (!configured.some((own) => own === family))
        errors.push(field.invalid(['spec', 'ipFamilies', i], family, 'not configured on this cluster'));
    if (errors.length > 0) return errors;
  }
  if (wanted.length === 0) wanted.push(configured[0] ?? 'IPv4');
  if (!single && wanted.length === 1 && (free || configured.length === 2))
    wanted.push(...families.filter((family) => family !== wanted[0]));
  spec['ipFamilies'] = wanted;
  return [];
}
