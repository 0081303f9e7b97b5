import type { TargetExtension } from '../iptables-extension.ts';
import { parseInteger } from '../iptables-rule.ts';
import { clampMss } from '../mss.ts';

export const tcpmss: TargetExtension = {
  name: 'TCPMSS',
  options: [
    { name: 'set-mss', argument: 'required' },
    { name: 'clamp-mss-to-pmtu', argument: 'none' },
  ],
  create(given, { chain, protocol }) {
    const option = given.get('set-mss');
    const pmtu = given.has('clamp-mss-to-pmtu');
    if (option === undefined && !pmtu) return { error: 'TCPMSS target: At least one parameter is required' };
    const mss = option === undefined ? undefined : parseInteger(option.value, 65495);
    if (option !== undefined && mss === undefined) {
      return { error: 'TCPMSS: bad value for option "--set-mss", or out of range (0-65495).\n' };
    }
    if (protocol?.number !== 6 || protocol.invert) return { kernel: 'Invalid argument' };
    if (pmtu && (chain === 'PREROUTING' || chain === 'INPUT')) return { kernel: 'Invalid argument' };
    return {
      kind: 'extension',
      name: 'TCPMSS',
      save: pmtu ? ' --clamp-mss-to-pmtu' : ` --set-mss ${mss ?? 0}`,
      list: () => (pmtu ? ' TCPMSS clamp to PMTU' : ` TCPMSS set ${mss ?? 0}`),
      apply(flow) {
        clampMss(flow, pmtu ? undefined : mss);
        return 'CONTINUE';
      },
    };
  },
};
