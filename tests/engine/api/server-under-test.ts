import type { ManifestOutcome } from '../../../src/engine/api/apply.ts';
import { applyManifest } from '../../../src/engine/api/apply.ts';
import { ApiServer } from '../../../src/engine/api/server.ts';

const clock = { now: () => 0, schedule: () => ({ cancel: () => {} }) };

/** A server with the namespace `default` and nobody who reacts. */
export function newServer(
  options: { readonly maxObjects?: number; readonly serviceCIDR?: string } = {},
): ApiServer {
  const { maxObjects = 1000, serviceCIDR = '10.96.0.0/12' } = options;
  const server = new ApiServer({ clock, seed: 1, serviceCIDR, maxObjects });
  server.createTrusted('Namespace', { metadata: { name: 'default' } });
  return server;
}

export function apply(server: ApiServer, text: string): ManifestOutcome {
  return applyManifest(server, text, { file: 'x.yaml' });
}

/** Flow YAML of a pod with one container. */
export function podText(name: string, container = '', spec = ''): string {
  return `{apiVersion: v1, kind: Pod, metadata: {name: ${name}}, spec: {${spec} containers: [{name: c, image: nginx${container && `, ${container}`}}]}}`;
}
