import { afterAll, describe, expect, test } from 'vitest';
import { pcapng } from '../../src/engine/index.ts';
import { parseLesson } from '../../src/lesson/lesson.ts';
import { runLabs } from '../../src/lesson/run.ts';
import { readContent, readSource } from '../../src/site/source.ts';
import { CaptureFile, present } from '../engine/capture/tshark.ts';

const source = readSource(new URL('../..', import.meta.url).pathname);
// Languages differ in words, not in packets.
const lessons = readContent(source)
  .filter(({ path }) => path.startsWith('content/en/'))
  .map(({ path, source: text }) => ({ path, runs: () => runLabs(parseLesson(text, path).labs) }));

describe.skipIf(!present)('what the lessons let one download', () => {
  const file = new CaptureFile();
  afterAll(() => file.remove());

  test.each(lessons)('tshark has no complaint about the captures of $path', ({ runs }) => {
    const records = runs()
      .flatMap(({ steps }) => steps)
      .flatMap((step) => (step.kind === 'run' ? [step.result.record] : []))
      .filter(({ events }) => events.some(({ kind }) => kind === 'frame'));
    if (records.length === 0) return;
    file.write(...records.map(pcapng));
    const frames = records.flatMap(({ events }) => events).filter(({ kind }) => kind === 'frame').length;
    expect(file.read()).toHaveLength(frames);
    expect(file.complaints()).toEqual([]);
  });
});
