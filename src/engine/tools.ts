import { createKubectl } from './shell/kubectl/index.ts';
import type { KubectlHost } from './shell/kubectl/host.ts';
import type { Place, Tool } from './shell/tool.ts';
import { TOOLSETS } from './shell/toolset.ts';
import { ssh } from './shell/tools/sh.ts';

export type FindPlace = (host: string) => Place | undefined;

/** Every program that there is; nodes, the router, the switch and the outside host have them all. */
export function machineTools(find: FindPlace): ReadonlyMap<string, Tool> {
  const all: Map<string, Tool> = new Map(Object.values(TOOLSETS).flatMap((tools) => Object.entries(tools)));
  all.set('ssh', ssh(find));
  return all;
}

/** Where `kubectl` is. */
export function clientTools(host: KubectlHost, find: FindPlace): ReadonlyMap<string, Tool> {
  return new Map([...machineTools(find), ['kubectl', createKubectl(host)], ['k', createKubectl(host)]]);
}
