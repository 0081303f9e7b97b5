import type { Cni, CniResult } from './cni.ts';

/** No network plugin: pods of their own network wait for one, as they do; those of the host's network run. */
export class NoCni implements Cni {
  readonly name = 'none';
  readonly enforcesPolicy = false;

  addNode(): void {
    return;
  }

  removeNode(): void {
    return;
  }

  addPod(): CniResult {
    return {
      ok: false,
      message:
        'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized',
    };
  }

  hostDevice(): string {
    return '';
  }

  deletePod(): void {
    return;
  }
}
