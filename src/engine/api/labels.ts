import type { LabelSelector, StringMap } from './types.ts';

/** The value of a key that users may have chosen (`constructor`, `__proto__` …). */
export function labelOf(labels: StringMap | undefined, key: string): string | undefined {
  return labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined;
}

/** Whether every pair of `selector` is among `labels`; an empty selector matches everything. */
export function matchesLabels(selector: StringMap, labels: StringMap | undefined): boolean {
  for (const key of Object.keys(selector)) if (labelOf(labels, key) !== selector[key]) return false;
  return true;
}

/** metav1.LabelSelectorAsSelector: a missing (null) selector matches nothing, an empty one everything. */
export function matchesSelector(
  selector: LabelSelector | null | undefined,
  labels: StringMap | undefined,
): boolean {
  if (selector === null || selector === undefined) return false;
  if (selector.matchLabels && !matchesLabels(selector.matchLabels, labels)) return false;
  for (const { key, operator, values } of selector.matchExpressions ?? []) {
    const value = labelOf(labels, key);
    switch (operator) {
      case 'In':
        if (value === undefined || !values?.includes(value)) return false;
        break;
      case 'NotIn':
        if (value !== undefined && values?.includes(value)) return false;
        break;
      case 'Exists':
        if (value === undefined) return false;
        break;
      case 'DoesNotExist':
        if (value !== undefined) return false;
        break;
    }
  }
  return true;
}
