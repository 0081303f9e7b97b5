import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { checkLesson, updateLesson } from '../lesson/check.ts';
import { buildPageSet } from '../lesson/hugo/page-set.ts';
import { refShortcodes } from '../lesson/hugo/ref.ts';
import { lintLesson } from '../lesson/lint.ts';
import { formatMessage, judgeMessages, type Message } from '../lesson/message.ts';
import { runLabs } from '../lesson/run.ts';
import { readContent, readSource } from '../site/source.ts';
import { readArguments } from './arguments.ts';
import { UsageError, type Command } from './command.ts';

/** `podwalk check [--update] [--source DIR] [FILE…]`: every lab of every lesson, every transcript. */
export const check: Command = (args, terminal) => {
  const { values, positionals } = readArguments(args, {
    update: { type: 'boolean' },
    source: { type: 'string', default: '.' },
  });
  const source = readSource(resolve(values.source));
  const content = readContent(source);
  const chosen = positionals.map((file) => relative(source.root, resolve(file)));
  for (const [index, file] of chosen.entries()) {
    if (!existsSync(join(source.root, file)))
      throw new UsageError(`there is no file ${positionals[index] ?? ''}`);
  }
  const files = chosen.length === 0 ? content.map((file) => file.path) : chosen;

  const now = Date.now();
  const site = buildPageSet(source.config, content, { now, drafts: true, future: true, expired: true });
  const shortcodes = refShortcodes(() => site);
  const messages: Message[] = chosen.length === 0 ? [...source.messages, ...site.messages] : [];
  let labs = 0;
  let commands = 0;
  let updated = 0;
  for (const file of files.filter((path) => /\.(md|markdown)$/i.test(path))) {
    const text = readFileSync(join(source.root, file), 'utf8');
    const lesson = lintLesson(text, file, source.config, { shortcodes });
    const runs = runLabs(lesson.labs, { record: false });
    labs += runs.length;
    commands += runs.flatMap((run) => run.steps).filter((step) => step.kind === 'run').length;
    const found = judgeMessages(checkLesson(lesson, runs), source.config.severities);
    if (values.update === true) {
      const next = updateLesson(lesson, runs);
      if (next !== text) {
        writeFileSync(join(source.root, file), next);
        terminal.out(`${file}: written\n`);
        updated++;
      }
      messages.push(...lesson.messages, ...found.filter((message) => message.rule !== 'console/output'));
    } else {
      messages.push(...lesson.messages, ...found);
    }
  }
  const lines = new Set(messages.map(formatMessage));
  for (const line of lines) terminal.out(`${line}\n`);
  const errors = messages.filter((message) => message.severity === 'error').length;
  const told =
    values.update === true
      ? `${updated} ${updated === 1 ? 'file' : 'files'} written`
      : `${errors} ${errors === 1 ? 'error' : 'errors'}`;
  terminal.out(`${labs} labs, ${commands} commands, ${told}\n`);
  return errors === 0 ? 0 : 1;
};
