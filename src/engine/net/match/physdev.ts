import { bang, type MatchExtension } from '../iptables-extension.ts';

/** Whether a device's name fits what a rule says: whole, or its beginning when it ends in `+`. */
export function interfaceMatches(pattern: string, name: string): boolean {
  return pattern.endsWith('+') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

export const physdev: MatchExtension = {
  name: 'physdev',
  options: [
    { name: 'physdev-in', argument: 'required', invertible: true },
    { name: 'physdev-out', argument: 'required', invertible: true },
    { name: 'physdev-is-in', argument: 'none', invertible: true },
    { name: 'physdev-is-out', argument: 'none', invertible: true },
    { name: 'physdev-is-bridged', argument: 'none', invertible: true },
  ],
  create(given, { chain }) {
    if (given.size === 0) return { error: 'PHYSDEV: no physdev option specified' };
    const out = given.get('physdev-out');
    const bridged = given.get('physdev-is-bridged');
    if ((out !== undefined || given.has('physdev-is-out')) && chain === 'OUTPUT') {
      return { kernel: 'Invalid argument' };
    }
    const order = [
      'physdev-is-in',
      'physdev-in',
      'physdev-is-out',
      'physdev-out',
      'physdev-is-bridged',
    ] as const;
    const words = order.flatMap((name) => {
      const option = given.get(name);
      return option === undefined
        ? []
        : [`${bang(option)} --${name}${option.value === '' ? '' : ` ${option.value}`}`];
    });
    const inside = given.get('physdev-in');
    const isIn = given.get('physdev-is-in');
    const isOut = given.get('physdev-is-out');
    return {
      name: 'physdev',
      save: words.join(''),
      list: () => ` PHYSDEV match${words.join('')}`,
      test(flow) {
        const { physIn, physOut } = flow.skb;
        if (isIn !== undefined && (physIn !== undefined) === isIn.invert) return false;
        if (isOut !== undefined && (physOut !== undefined) === isOut.invert) return false;
        if (bridged !== undefined && (physIn !== undefined && physOut !== undefined) === bridged.invert)
          return false;
        if (inside !== undefined && interfaceMatches(inside.value, physIn?.name ?? '') === inside.invert)
          return false;
        return out === undefined || interfaceMatches(out.value, physOut?.name ?? '') !== out.invert;
      },
    };
  },
};
