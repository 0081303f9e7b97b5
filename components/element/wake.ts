import { hydrate, mount } from 'svelte';
import type { LabData } from '../lab-data.ts';
import { optionsOf, stepsOf } from '../lab-steps.ts';
import { glossaryHtml } from '../layout/hop-html.ts';
import type { Strings } from '../strings/strings.ts';
import Lab from '../widget/Lab.svelte';
import type { LabModel, LabPart } from '../widget/lab-model.svelte.ts';
import { browserWorker, EngineClient } from '../worker/client.ts';
import { domReader } from './dom-reader.ts';
import { readEmbedded } from './embedded.ts';
import { readLab, type ReadLab } from './read.ts';

const engine = new EngineClient({
  createWorker: () =>
    browserWorker(new Worker(new URL('../worker/worker.ts', import.meta.url), { type: 'module' })),
});

/** Labs that are awake, by their elements. */
const awake = new Map<Element, LabModel>();
const asleep = new Map<Element, ReadLab<Node>>();

/** Brings a lab to life: over what was prerendered, or from its code blocks alone. */
export function wakeLab(element: HTMLElement, strings: Strings): void {
  if (awake.has(element)) return;
  const lab = read(element);
  const { source } = lab;
  element.id ||= source.id;
  const host = {
    engine,
    before: () => partsBefore(element, source.cluster),
    changed: () => {
      for (const [other, model] of awake) {
        const after = element.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING;
        if (after && source.cluster !== undefined && model.source.cluster === source.cluster)
          model.status = 'stale';
      }
    },
  };
  const onmodel = (model: LabModel) => void awake.set(element, model);
  const html = (node: Node) => (node instanceof Element ? node.outerHTML : (node.textContent ?? ''));
  const ofKind = (kind: 'manifest' | 'console') =>
    lab.blocks.filter((_, i) => source.blocks[i]?.kind === kind).map(html);
  const blocks = {
    instruction: lab.rest.map(html).join('').trim(),
    manifests: ofKind('manifest'),
    console: ofKind('console'),
    reach: '',
  };

  const root = element.querySelector<HTMLElement>(':scope > .pl-root');
  const embedded = embeddedFor(element.id);
  if (root !== null && embedded !== undefined) {
    const data: LabData = { ...embedded, source };
    // Hydration keeps the instruction that is there; it only must know that there is one.
    const instruction = root.querySelector('.pl-instruction')?.innerHTML ?? '';
    // The comments are Svelte's own marks.
    const reach = (root.querySelector('.pl-reach')?.innerHTML ?? '').replaceAll(/<!--.*?-->/g, '');
    hydrate(Lab, {
      target: root,
      props: { data, strings, blocks: { ...blocks, instruction, reach }, host, onmodel },
    });
    return;
  }
  if (root !== null) return;
  if (document.querySelector('pod-lab-glossary') === null)
    document.body.insertAdjacentHTML('beforeend', glossaryHtml(strings));
  const target = document.createElement('div');
  // Starlight leaves alone what says that it is not content.
  target.className = 'pl-root not-content';
  element.replaceChildren(target);
  mount(Lab, {
    target,
    props: { data: { source, views: [], experiments: [], diagnostics: [] }, strings, blocks, host, onmodel },
  });
  void awake.get(element)?.begin();
}

const readScripts = new Map<Element, ReturnType<typeof readEmbedded>>();

/** What prerendering left for a lab, in the one script that a run of it leaves for all labs of a page. */
function embeddedFor(id: string): Omit<LabData, 'source'> | undefined {
  for (const script of document.querySelectorAll('script.pl-data')) {
    const labs = readScripts.get(script) ?? readEmbedded(script.textContent);
    readScripts.set(script, labs);
    const found = labs.get(id);
    if (found !== undefined) return found;
  }
  return undefined;
}

function read(element: Element): ReadLab<Node> {
  const known = asleep.get(element);
  if (known !== undefined) return known;
  const index = [...document.querySelectorAll('pod-lab')].indexOf(element);
  const lab = readLab<Node>(element, domReader, `lab-${index + 1}`);
  asleep.set(element, lab);
  return lab;
}

/** The labs that the cluster went through before it came to this one, awake or not. */
function partsBefore(element: Element, cluster: string | undefined): LabPart[] {
  if (cluster === undefined) return [];
  const parts: LabPart[] = [];
  for (const other of document.querySelectorAll('pod-lab')) {
    if (other === element) break;
    if (other.getAttribute('cluster') !== cluster) continue;
    const model = awake.get(other);
    const { source } = read(other);
    parts.push(model?.part ?? { id: source.id, options: optionsOf(source), steps: stepsOf(source, {}) });
  }
  return parts;
}
