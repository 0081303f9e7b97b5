import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { NetnsLab } from '../../../../src/engine/index.ts';
import { parseLesson } from '../../../../src/lesson/lesson.ts';
import { netnsLab } from '../../../../src/lesson/netns.ts';

const content = new URL('../../../../content/', import.meta.url).pathname;

/** Every lab of every lesson, once, though its page is there in Korean and in English. */
export function labsOfLessons(): { readonly name: string; readonly lab: NetnsLab }[] {
  const found = new Map<string, { readonly name: string; readonly lab: NetnsLab }>();
  for (const path of globSync('**/*.md', { cwd: content }).sort()) {
    const file = join(content, path);
    const { labs } = parseLesson(readFileSync(file, 'utf8'), file);
    for (const source of labs) {
      const lab = netnsLab(labs, source);
      const what = JSON.stringify([lab.options, lab.steps, lab.from]);
      if (!found.has(what)) found.set(what, { name: `${source.id} of ${basename(path, '.md')}`, lab });
    }
  }
  return [...found.values()];
}
