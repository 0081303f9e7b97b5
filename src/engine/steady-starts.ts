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
  /** By contents, and then by container. */
  readonly #known = new Map<string, Map<string, Steady>>();
  /** The same by template; null: each start has to be seen. */
  readonly #templates = new WeakMap<readonly Container[], Map<string, Steady> | null>();

  /** What is known of the container's start; undefined when it has to be seen. */
  of(pod: Pod, container: string, links: Steady['links']): Steady | undefined {
    const steady = this.#knownOf(pod)?.get(container);
    // The variables of Services may be what a program reads.
    return steady?.links === links ? steady : undefined;
  }

  /** Learns from a container that has just been started. */
  note(pod: Pod, container: string, links: Steady['links'], run: ContainerRun): void {
    const known = this.#knownOf(pod);
    if (run.steady) known?.set(container, { links, standIn: run.standIn });
    else known?.delete(container);
  }

  #knownOf(pod: Pod): Map<string, Steady> | null {
    const { containers } = pod.spec;
    let known = this.#templates.get(containers);
    if (known === undefined) {
      known = isTemplates(pod) ? this.#knownBy(contentsOf(pod)) : null;
      this.#templates.set(containers, known);
    }
    return known;
  }

  #knownBy(contents: string): Map<string, Steady> {
    let known = this.#known.get(contents);
    if (known === undefined) this.#known.set(contents, (known = new Map()));
    return known;
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
