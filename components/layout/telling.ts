import type { Layer } from '../../src/engine/capture/record.ts';
import { explain, type Ends, type Strings } from '../strings/strings.ts';
import { worthTelling } from './hops.ts';
import { salience } from './salience.ts';
import type { Step } from './steps.ts';

/** What a step has to say: a sentence for each decision worth one, else what the frame does there. */
export function sentencesOf(step: Step, strings: Strings): { text: string; turning: boolean }[] {
  const decisions = worthTelling([...step.before, ...step.after]);
  if (decisions.length > 0) {
    return decisions.map(({ decision, netns }) => ({
      text: explain(strings, decision, strings.place(netns)),
      turning: salience(decision) === 2,
    }));
  }
  const ends = endsOf(step.layers);
  const [outer, inner] = ends;
  if (outer !== undefined && inner !== undefined)
    return [{ text: strings.tunnelled(strings.place(step.netns), outer, inner), turning: false }];
  if (step.dev === undefined) return [];
  return [{ text: strings.crossing(strings.place(step.netns), step.dev, step.dir ?? 'in'), turning: false }];
}

function endsOf(layers: readonly Layer[]): Ends[] {
  return layers.flatMap((layer) =>
    layer.kind === 'ipv4' || layer.kind === 'ipv6' ? [{ src: layer.src, dst: layer.dst }] : [],
  );
}

/** The few sentences that a small space has room for: those that turned the way, the last of them first to stay. */
export function shortly(
  sentences: readonly { text: string; turning: boolean }[],
  room: number,
): { text: string; turning: boolean }[] {
  if (sentences.length <= room) return [...sentences];
  const turning = sentences.filter((one) => one.turning);
  return (turning.length > 0 ? turning : sentences).slice(-room);
}
