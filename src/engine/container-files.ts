import type { Store } from './api/store.ts';
import type { Container, Pod } from './api/types.ts';
import { mountedFiles } from './container-config.ts';
import { formatResolvConf, podResolvConf } from './dns/resolv.ts';
import type { DnsDefaults } from './dns/resolv.ts';
import type { Netns } from './net/netns.ts';
import { VirtualFiles } from './shell/files.ts';
import type { Files } from './shell/tool.ts';

export interface FileSources {
  readonly netns: Netns;
  readonly ips: readonly string[];
  /** The node's own files. */
  readonly node: Files;
  readonly image: Readonly<Record<string, string>>;
  readonly hostname: string;
  readonly dns: DnsDefaults;
}

/** A container's files: the image's, what is mounted over them, and what the kubelet writes. */
export function containerFiles(
  store: Store,
  pod: Pod,
  container: Container,
  sources: FileSources,
): VirtualFiles {
  const { netns, ips, node, image, hostname, dns } = sources;
  const { files, directories } = mountedFiles(store, pod, container);
  const hidden = (path: string): boolean => directories.some((root) => path.startsWith(`${root}/`));
  const virtual = new VirtualFiles(netns);
  for (const [path, text] of Object.entries(image)) if (!hidden(path)) virtual.put(path, text);
  for (const [path, text] of files) virtual.put(path, text);
  virtual.put('/etc/resolv.conf', formatResolvConf(podResolvConf(pod, dns)));
  virtual.put('/etc/hostname', `${hostname}\n`);
  const hosts = node.read('/etc/hosts');
  const own =
    pod.spec.hostNetwork === true && hosts.ok ? hosts.value : podHosts(pod, hostname, ips, dns.clusterDomain);
  virtual.put('/etc/hosts', own);
  return virtual;
}

/** pkg/kubelet/kubelet_pods.go, managedHostsFileContent. */
function podHosts(pod: Pod, hostname: string, ips: readonly string[], domain: string): string {
  const { subdomain, hostAliases = [] } = pod.spec;
  const full =
    subdomain === undefined
      ? ''
      : `${hostname}.${subdomain}.${pod.metadata.namespace ?? 'default'}.svc.${domain}\t`;
  const lines = [
    '# Kubernetes-managed hosts file.',
    '127.0.0.1\tlocalhost',
    '::1\tlocalhost ip6-localhost ip6-loopback',
    'fe00::0\tip6-localnet',
    'fe00::0\tip6-mcastprefix',
    'fe00::1\tip6-allnodes',
    'fe00::2\tip6-allrouters',
    ...ips.map((ip) => `${ip}\t${full}${hostname}`),
  ];
  if (hostAliases.length > 0) {
    lines.push('', '# Entries added by HostAliases.');
    for (const { ip, hostnames = [] } of hostAliases) lines.push(`${ip}\t${hostnames.join('\t')}`);
  }
  return `${lines.join('\n')}\n`;
}
