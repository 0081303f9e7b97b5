import type { Manifest, ManifestObject } from './api/manifest.ts';
import type { JsonPath } from './api/path.ts';
import { imageOf } from './apps/catalog.ts';
import { parseImage } from './apps/image.ts';
import type { Cni } from './cni/cni.ts';
import type { Diagnostic } from './cluster.ts';

/** What a manifest asks for and this cluster does not do, or does only in name. */
export function honestWords(manifest: Manifest, cni: Cni, file: string | undefined): Diagnostic[] {
  return manifest.objects.flatMap((object) => {
    const words = [...(cni.enforcesPolicy ? [] : policyWords(object, cni)), ...imageWords(object)];
    return words.map((word) => (file === undefined ? word : { ...word, file }));
  });
}

function policyWords({ value, locate }: ManifestObject, cni: Cni): Diagnostic[] {
  if (value['kind'] !== 'NetworkPolicy') return [];
  return [
    {
      severity: 'warning',
      code: 'cni/policy-not-enforced',
      message: `${cni.name} does not enforce NetworkPolicies: the API accepts this one, and no packet meets it`,
      hint: 'a CNI that does: calico',
      ...locate(['kind'], 'value'),
    },
  ];
}

function imageWords({ value, locate }: ManifestObject): Diagnostic[] {
  const words: Diagnostic[] = [];
  for (const { image, path } of imagesIn(value, [], 0)) {
    const reference = parseImage(image);
    if (reference === undefined || imageOf(reference).known) continue;
    words.push({
      severity: 'warning',
      code: 'image/stand-in',
      message: `image "${image}" is not one that is simulated: a stand-in listens on the ports that the container declares, and says so when it is called`,
      ...locate(path, 'value'),
    });
  }
  return words;
}

/** Every `image` of a container, wherever the object keeps its pod template. */
function imagesIn(
  value: unknown,
  path: JsonPath,
  depth: number,
): { readonly image: string; readonly path: JsonPath }[] {
  if (typeof value !== 'object' || value === null || depth > 12) return [];
  const last = path.at(-2);
  if (last === 'containers' || last === 'initContainers') {
    const image = 'image' in value ? value.image : undefined;
    return typeof image === 'string' ? [{ image, path: [...path, 'image'] }] : [];
  }
  const entries: (readonly [string | number, unknown])[] = Array.isArray(value)
    ? value.map((item: unknown, i) => [i, item] as const)
    : Object.entries(value);
  return entries.flatMap(([key, item]) => imagesIn(item, [...path, key], depth + 1));
}
