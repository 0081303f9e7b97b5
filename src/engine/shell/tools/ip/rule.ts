import { formatRule, type RoutingRuleSpec } from '../../../net/rule.ts';
import { parseTable } from './route.ts';
import { answer, network, Refusal, type Words } from './words.ts';

export function ipRule(words: Words): void {
  const command = words.subcommand(['show', 'list', 'lst', 'add', 'delete', 'flush', 'help'], 'show');
  const { rules } = words.ctx.netns.routes;
  const family = words.options.family ?? 4;
  switch (command) {
    case 'show':
    case 'list':
    case 'lst':
      for (const rule of rules.list(family)) words.ctx.out(`${formatRule(rule)}\n`);
      return;
    case 'add':
      return answer(rules.add({ ...parse(words), family }));
    case 'delete':
      return answer(rules.delete({ ...parse(words), family }));
    default:
      throw new Refusal(`Command "${words.previous()}" is unknown, try "ip rule help".`, 255);
  }
}

function parse(words: Words): RoutingRuleSpec {
  let spec: RoutingRuleSpec = {};
  while (words.more) {
    const word = words.value();
    switch (word) {
      case 'not':
        spec = { ...spec, invert: true };
        break;
      case 'from':
      case 'to': {
        const text = words.value();
        const prefix = network(words.prefix(text));
        if (prefix.length > 0) spec = word === 'from' ? { ...spec, from: prefix } : { ...spec, to: prefix };
        break;
      }
      case 'fwmark': {
        const [mark = '', mask] = words.value().split('/');
        if (!isNumber(mark) || (mask !== undefined && !isNumber(mask)))
          throw new Refusal(`Error: argument "${mark}" is wrong: fwmark value is invalid\n`, 255);
        spec = { ...spec, mark: Number(mark), ...(mask === undefined ? {} : { markMask: Number(mask) }) };
        break;
      }
      case 'iif':
      case 'dev':
        spec = { ...spec, iif: words.value() };
        break;
      case 'oif':
        spec = { ...spec, oif: words.value() };
        break;
      case 'table':
      case 'lookup':
        spec = { ...spec, table: parseTable(words.value()) };
        break;
      case 'pref':
      case 'preference':
      case 'priority':
      case 'order':
        spec = { ...spec, preference: words.number('preference') };
        break;
      case 'suppress_prefixlength':
        spec = { ...spec, suppressPrefixLength: words.number('suppress_prefixlength') };
        break;
      case 'blackhole':
      case 'unreachable':
      case 'prohibit':
        spec = { ...spec, action: word };
        break;
      default:
        throw new Refusal(`Error: argument "${word}" is wrong: Failed to parse rule type\n`, 255);
    }
  }
  return spec;
}

function isNumber(text: string): boolean {
  return /^(0x[0-9a-f]{1,8}|\d{1,10})$/i.test(text);
}
