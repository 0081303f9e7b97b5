import { familyOf, parseAddress } from '../address.ts';
import type { FieldError } from '../error.ts';
import * as field from '../field.ts';
import type { Draft } from '../json.ts';
import { objectAt, textAt, textsAt } from '../json.ts';
import type { JsonPath } from '../path.ts';

export const validIp = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';

/** `clusterIPs`, with `clusterIP` where only that is given. */
export function clusterIPsOf(spec: Draft): string[] {
  const ips = textsAt(spec, 'clusterIPs');
  const clusterIP = textAt(spec, 'clusterIP');
  return ips.length > 0 ? ips : clusterIP ? [clusterIP] : [];
}

/** core validation.ValidateServiceClusterIPsRelatedFields; the schema has seen to the words that are allowed. */
export function validateClusterIPs(spec: Draft, path: JsonPath): FieldError[] {
  if (textAt(spec, 'type') === 'ExternalName') return [];
  const errors: FieldError[] = [];
  const given = textsAt(spec, 'clusterIPs');
  const clusterIP = textAt(spec, 'clusterIP') ?? '';
  const families = textsAt(spec, 'ipFamilies');
  const all = [...path, 'clusterIPs'];
  if (given.length > 0 && clusterIP === '')
    errors.push(field.invalid(all, given, 'must be empty when `clusterIP` is not specified'));
  else if (given.length > 0 && given[0] !== clusterIP)
    errors.push(field.invalid(all, given, 'first value must match `clusterIP`'));
  for (const [i, family] of families.entries())
    if (families.indexOf(family) < i) errors.push(field.duplicate([...path, 'ipFamilies', i], family));
  const ips = clusterIPsOf(spec);
  let wrong = false;
  for (const [i, ip] of ips.entries()) {
    if (i === 0 && ip === 'None') {
      if (ips.length === 1) continue;
      wrong = true;
      errors.push(field.invalid(all, ips, "'None' must be the first and only value"));
    } else if (!parseAddress(ip)) {
      wrong = true;
      const error = field.invalid([...all, i], ip, validIp);
      errors.push(given.length > 0 ? error : { ...error, path: [...path, 'clusterIP'] });
    }
  }
  if (ips.length > 2) errors.push(field.invalid(all, ips, 'may only hold up to 2 values'));
  if (wrong) return errors;
  if (ips.length > 1 && new Set(ips.map(familyOf)).size < ips.length)
    errors.push(field.invalid(all, ips, 'may specify no more than one IP for each IP family'));
  if (errors.length > 0 || ips[0] === 'None') return errors;
  for (const [i, ip] of ips.entries()) {
    const family = families[i];
    if (family !== undefined && family !== familyOf(ip))
      errors.push(
        field.invalid([...all, i], ip, `expected an ${family} value as indicated by \`ipFamilies[${i}]\``),
      );
  }
  return errors;
}

/** What of `clusterIPs` and `ipFamilies` an update may change: a second one may come, and go with the policy SingleStack. */
export function validateClusterIPsUpdate(next: Draft, live: Draft): FieldError[] {
  const [spec, old] = [objectAt(next, 'spec') ?? {}, objectAt(live, 'spec') ?? {}];
  if (textAt(spec, 'type') === 'ExternalName' || textAt(old, 'type') === 'ExternalName') return [];
  const [ips, before] = [clusterIPsOf(spec), clusterIPsOf(old)];
  const headless = ips[0] === 'None';
  const wasHeadless = before[0] === 'None';
  const errors: FieldError[] = [];
  // Left out, they are kept.
  if (ips.length > 0 && !(headless && wasHeadless)) {
    const point = textsAt(spec, 'clusterIPs').length > 1 ? ['spec', 'clusterIPs'] : ['spec', 'clusterIP'];
    for (const [i, ip] of before.entries()) {
      if (i >= ips.length || ip === ips[i] || (i > 0 && ips.length !== before.length)) continue;
      errors.push({
        ...field.invalid(['spec', 'clusterIPs', i], ips, 'may not change once set'),
        path: point,
      });
    }
    if (before.length > ips.length) errors.push(...mustBeSingle(spec, 'clusterIP'));
  }
  if (headless || wasHeadless) return errors;
  const [families, oldFamilies] = [textsAt(spec, 'ipFamilies'), textsAt(old, 'ipFamilies')];
  if (families.length === 0) return errors;
  for (const [i, family] of oldFamilies.entries()) {
    if (i >= families.length || family === families[i] || (i > 0 && families.length !== oldFamilies.length))
      continue;
    errors.push(field.invalid(['spec', 'ipFamilies', 0], families, 'may not change once set'));
  }
  if (oldFamilies.length > families.length) errors.push(...mustBeSingle(spec, 'ipFamily'));
  return errors;
}

function mustBeSingle(spec: Draft, what: 'clusterIP' | 'ipFamily'): FieldError[] {
  const policy = textAt(spec, 'ipFamilyPolicy');
  if (policy === 'SingleStack') return [];
  const detail = `must be set to 'SingleStack' when releasing the secondary ${what}`;
  return [field.invalid(['spec', 'ipFamilyPolicy'], policy, detail)];
}
