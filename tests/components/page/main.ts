/** Shows labs made from the fixtures: `?lang=en&theme=dark&lab=cross-node&step=30&tab=packet&status=lost`. */
import { mount, tick } from 'svelte';
import type { LabData } from '../../../components/lab-data.ts';
import Lab from '../../../components/widget/Lab.svelte';
import { tabs, type LabModel } from '../../../components/widget/lab-model.svelte.ts';
import { EngineClient } from '../../../components/worker/client.ts';
import { en } from '../../../components/strings/en.ts';
import { ko } from '../../../components/strings/ko.ts';
import type { LabStatus } from '../../../components/strings/strings.ts';
import { clusterIp, crossNode, manyPods, policyDrop } from '../fixtures/lab.ts';

const query = new URLSearchParams(location.search);
document.documentElement.lang = query.get('lang') ?? 'ko';
document.documentElement.dataset.theme = query.get('theme') ?? 'light';
const strings = document.documentElement.lang === 'en' ? en : ko;
const fixtures: Record<string, LabData> = {
  'cross-node': crossNode,
  clusterip: clusterIp,
  'policy-drop': policyDrop,
  'thirty-pods': manyPods('thirty-pods', 30),
  'sixty-pods': manyPods('sixty-pods', 60),
};
const wanted = query.get('lab');
const main = document.querySelector('main');
for (const [name, data] of Object.entries(fixtures)) {
  if ((wanted !== null && wanted !== name) || main === null) continue;
  const element = document.createElement('pod-lab');
  element.id = name;
  main.append(element);
  const manifest = data.source.blocks.find((block) => block.kind === 'manifest')?.text ?? '';
  const engine = new EngineClient({
    createWorker: () => {
      throw new Error('this page has no engine');
    },
  });
  let model: LabModel | undefined;
  mount(Lab, {
    target: element,
    props: {
      data,
      strings,
      blocks: {
        instruction:
          '<p>두 파드는 <b>서로 다른 노드</b>에 있습니다. <code>curl</code>의 SYN이 어디에서 감싸이고 어디에서 풀리는지 따라가 보세요.</p>',
        manifests: [`<pre><code class="language-yaml">${manifest.replaceAll('<', '&lt;')}</code></pre>`],
        console: data.experiments.map(
          (one) => `<pre><code class="language-console">$ ${one.command}\n${one.output}</code></pre>`,
        ),
        reach: '',
      },
      host: { engine, before: () => [], changed: () => {} },
      onmodel: (lab: LabModel) => (model = lab),
    },
  });
  const tab = tabs.find((one) => one === query.get('tab'));
  if (model !== undefined) {
    if (query.has('step')) model.seek(Number(query.get('step')));
    if (tab !== undefined) model.tab = tab;
    const status = query.get('status');
    if (status !== null) model.status = status as LabStatus;
  }
}
await tick();
