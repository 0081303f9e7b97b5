import {
  badInteger,
  type ExtensionError,
  type GivenOptions,
  type TargetExtension,
} from '../iptables-extension.ts';
import { hex, parseInteger } from '../iptables-rule.ts';
import { formatMark, parseMark } from '../match/mark.ts';

const OPERATIONS = ['set-xmark', 'set-mark', 'and-mark', 'or-mark', 'xor-mark'] as const;

/** `mark = (mark & ~mask) ^ value`, the form in which the kernel keeps every operation. */
interface MarkOperation {
  readonly value: number;
  readonly mask: number;
}

function parseOperation(extension: string, given: GivenOptions): MarkOperation | ExtensionError | undefined {
  const name = OPERATIONS.find((word) => given.has(word));
  const option = name === undefined ? undefined : given.get(name);
  if (name === undefined || option === undefined) return undefined;
  if (name === 'set-xmark' || name === 'set-mark') {
    const mark = parseMark(option.value);
    if (mark === undefined) return badInteger(extension, name);
    return { value: mark.value, mask: name === 'set-mark' ? (mark.mask | mark.value) >>> 0 : mark.mask };
  }
  const bits = parseInteger(option.value);
  if (bits === undefined) return badInteger(extension, name);
  if (name === 'and-mark') return { value: 0, mask: ~bits >>> 0 };
  return name === 'or-mark' ? { value: bits, mask: bits } : { value: bits, mask: 0 };
}

function listOperation({ value, mask }: MarkOperation): string {
  if (mask === 0) return `xor ${hex(value)}`;
  if (mask === 0xffffffff) return `set ${hex(value)}`;
  if (value === 0) return `and ${hex(~mask)}`;
  if (value === mask) return `or ${hex(value)}`;
  return `xset ${formatMark(value, mask)}`;
}

function change(before: number, { value, mask }: MarkOperation): number {
  return ((before & ~mask) ^ value) >>> 0;
}

export const mark: TargetExtension = {
  name: 'MARK',
  options: OPERATIONS.map((name) => ({ name, argument: 'required' })),
  create(given) {
    const operation = parseOperation('MARK', given);
    if (operation === undefined) {
      return { error: 'MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required' };
    }
    if (!('mask' in operation)) return operation;
    return {
      kind: 'extension',
      name: 'MARK',
      save: ` --set-xmark ${hex(operation.value)}/${hex(operation.mask)}`,
      list: () => ` MARK ${listOperation(operation)}`,
      apply(flow) {
        flow.skb.mark = change(flow.skb.mark, operation);
        return 'CONTINUE';
      },
    };
  },
};

export const connmark: TargetExtension = {
  name: 'CONNMARK',
  options: [
    ...OPERATIONS.map((name) => ({ name, argument: 'required' }) as const),
    { name: 'save-mark', argument: 'none' },
    { name: 'restore-mark', argument: 'none' },
    { name: 'mask', argument: 'required' },
    { name: 'nfmask', argument: 'required' },
    { name: 'ctmask', argument: 'required' },
  ],
  create(given) {
    const copy = given.has('save-mark') ? 'save' : given.has('restore-mark') ? 'restore' : undefined;
    if (copy === undefined) {
      const operation = parseOperation('CONNMARK', given);
      if (operation === undefined) return { error: 'CONNMARK target: No operation specified' };
      if (!('mask' in operation)) return operation;
      return {
        kind: 'extension',
        name: 'CONNMARK',
        save: ` --set-xmark ${hex(operation.value)}/${hex(operation.mask)}`,
        list: () => ` CONNMARK ${listOperation(operation)}`,
        tracks: true,
        apply(flow) {
          if (flow.skb.ct !== undefined) flow.skb.ct.mark = change(flow.skb.ct.mark, operation);
          return 'CONTINUE';
        },
      };
    }
    let nfmask = 0xffffffff;
    let ctmask = 0xffffffff;
    for (const name of ['mask', 'nfmask', 'ctmask'] as const) {
      const option = given.get(name);
      if (option === undefined) continue;
      const value = parseInteger(option.value);
      if (value === undefined) return badInteger('CONNMARK', name);
      if (name !== 'ctmask') nfmask = value;
      if (name !== 'nfmask') ctmask = value;
    }
    const whole = nfmask === 0xffffffff && ctmask === 0xffffffff;
    const masks =
      nfmask === ctmask ? ` mask ${hex(nfmask)}` : ` nfmask ${hex(nfmask)} ctmask ~${hex(ctmask)}`;
    return {
      kind: 'extension',
      name: 'CONNMARK',
      save: ` --${copy}-mark --nfmask ${hex(nfmask)} --ctmask ${hex(ctmask)}`,
      list: () => ` CONNMARK ${copy}${whole ? '' : masks}`,
      tracks: true,
      apply(flow) {
        const { skb } = flow;
        if (skb.ct === undefined) return 'CONTINUE';
        if (copy === 'save') skb.ct.mark = ((skb.ct.mark & ~ctmask) ^ (skb.mark & nfmask)) >>> 0;
        else skb.mark = ((skb.mark & ~nfmask) ^ (skb.ct.mark & ctmask)) >>> 0;
        return 'CONTINUE';
      },
    };
  },
};
