import { parse, parseFragment, type DefaultTreeAdapterMap } from 'parse5';
import { render } from 'svelte/server';
import type { Diagnostic } from '../src/engine/cluster.ts';
import { Survey } from '../src/engine/reach.ts';
import type { LabBlock, LabSource } from '../src/lesson/lab.ts';
import { runLabs, type LabRun } from '../src/lesson/run.ts';
import { embedLabs } from './element/embedded.ts';
import { readLab, type ReadLab } from './element/read.ts';
import type { LabData } from './lab-data.ts';
import { glossaryHtml } from './layout/hop-html.ts';
import { labDataFrom } from './lab-data-from-run.ts';
import { parsedReader as reader } from './parsed-reader.ts';
import { panelHtml } from './reach/panel.ts';
import { reachView } from './reach/view.ts';
import { en } from './strings/en.ts';
import { ko } from './strings/ko.ts';
import type { Language, Strings } from './strings/strings.ts';
import BrokenLab from './widget/BrokenLab.svelte';
import Lab from './widget/Lab.svelte';

type Node = DefaultTreeAdapterMap['node'];
type Element = DefaultTreeAdapterMap['element'];

export interface PrerenderOptions {
  /** A language tag; Korean and English are spoken, everything else is answered in English. */
  readonly lang?: string;
  /** The same labs as the lesson's source has them: where they stand, for the diagnostics. */
  readonly labs?: readonly LabSource[];
}

export interface Prerendered {
  readonly html: string;
  /** What the labs' manifests and options have against them, each with the lab's id as its file where it has none. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Runs the labs of a page, or of a part of one, and puts the finished widgets where they stand. The rest of the HTML is
 * passed through as it is, to the byte; a lab that was prerendered before is left alone.
 */
export async function prerender(html: string, options: PrerenderOptions = {}): Promise<Prerendered> {
  if (!html.includes('<pod-lab')) return { html, diagnostics: [] };
  const language: Language = options.lang?.toLowerCase().startsWith('ko') ? 'ko' : 'en';
  const strings = language === 'ko' ? ko : en;
  const document = /<html[\s>]/i.test(html)
    ? parse(html, { sourceCodeLocationInfo: true })
    : parseFragment(html, { sourceCodeLocationInfo: true });
  const elements = labElements(document);
  const finished = finishedLabs(html, elements, strings, options.labs ?? []);
  const diagnostics: Diagnostic[] = [];
  let result = '';
  let end = 0;
  elements.forEach((element, i) => {
    const place = element.sourceCodeLocation;
    const lab = finished.labs[i];
    if (place?.startTag === undefined || lab === undefined) return;
    diagnostics.push(...lab.diagnostics);
    const startTag = html.slice(place.startTag.startOffset, place.startTag.endOffset);
    result += html.slice(end, place.startTag.startOffset);
    result +=
      reader.attribute(element, 'id') === undefined
        ? startTag.replace(/^<pod-lab/, `<pod-lab id="${lab.id}"`)
        : startTag;
    result += lab.html;
    result += '</pod-lab>';
    end = place.endOffset;
  });
  return { html: result + finished.data + html.slice(end), diagnostics };
}

interface FinishedLab {
  readonly id: string;
  readonly html: string;
  /** Absent for a lab that never came to life. */
  readonly data?: LabData;
  readonly diagnostics: readonly Diagnostic[];
}

interface FinishedLabs {
  readonly labs: readonly FinishedLab[];
  /** What their terms open and what they hydrate from; it stands after the last one. */
  readonly data: string;
}

/** Pages whose labs were made before, the least recently used first: a page that is written again and again keeps its labs. */
const memory = new Map<string, FinishedLabs>();
const remembered = 32;

/** The labs of a page are made together, since they may share clusters; what they become follows from their HTML alone. */
function finishedLabs(
  html: string,
  elements: readonly Element[],
  strings: Strings,
  known: readonly LabSource[],
): FinishedLabs {
  const key = [strings.language, ...elements.map((element) => sourceOf(html, element))].join('\0');
  const made = memory.get(key);
  if (made !== undefined) {
    memory.delete(key);
    memory.set(key, made);
    return made;
  }
  const labs = elements.map((element, i) => readLab<Node>(element, reader, `lab-${i + 1}`));
  const runs = runLabs(labs.map((lab, i) => placed(lab.source, known[i])));
  const done = labs.flatMap((lab, i): FinishedLab[] => {
    const run = runs[i];
    if (run === undefined) return [];
    const { id } = lab.source;
    const diagnostics = run.diagnostics.map((one) => ({ ...one, file: one.file ?? id }));
    return [{ id, ...finishedLab(html, lab, run, strings), diagnostics }];
  });
  const alive = new Map(done.flatMap(({ id, data }) => (data === undefined ? [] : [[id, data] as const])));
  const data =
    alive.size === 0
      ? ''
      : `${glossaryHtml(strings)}<script type="application/json" class="pl-data">${embedLabs(alive)}</script>`;
  const finished = { labs: done, data };
  memory.set(key, finished);
  for (const oldest of memory.keys()) {
    if (memory.size <= remembered) break;
    memory.delete(oldest);
  }
  return finished;
}

/** A lab that was read from a page, with the places of the same lab in the lesson. */
function placed(lab: LabSource, known: LabSource | undefined): LabSource {
  if (known?.place === undefined || known.blocks.length !== lab.blocks.length) return lab;
  const blocks = lab.blocks.map((block, i): LabBlock => {
    const place = known.blocks[i]?.place;
    return place === undefined ? block : { ...block, place };
  });
  return { ...lab, place: known.place, blocks };
}

function sourceOf(html: string, node: Node): string {
  const place = node.sourceCodeLocation;
  return place ? html.slice(place.startOffset, place.endOffset) : '';
}

/** In document order, those already prerendered left out. */
function labElements(root: Node): Element[] {
  const found: Element[] = [];
  const visit = (node: Node): void => {
    if ('tagName' in node && node.tagName === 'pod-lab' && node.sourceCodeLocation) {
      const done = node.childNodes.some((child) =>
        (reader.attribute(child, 'class') ?? '').includes('pl-root'),
      );
      if (!done) found.push(node);
      return;
    }
    for (const child of reader.children(node)) visit(child);
  };
  visit(root);
  return found;
}

function finishedLab(
  html: string,
  lab: ReadLab<Node>,
  run: LabRun,
  strings: Strings,
): Pick<FinishedLab, 'html' | 'data'> {
  const slice = (node: Node) => sourceOf(html, node);
  // The order in which they were written is what the lab does; the panels part it.
  const block = (i: number) => {
    const node = lab.blocks[i];
    return node === undefined ? '' : slice(node).replace(/^<[\w-]+/, (tag) => `${tag} data-lab-order="${i}"`);
  };
  const ofKind = (kind: LabSource['blocks'][number]['kind']) =>
    lab.source.blocks.flatMap((one, i) => (one.kind === kind ? [block(i)] : []));
  const blocks = {
    instruction: lab.rest.map(slice).join('').trim(),
    manifests: ofKind('manifest'),
    console: ofKind('console'),
    reach:
      run.inventory === undefined
        ? ''
        : panelHtml(reachView(new Survey(run.inventory)), strings.language, lab.source.id),
  };
  if (run.steps.length === 0 && run.diagnostics.some((one) => one.severity === 'error')) {
    const { body } = render(BrokenLab, {
      props: { title: lab.source.title, diagnostics: run.diagnostics, strings, blocks },
    });
    return { html: `<div class="pl-root not-content">${body}</div>` };
  }
  const data = labDataFrom(run);
  const { body } = render(Lab, { props: { data, strings, blocks } });
  return { html: `<div class="pl-root not-content">${body}</div>`, data };
}
