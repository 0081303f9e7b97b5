import { bang, mustSpecify, type MatchExtension } from '../iptables-extension.ts';
import { parseInteger } from '../iptables-rule.ts';
import { ICMP, ICMP6 } from '../netfilter-flow.ts';

type IcmpName = readonly [name: string, type: number, firstCode: number, lastCode: number];

/** libxtables' names (extensions/libxt_icmp.h); the first name of a type and code is the one that is printed. */
const ICMP_NAMES: readonly IcmpName[] = [
  ['any', 255, 0, 255],
  ['echo-reply', 0, 0, 255],
  ['pong', 0, 0, 255],
  ['destination-unreachable', 3, 0, 255],
  ['network-unreachable', 3, 0, 0],
  ['host-unreachable', 3, 1, 1],
  ['protocol-unreachable', 3, 2, 2],
  ['port-unreachable', 3, 3, 3],
  ['fragmentation-needed', 3, 4, 4],
  ['source-route-failed', 3, 5, 5],
  ['network-unknown', 3, 6, 6],
  ['host-unknown', 3, 7, 7],
  ['network-prohibited', 3, 9, 9],
  ['host-prohibited', 3, 10, 10],
  ['TOS-network-unreachable', 3, 11, 11],
  ['TOS-host-unreachable', 3, 12, 12],
  ['communication-prohibited', 3, 13, 13],
  ['host-precedence-violation', 3, 14, 14],
  ['precedence-cutoff', 3, 15, 15],
  ['source-quench', 4, 0, 255],
  ['redirect', 5, 0, 255],
  ['network-redirect', 5, 0, 0],
  ['host-redirect', 5, 1, 1],
  ['TOS-network-redirect', 5, 2, 2],
  ['TOS-host-redirect', 5, 3, 3],
  ['echo-request', 8, 0, 255],
  ['ping', 8, 0, 255],
  ['router-advertisement', 9, 0, 255],
  ['router-solicitation', 10, 0, 255],
  ['time-exceeded', 11, 0, 255],
  ['ttl-exceeded', 11, 0, 255],
  ['ttl-zero-during-transit', 11, 0, 0],
  ['ttl-zero-during-reassembly', 11, 1, 1],
  ['parameter-problem', 12, 0, 255],
  ['ip-header-bad', 12, 0, 0],
  ['required-option-missing', 12, 1, 1],
  ['timestamp-request', 13, 0, 255],
  ['timestamp-reply', 14, 0, 255],
  ['address-mask-request', 17, 0, 255],
  ['address-mask-reply', 18, 0, 255],
];

const ICMP6_NAMES: readonly IcmpName[] = [
  ['destination-unreachable', 1, 0, 255],
  ['no-route', 1, 0, 0],
  ['communication-prohibited', 1, 1, 1],
  ['beyond-scope', 1, 2, 2],
  ['address-unreachable', 1, 3, 3],
  ['port-unreachable', 1, 4, 4],
  ['failed-policy', 1, 5, 5],
  ['reject-route', 1, 6, 6],
  ['packet-too-big', 2, 0, 255],
  ['time-exceeded', 3, 0, 255],
  ['ttl-exceeded', 3, 0, 255],
  ['ttl-zero-during-transit', 3, 0, 0],
  ['ttl-zero-during-reassembly', 3, 1, 1],
  ['parameter-problem', 4, 0, 255],
  ['bad-header', 4, 0, 0],
  ['unknown-header-type', 4, 1, 1],
  ['unknown-option', 4, 2, 2],
  ['echo-request', 128, 0, 255],
  ['ping', 128, 0, 255],
  ['echo-reply', 129, 0, 255],
  ['pong', 129, 0, 255],
  ['mld-listener-query', 130, 0, 255],
  ['mld-listener-report', 131, 0, 255],
  ['mld-listener-done', 132, 0, 255],
  ['router-solicitation', 133, 0, 255],
  ['router-advertisement', 134, 0, 255],
  ['neighbour-solicitation', 135, 0, 255],
  ['neighbor-solicitation', 135, 0, 255],
  ['neighbour-advertisement', 136, 0, 255],
  ['neighbor-advertisement', 136, 0, 255],
  ['redirect', 137, 0, 255],
];

function parseType(text: string, names: readonly IcmpName[]): readonly [number, number, number] | undefined {
  const lower = text.toLowerCase();
  const named = names.filter(([name]) => name.toLowerCase().startsWith(lower));
  const exact =
    named.find(([name]) => name.toLowerCase() === lower) ?? (named.length === 1 ? named[0] : undefined);
  if (exact !== undefined) return [exact[1], exact[2], exact[3]];
  const [typeText, codeText] = text.split('/');
  const type = parseInteger(typeText ?? '', 255);
  const code = codeText === undefined ? undefined : parseInteger(codeText, 255);
  if (type === undefined || (codeText !== undefined && code === undefined)) return undefined;
  return [type, code ?? 0, code ?? 255];
}

function icmpMatch(
  match: 'icmp' | 'icmp6',
  option: string,
  protocol: number,
  word: string,
  names: readonly IcmpName[],
): MatchExtension {
  return {
    name: match,
    families: [match === 'icmp' ? 'ipv4' : 'ipv6'],
    options: [{ name: option, argument: 'required', invertible: true }],
    create(given, context) {
      const value = given.get(option);
      if (value === undefined) return mustSpecify(match, option);
      const parsed = parseType(value.value, names);
      if (parsed === undefined)
        return { error: `Unknown ${match === 'icmp' ? 'ICMP' : 'ICMPv6'} type \`${value.value}'` };
      if (context.protocol?.number !== protocol || context.protocol.invert)
        return { kernel: 'Invalid argument' };
      const [type, first, last] = parsed;
      const any = match === 'icmp' && type === 255;
      const code = first === last ? `/${first}` : first === 0 && last === 255 ? '' : `/${first}-${last}`;
      return {
        name: match,
        save: `${bang(value)} --${option} ${any ? 'any' : `${type}${code}`}`,
        list(numeric) {
          const name = names.find(([, t, f, l]) => t === type && f === first && l === last);
          if (!numeric && name !== undefined) return ` ${word} ${value.invert ? '!' : ''}${name[0]}`;
          const tail =
            first === 0 && last === 255 ? '' : first === last ? ` code ${first}` : ` codes ${first}-${last}`;
          return value.invert
            ? ` ${word} !type ${type}${tail}`
            : ` ${word}type ${type}${tail}`.replace('type ', 'type ');
        },
        test: (flow) =>
          !flow.later &&
          (any || (flow.icmpType === type && flow.icmpCode >= first && flow.icmpCode <= last)) !==
            value.invert,
      };
    },
  };
}

export const icmp = icmpMatch('icmp', 'icmp-type', ICMP, 'icmp', ICMP_NAMES);
export const icmp6 = icmpMatch('icmp6', 'icmpv6-type', ICMP6, 'ipv6-icmp', ICMP6_NAMES);
