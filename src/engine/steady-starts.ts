import type { Container, Pod } from './api/types.ts';
import type { ContainerRun } from './container.ts';

/** How the first pod of a template fared with one of its containers. */
interface Steady {
  readonly links: Readonly<Record<string, string>>;
  readonly standIn: boolean;
}

/**
 * Containers of which one can tell how their start ends: a server whose command, environment and files are the template's
 * alone, of which a pod like it has shown that it runs and has its ports.
 */
export class SteadyStarts {
  readonly #known = new Map<string, Steady>();
  /** What starts are known by; null: each has to be seen. */
  readonly #keys = new WeakMap<readonly Container[], string | null>();

  /** What is known of the container's start; undefined when it has to be seen. */
  of(pod: Pod, container: string, links: Steady['links']): Steady | undefined {
    const key = this.#keyOf(pod);
    const steady = key === null ? undefined : this.#known.get(`${container} ${key}`);
    // The variables of Services may be what a program reads.
    return steady?.links === links ? steady : undefined;
  }

  /** Learns from a container that has just been started. */
  note(pod: Pod, container: string, links: Steady['links'], run: ContainerRun): void {
    const key = this.#keyOf(pod);
    if (key === null) return;
    if (!run.steady) this.#known.delete(`${container} ${key}`);
    else this.#known.set(`${container} ${key}`, { links, standIn: run.standIn });
  }

  #keyOf(pod: Pod): string | null {
    const { containers } = pod.spec;
    let key = this.#keys.get(containers);
    if (key === undefined) this.#keys.set(containers, (key = isTemplates(pod) ? contentsOf(pod) : null));
    return key;
  }
}

/** All that a container's program could read of the pod, but for its name and addresses. */
function contentsOf({ spec }: Pod): string {
  const { hostname, subdomain, hostAliases, dnsPolicy, dnsConfig } = spec;
  const containers = spec.containers.map(({ name, image, command, args, env, ports, volumeMounts = [] }) => [
    ...[name, image, command, args, env, ports],
    volumeMounts.map(({ mountPath, subPath }) => [mountPath, subPath]),
  ]);
  return JSON.stringify([hostname, subdomain, hostAliases, dnsPolicy, dnsConfig, containers]);
}

/** Whether nothing of its containers' beginning is the pod's own, or another object's. */
function isTemplates(pod: Pod): boolean {
  const { spec } = pod;
  return (
    spec.hostNetwork !== true &&
    (spec.initContainers ?? []).length === 0 &&
    spec.containers.every(
      (container) =>
        container.envFrom === undefined &&
        (container.env ?? []).every(({ valueFrom }) => valueFrom === undefined) &&
        ![...(container.command ?? []), ...(container.args ?? [])].some((word) => word.includes('$')) &&
        !mountsObjects(pod, container),
    )
  );
}

/** Whether the container has files of a ConfigMap or Secret. */
export function mountsObjects({ spec }: Pod, { volumeMounts = [] }: Container): boolean {
  return volumeMounts.some(({ name }) => {
    const volume = spec.volumes?.find((one) => one.name === name);
    return volume?.configMap !== undefined || volume?.secret !== undefined;
  });
}
