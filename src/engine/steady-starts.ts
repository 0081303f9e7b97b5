import type { Container, Pod } from './api/types.ts';
import type { ContainerRun } from './container.ts';

/** How the first pod of a template fared with one of its containers. */
interface Steady {
  readonly links: Readonly<Record<string, string>>;
  readonly standIn: boolean;
}

/**
 * Containers of which one can tell how their start ends: a server whose command, environment and files are the template's
 * alone, of which the first pod has shown that it runs and has its ports.
 */
export class SteadyStarts {
  readonly #known = new WeakMap<readonly Container[], Map<string, Steady>>();

  /** What is known of the container's start; undefined when it has to be seen. */
  of({ spec }: Pod, container: string, links: Steady['links']): Steady | undefined {
    const steady = this.#known.get(spec.containers)?.get(container);
    // The variables of Services may be what a program reads.
    return steady?.links === links ? steady : undefined;
  }

  /** Learns from a container that has just been started. */
  note(pod: Pod, container: string, links: Steady['links'], run: ContainerRun): void {
    const { containers } = pod.spec;
    let known = this.#known.get(containers);
    if (!run.steady || !isTemplates(pod)) {
      known?.delete(container);
      return;
    }
    if (known === undefined) this.#known.set(containers, (known = new Map()));
    known.set(container, { links, standIn: run.standIn });
  }
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
