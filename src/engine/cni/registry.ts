import { Calico } from './calico.ts';
import type { Cni, CniEnvironment } from './cni.ts';
import { Flannel } from './flannel.ts';
import { Kindnet } from './kindnet.ts';
import { NoCni } from './none.ts';

const plugins = {
  flannel: (environment) => new Flannel('vxlan', environment),
  'flannel-host-gw': (environment) => new Flannel('host-gw', environment),
  calico: (environment) => new Calico('bgp', environment),
  'calico-vxlan': (environment) => new Calico('vxlan', environment),
  'calico-ipip': (environment) => new Calico('ipip', environment),
  kindnet: (environment) => new Kindnet(environment),
  none: () => new NoCni(),
} satisfies Readonly<Record<string, (environment: CniEnvironment) => Cni>>;

/** The values that the option `cni` takes. */
export const cniNames: readonly string[] = Object.keys(plugins);

export function createCni(name: string, environment: CniEnvironment): Cni | undefined {
  const make: Readonly<Record<string, (environment: CniEnvironment) => Cni>> = plugins;
  return Object.hasOwn(make, name) ? make[name]?.(environment) : undefined;
}
