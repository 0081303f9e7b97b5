import { badInteger, bang, mustSpecify, type MatchExtension } from '../iptables-extension.ts';
import { hex, parseInteger } from '../iptables-rule.ts';
import type { Flow } from '../netfilter-flow.ts';

/** `VALUE[/MASK]`. */
export function parseMark(text: string): { readonly value: number; readonly mask: number } | undefined {
  const [first, second, rest] = text.split('/');
  const value = parseInteger(first ?? '');
  const mask = second === undefined ? 0xffffffff : parseInteger(second);
  return value === undefined || mask === undefined || rest !== undefined ? undefined : { value, mask };
}

export function formatMark(value: number, mask: number): string {
  return mask === 0xffffffff ? hex(value) : `${hex(value)}/${hex(mask)}`;
}

function markMatch(name: string, read: (flow: Flow) => number): MatchExtension {
  return {
    name,
    options: [{ name: 'mark', argument: 'required', invertible: true }],
    create(given) {
      const option = given.get('mark');
      if (option === undefined) return mustSpecify(name, 'mark');
      const mark = parseMark(option.value);
      if (mark === undefined) return badInteger(name, 'mark');
      const { value, mask } = mark;
      return {
        name,
        save: `${bang(option)} --mark ${formatMark(value, mask)}`,
        list: () =>
          ` ${name} match ${bang(option).slice(1)}${option.invert || name === 'connmark' ? ' ' : ''}${formatMark(value, mask)}`,
        ...(name === 'connmark' ? { tracks: true } : {}),
        test: (flow) => ((read(flow) & mask) >>> 0 === value) !== option.invert,
      };
    },
  };
}

export const mark = markMatch('mark', (flow) => flow.skb.mark);
export const connmark = markMatch('connmark', (flow) => flow.skb.ct?.mark ?? 0);
