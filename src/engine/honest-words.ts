import type { Manifest, ManifestObject } from './api/manifest.ts';
import type { JsonPath } from './api/path.ts';
import type { Store } from './api/store.ts';
import type { Pod } from './api/types.ts';
import { imageOf } from './apps/catalog.ts';
import { parseImage, shortName } from './apps/image.ts';
import type { Cni } from './cni/cni.ts';
import type { Diagnostic } from './cluster.ts';

/** What a manifest asks for and this cluster does not do, or does only in name. */
export function honestWords(
  manifest: Manifest,
  { cni, store }: { readonly cni: Cni; readonly store: Store },
  file: string | undefined,
): Diagnostic[] {
  return manifest.objects.flatMap((object) => {
    const words = [
      ...(cni.enforcesPolicy ? [] : policyWords(object, cni)),
      ...ingressWords(object, store),
      ...imageWords(object),
    ];
    return words.map((word) => (file === undefined ? word : { ...word, file }));
  });
}

function policyWords({ value, locate }: ManifestObject, cni: Cni): Diagnostic[] {
  const kind = value['kind'];
  if (kind !== 'NetworkPolicy' && kind !== 'AdminNetworkPolicy' && kind !== 'BaselineAdminNetworkPolicy')
    return [];
  return [
    {
      severity: 'warning',
      code: 'cni/policy-not-enforced',
      message: `${cni.name} does not enforce ${kind === 'BaselineAdminNetworkPolicy' ? 'a BaselineAdminNetworkPolicy' : kind.replace(/y$/, 'ies')}: the API accepts this one, and no packet meets it`,
      hint: 'a CNI that does: calico',
      ...locate(['kind'], 'value'),
    },
  ];
}

function ingressWords({ value, locate }: ManifestObject, store: Store): Diagnostic[] {
  if (value['kind'] !== 'Ingress' || store.list('Pod').some(servesIngress)) return [];
  return [
    {
      severity: 'warning',
      code: 'ingress/no-controller',
      message:
        'no ingress controller runs in this cluster: the API accepts this Ingress, and nobody serves it',
      hint: 'kubectl apply -f https://raw.githubusercontent.com/kubernetes/ingress-nginx/controller-v1.13.3/deploy/static/provider/baremetal/deploy.yaml',
      ...locate(['kind'], 'value'),
    },
  ];
}

function servesIngress({ spec }: Pod): boolean {
  return spec.containers.some(({ image = '' }) => {
    const reference = parseImage(image);
    return reference !== undefined && shortName(reference).endsWith('/ingress-nginx/controller');
  });
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
