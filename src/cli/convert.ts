import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { convertLesson } from '../lesson/convert.ts';
import { formatMessage } from '../lesson/message.ts';
import { readArguments } from './arguments.ts';
import { UsageError, type Command } from './command.ts';

/** `podwalk convert --to shortcode|directive [--write] FILE…`: to standard output, or in place. */
export const convert: Command = (args, terminal) => {
  const { values, positionals } = readArguments(args, { to: { type: 'string' }, write: { type: 'boolean' } });
  const { to } = values;
  if (to !== 'shortcode' && to !== 'directive') throw new UsageError('--to must be shortcode or directive');
  if (positionals.length === 0) throw new UsageError('which file?');
  if (positionals.length > 1 && values.write !== true) throw new UsageError('several files need --write');
  let errors = 0;
  for (const file of positionals) {
    if (!existsSync(file)) throw new UsageError(`there is no file ${file}`);
    const source = readFileSync(file, 'utf8');
    const { source: next, messages } = convertLesson(source, to, file);
    for (const message of messages) terminal.err(`${formatMessage(message)}\n`);
    errors += messages.filter((message) => message.severity === 'error').length;
    if (values.write !== true) terminal.out(next);
    else if (next !== source) writeFileSync(file, next);
  }
  return errors === 0 ? 0 : 1;
};
