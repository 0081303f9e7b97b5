import type { Cursor } from '../cursor.ts';
import type { Statement } from '../rule.ts';

const LEVELS = ['emerg', 'alert', 'crit', 'err', 'warn', 'notice', 'info', 'debug', 'audit'];
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  tcp: ['sequence', 'options'],
  ip: ['options'],
  skuid: [],
  ether: [],
  all: [],
};

/** Writes to the kernel's log, which nobody reads here; the record has the decision. */
export function parseLog(cursor: Cursor): Statement | undefined {
  let prefix = '';
  let level = '';
  let group = '';
  const flags: string[] = [];
  for (;;) {
    if (cursor.take('prefix')) {
      const token = cursor.name();
      if (token === undefined) return undefined;
      prefix = ` prefix "${token.text.slice(0, 127)}"`;
    } else if (cursor.take('level')) {
      const token = cursor.peek();
      if (!LEVELS.includes(token.text)) return cursor.unexpected('string');
      cursor.next();
      // The level that the kernel takes by itself is not printed.
      level = token.text === 'warn' ? '' : ` level ${token.text}`;
    } else if (cursor.is('group', 'snaplen', 'queue-threshold')) {
      const word = cursor.next().text;
      const number = cursor.number();
      if (number === undefined) return undefined;
      group += ` ${word} ${number}`;
    } else if (cursor.take('flags')) {
      const word = cursor.peek();
      const more = Object.hasOwn(FLAGS, word.text) ? FLAGS[word.text] : undefined;
      if (more === undefined) return cursor.unexpected();
      cursor.next();
      const option = more.length > 0 ? cursor.next().text : '';
      if (option !== '' && !more.includes(option)) return cursor.unexpected();
      flags.push(` flags ${word.text}${option === '' ? '' : ` ${option}`}`);
    } else break;
  }
  const text = `log${prefix}${group}${level}${flags.join('')}`;
  return { text: () => text, run: () => 'next' };
}
