import type { Layer } from '../../src/engine/capture/record.ts';
import { segmentNames } from '../strings/strings.ts';
import { fit } from './text.ts';

/** What is written on a packet: its protocol and what it says, its ports, and what it is wrapped in. */
export interface PacketLabel {
  readonly title: string;
  readonly detail: string;
  readonly outer?: { readonly title: string; readonly detail: string };
}

export function packetLabel(layers: readonly Layer[]): PacketLabel {
  const vxlan = layers.findIndex((layer) => layer.kind === 'vxlan');
  if (vxlan >= 0) {
    const udp = layers.slice(0, vxlan).find((layer) => layer.kind === 'udp');
    return {
      ...packetLabel(layers.slice(vxlan + 1)),
      outer: { title: 'VXLAN', detail: `UDP ${udp?.kind === 'udp' ? udp.dport : 8472}` },
    };
  }
  const [, innerAddress] = layers.filter((layer) => layer.kind === 'ipv4' || layer.kind === 'ipv6');
  if (innerAddress !== undefined) {
    const inner = layers.lastIndexOf(innerAddress);
    return { ...packetLabel(layers.slice(inner)), outer: { title: 'IPIP', detail: '' } };
  }
  return plainLabel(layers);
}

function plainLabel(layers: readonly Layer[]): PacketLabel {
  for (const layer of layers) {
    switch (layer.kind) {
      case 'arp':
        return layer.op === 'request'
          ? { title: 'ARP', detail: `${layer.targetIp}?` }
          : { title: 'ARP', detail: 'is-at' };
      case 'tcp': {
        const ports = `${layer.sport}→${layer.dport}`;
        const payload = layers.find((one) => one.kind === 'payload');
        const text = payload?.kind === 'payload' ? payload.text : undefined;
        const request = /^(GET|POST|PUT|HEAD|DELETE|PATCH|OPTIONS) /.exec(text ?? '')?.[1];
        const status = /^HTTP\/[\d.]+ (\d+)/.exec(text ?? '')?.[1];
        if (request !== undefined) return { title: `HTTP ${request}`, detail: ports };
        if (status !== undefined) return { title: `HTTP ${status}`, detail: ports };
        if (layers.some((one) => one.kind === 'dns')) return { title: 'DNS', detail: ports };
        if (layer.length > 0) return { title: `TCP ${layer.length} B`, detail: ports };
        return { title: segmentNames[layer.flags] ?? `TCP ${layer.flags}`, detail: ports };
      }
      case 'udp': {
        const ports = `${layer.sport}→${layer.dport}`;
        return { title: layers.some((one) => one.kind === 'dns') ? 'DNS' : 'UDP', detail: ports };
      }
      case 'icmp':
      case 'icmp6':
        return { title: 'ICMP', detail: fit(layer.name, 76, 9.5, 0) };
      default:
    }
  }
  const last = layers.at(-1);
  return { title: last?.kind.toUpperCase() ?? '', detail: '' };
}
