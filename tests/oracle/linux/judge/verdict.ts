import type { Flows } from './packets.ts';

/** What differs, flow by flow; empty when all is the same. */
export function differences(kernel: Flows, engine: Flows): string[] {
  const names = [...new Set([...kernel.keys(), ...engine.keys()])];
  return names.flatMap((name) => {
    const [real, ours] = [kernel.get(name) ?? [], engine.get(name) ?? []];
    if (JSON.stringify(real) === JSON.stringify(ours)) return [];
    if (real.length !== ours.length)
      return [
        `${name}: kernel ${real.length} of them, engine ${ours.length}\n${firstPacket('kernel', real)}${firstPacket('engine', ours)}`,
      ];
    return real.flatMap((flow, i) => {
      const other = ours[i] ?? [];
      const at = Array.from({ length: Math.max(flow.length, other.length) }, (_, n) => n).find(
        (n) => flow[n] !== other[n],
      );
      if (at === undefined) return [];
      return [
        `${name}: packet ${at + 1} of ${flow.length}\n  kernel ${indent(flow[at])}\n  engine ${indent(other[at])}`,
      ];
    });
  });
}

function firstPacket(who: string, flows: readonly (readonly string[])[]): string {
  const [first] = flows;
  return first === undefined ? '' : `  ${who} ${indent(first[0])}\n`;
}

function indent(way: string | undefined): string {
  return (way ?? '(nothing)').replaceAll('\n', '\n         ');
}
