import type { ImageReference } from './server.ts';

/** `nginx:1.27`, `registry.k8s.io/e2e-test-images/agnhost:2.47`, with or without a digest (distribution/reference). */
export function parseImage(text: string): ImageReference | undefined {
  if (text === lastText) return lastReference;
  lastText = text;
  lastReference = parse(text);
  return lastReference;
}

/** Pods of one template ask one after the other. */
let lastText: string | undefined;
let lastReference: ImageReference | undefined;

function parse(text: string): ImageReference | undefined {
  const match =
    /^((?:[a-zA-Z0-9.-]+(?::\d+)?|localhost(?::\d+)?)\/)?([a-z0-9]+(?:(?:\.|_{1,2}|-+|\/)[a-z0-9]+)*)(?::([\w][\w.-]{0,127}))?(?:@(sha256:[0-9a-f]{64}))?$/.exec(
      text,
    );
  if (match === null) return undefined;
  const [, host = '', path = '', tag, digest = ''] = match;
  const isHost = /[.:]/.test(host) || host === 'localhost/';
  const registry = isHost ? host.slice(0, -1) : 'docker.io';
  const whole = isHost ? path : `${host}${path}`;
  if (whole !== whole.toLowerCase()) return undefined;
  const repository = registry === 'docker.io' && !whole.includes('/') ? `library/${whole}` : whole;
  return { text, registry, repository, tag: tag ?? (digest === '' ? 'latest' : ''), digest };
}

/** The name that a person means: without Docker Hub's `library/` and whatever registry mirrors it. */
export function shortName({ registry, repository }: ImageReference): string {
  const bare = repository.replace(/^library\//, '');
  return registry === 'docker.io' || registry === 'public.ecr.aws'
    ? bare.replace(/^docker\/library\//, '')
    : `${registry}/${bare}`;
}
