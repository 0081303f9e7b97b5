import { structType } from './fields.ts';
import type { Draft, DraftValue } from './json.ts';
import { equalJson, isObject, setOwn } from './json.ts';

/** patchMergeKey of k8s.io/api: lists whose items are merged by a key, by struct and field. */
const mergeKeys: Readonly<Record<string, string>> = {
  'PodSpec.containers': 'name',
  'PodSpec.initContainers': 'name',
  'PodSpec.ephemeralContainers': 'name',
  'PodSpec.volumes': 'name',
  'PodSpec.imagePullSecrets': 'name',
  'PodSpec.hostAliases': 'ip',
  'PodSpec.topologySpreadConstraints': 'topologyKey',
  'Container.ports': 'containerPort',
  'Container.env': 'name',
  'Container.volumeMounts': 'mountPath',
  'Container.volumeDevices': 'devicePath',
  'ServiceSpec.ports': 'port',
  'ObjectMeta.ownerReferences': 'uid',
  'ServiceAccount.secrets': 'name',
  'ServiceAccount.imagePullSecrets': 'name',
};

/**
 * `kubectl apply`: what the manifest says now laid over the live object, and what it said before and no longer says
 * taken out. Lists are merged by key or replaced, as strategic merge patches do for the kind.
 */
export function threeWayMerge(kind: string, original: Draft, modified: Draft, current: Draft): Draft {
  return mergeObject(kind, original, modified, current);
}

/** A strategic merge patch on its own: `null` removes. */
export function applyPatch(kind: string, current: Draft, patch: Draft): Draft {
  return mergeObject(kind, {}, patch, current);
}

function mergeObject(code: string, original: Draft, modified: Draft, current: Draft): Draft {
  const result: Draft = {};
  const fields = structType(code)?.fields;
  for (const [key, live] of Object.entries(current)) {
    if (live === undefined) continue;
    const dropped = Object.hasOwn(original, key) && original[key] !== null && !Object.hasOwn(modified, key);
    if (!dropped) setOwn(result, key, live);
  }
  for (const [key, wanted] of Object.entries(modified)) {
    if (wanted === undefined) continue;
    if (wanted === null) {
      delete result[key];
      continue;
    }
    const live = Object.hasOwn(current, key) ? current[key] : undefined;
    const before = Object.hasOwn(original, key) ? original[key] : undefined;
    const type = fields?.get(key)?.code ?? '';
    setOwn(result, key, mergeValue(type, mergeKeys[`${code}.${key}`], before, wanted, live));
  }
  return result;
}

function mergeValue(
  code: string,
  mergeKey: string | undefined,
  original: DraftValue | undefined,
  modified: DraftValue,
  current: DraftValue | undefined,
): DraftValue {
  if (isObject(modified)) {
    // Without live data the whole value is new; nulls in it still mean absence.
    return mergeObject(
      code.replace(/^\{\}/, ''),
      isObject(original) ? original : {},
      modified,
      isObject(current) ? current : {},
    );
  }
  if (!Array.isArray(modified) || mergeKey === undefined || !Array.isArray(current)) return modified;
  return mergeList(code.slice(2), mergeKey, Array.isArray(original) ? original : [], modified, current);
}

/** The manifest's order; what only the cluster knows stays after it. */
function mergeList(
  code: string,
  key: string,
  original: readonly DraftValue[],
  modified: readonly DraftValue[],
  current: readonly DraftValue[],
): DraftValue[] {
  const same = (a: DraftValue) => (b: DraftValue) => isObject(a) && isObject(b) && equalJson(a[key], b[key]);
  const merged = modified.map((item, i) => {
    // Keys may repeat (port 53 over TCP and UDP): then the same one of them counts.
    const nth = modified.slice(0, i).filter(same(item)).length;
    const live = current.filter(same(item))[nth];
    const before = original.filter(same(item))[nth];
    return isObject(item)
      ? mergeObject(code, isObject(before) ? before : {}, item, isObject(live) ? live : {})
      : item;
  });
  const others = current.filter((item) => !modified.some(same(item)) && !original.some(same(item)));
  return [...merged, ...others];
}
