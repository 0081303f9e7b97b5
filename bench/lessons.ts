import { readFileSync } from 'node:fs';
import { parseLesson } from '../src/lesson/lesson.ts';
import type { LabSource } from '../src/lesson/lab.ts';

export const lessonFile = 'content/en/docs/networking/pod-to-pod-communications.md';

export function lessonSource(): string {
  return readFileSync(lessonFile, 'utf8');
}

export function lessonLabs(): readonly LabSource[] {
  return parseLesson(lessonSource(), lessonFile).labs;
}

/** The middle of several timings of one function, in milliseconds, after as many rounds to warm up. */
export async function medianOf(rounds: number, run: () => unknown): Promise<number> {
  for (let round = 0; round < rounds; round++) await run();
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    await run();
    times.push(performance.now() - began);
  }
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? NaN;
}
