import type { Layer } from '../../src/engine/capture/record.ts';

export interface FieldDiff {
  /** As tcpdump and the RFCs call it. */
  readonly name: string;
  readonly before?: string;
  readonly after?: string;
  readonly changed: boolean;
}

export interface LayerDiff {
  readonly kind: Layer['kind'];
  readonly title: string;
  readonly status: 'same' | 'changed' | 'added' | 'removed';
  readonly fields: readonly FieldDiff[];
}

const titles: Readonly<Record<Layer['kind'], string>> = {
  eth: 'Ethernet',
  arp: 'ARP',
  ipv4: 'IPv4',
  ipv6: 'IPv6',
  tcp: 'TCP',
  udp: 'UDP',
  vxlan: 'VXLAN',
  icmp: 'ICMP',
  icmp6: 'ICMPv6',
  dns: 'DNS',
  payload: 'Payload',
};

type Field = readonly [name: string, value: string];

function fieldsOf(layer: Layer): Field[] {
  switch (layer.kind) {
    case 'eth':
      return [
        ['dst', layer.dst],
        ['src', layer.src],
        ['type', layer.type],
      ];
    case 'arp':
      return [
        ['op', layer.op],
        ['sender', `${layer.senderIp} (${layer.senderMac})`],
        ['target', layer.op === 'request' ? layer.targetIp : `${layer.targetIp} (${layer.targetMac})`],
      ];
    case 'ipv4': {
      const flags = [layer.df ? 'DF' : '', layer.mf ? 'MF' : ''].filter(Boolean).join(',') || 'none';
      const fragment: Field[] = layer.mf || layer.offset > 0 ? [['offset', String(layer.offset)]] : [];
      return [
        ['src', layer.src],
        ['dst', layer.dst],
        ['ttl', String(layer.ttl)],
        ['proto', layer.protocol],
        ['length', String(layer.length)],
        ['id', String(layer.id)],
        ['flags', flags],
        ...fragment,
      ];
    }
    case 'ipv6':
      return [
        ['src', layer.src],
        ['dst', layer.dst],
        ['hlim', String(layer.hopLimit)],
        ['next-header', layer.nextHeader],
        ['length', String(layer.length)],
      ];
    case 'tcp':
      return [
        ['sport', String(layer.sport)],
        ['dport', String(layer.dport)],
        ['flags', `[${layer.flags}]`],
        ['seq', String(layer.seq)],
        ['ack', String(layer.ack)],
        ['win', String(layer.window)],
        ...(layer.options === '' ? [] : [['options', layer.options] as const]),
        ['length', String(layer.length)],
      ];
    case 'udp':
      return [
        ['sport', String(layer.sport)],
        ['dport', String(layer.dport)],
        ['length', String(layer.length)],
      ];
    case 'vxlan':
      return [['vni', String(layer.vni)]];
    case 'icmp':
    case 'icmp6': {
      const rest: Field[] = [];
      if (layer.id !== undefined) rest.push(['id', String(layer.id)]);
      if (layer.seq !== undefined) rest.push(['seq', String(layer.seq)]);
      if (layer.mtu !== undefined) rest.push(['mtu', String(layer.mtu)]);
      const about = layer.about
        ?.map((one) => summary(one))
        .filter(Boolean)
        .join(' ');
      if (about) rest.push(['about', about]);
      return [['type', `${layer.name} (${layer.type}/${layer.code})`], ...rest];
    }
    case 'dns':
      return [['message', layer.text]];
    case 'payload':
      return [
        ['bytes', String(layer.length)],
        ...(layer.text === undefined ? [] : [['text', layer.text] as const]),
      ];
  }
}

function summary(layer: Layer): string {
  if (layer.kind === 'ipv4' || layer.kind === 'ipv6') return `${layer.src} > ${layer.dst}`;
  if (layer.kind === 'tcp' || layer.kind === 'udp') return `${layer.kind} ${layer.sport} > ${layer.dport}`;
  return '';
}

/** The headers of a frame beside those it had one hop before, aligned from the innermost: wrapping adds outside. */
export function headerDiff(before: readonly Layer[] | undefined, after: readonly Layer[]): LayerDiff[] {
  if (before === undefined) return after.map((layer) => oneSided(layer, 'same'));
  const diffs: LayerDiff[] = [];
  let b = before.length - 1;
  let a = after.length - 1;
  while (a >= 0 || b >= 0) {
    const layerA = after[a];
    const layerB = before[b];
    if (layerA !== undefined && layerB !== undefined && layerA.kind === layerB.kind) {
      diffs.unshift(bothSided(layerB, layerA));
      a -= 1;
      b -= 1;
    } else if (layerA !== undefined && (layerB === undefined || a >= b)) {
      diffs.unshift(oneSided(layerA, 'added'));
      a -= 1;
    } else if (layerB !== undefined) {
      diffs.unshift(oneSided(layerB, 'removed'));
      b -= 1;
    }
  }
  return diffs;
}

function bothSided(before: Layer, after: Layer): LayerDiff {
  const old = new Map(fieldsOf(before));
  const now = new Map(fieldsOf(after));
  const names = [...new Set([...now.keys(), ...old.keys()])];
  const fields = names.map((name): FieldDiff => {
    const was = old.get(name);
    const is = now.get(name);
    return {
      name,
      ...(was === undefined ? {} : { before: was }),
      ...(is === undefined ? {} : { after: is }),
      changed: was !== is,
    };
  });
  const changed = fields.some((field) => field.changed);
  return { kind: after.kind, title: titles[after.kind], status: changed ? 'changed' : 'same', fields };
}

function oneSided(layer: Layer, status: 'same' | 'added' | 'removed'): LayerDiff {
  const fields = fieldsOf(layer).map(([name, value]): FieldDiff =>
    status === 'removed'
      ? { name, before: value, changed: true }
      : { name, after: value, changed: status === 'added' },
  );
  return { kind: layer.kind, title: titles[layer.kind], status, fields };
}

/** The changes that a reader should notice, in a few characters each: `ttl 64 → 63`, `+ VXLAN`. */
export function notableChanges(diff: readonly LayerDiff[]): string[] {
  const changes: string[] = [];
  const wrapped =
    diff.find((layer) => layer.status === 'added' && layer.kind === 'vxlan') ??
    diff.find((layer) => layer.status === 'added' && layer.kind === 'ipv4');
  const unwrapped =
    diff.find((layer) => layer.status === 'removed' && layer.kind === 'vxlan') ??
    diff.find((layer) => layer.status === 'removed' && layer.kind === 'ipv4');
  if (wrapped !== undefined) changes.push(`+ ${wrapped.kind === 'vxlan' ? 'VXLAN' : 'IPIP'}`);
  if (unwrapped !== undefined) changes.push(`− ${unwrapped.kind === 'vxlan' ? 'VXLAN' : 'IPIP'}`);
  for (const layer of diff) {
    if (layer.status !== 'changed') continue;
    for (const field of layer.fields) {
      const wanted =
        ((layer.kind === 'ipv4' || layer.kind === 'ipv6') &&
          ['src', 'dst', 'ttl', 'hlim', 'offset'].includes(field.name)) ||
        ((layer.kind === 'tcp' || layer.kind === 'udp') && ['sport', 'dport'].includes(field.name));
      if (wanted && field.changed && field.before !== undefined && field.after !== undefined)
        changes.push(`${field.name} ${field.before} → ${field.after}`);
    }
    if (layer.kind === 'eth' && layer.fields.some((field) => field.changed)) changes.push('MAC');
  }
  return changes;
}
