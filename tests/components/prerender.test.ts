import { beforeAll, describe, expect, it } from 'vitest';
import { prerender, type Prerendered } from '../../components/prerender.ts';

const block = (kind: string, text: string, title = '') =>
  `<div data-lab-block="${kind}"${title && ` data-title="${title}"`}><pre><code>${text.replaceAll('<', '&lt;')}</code></pre></div>`;
const pods = `apiVersion: v1
kind: Pod
metadata:
  name: pod-a
spec:
  nodeName: node-1
  containers:
    - name: shell
      image: nicolaka/netshoot
      command: [sleep, infinity]
---
apiVersion: v1
kind: Pod
metadata:
  name: pod-c
spec:
  nodeName: node-2
  containers:
    - name: web
      image: nginx:1.27
`;
const lab = `<pod-lab id="far" title="A &lt;b&gt;" nodes="2"><p>Watch &amp; learn.</p>${block('yaml', pods, 'pods.yaml')}${block('console', '$ kubectl exec pod-a -- curl -s http://10.244.2.2\n...\n')}</pod-lab>`;
const page = `<!doctype html>\n<html lang="en"><head><title>x</title></head><body  class=a>\n<h1>Before</h1><br>\n${lab}\n<p>After <img src=x></p><!-- end -->\n</body></html>\n`;

describe('a prerendered page', () => {
  let out: Prerendered;
  beforeAll(async () => {
    out = await prerender(page, { lang: 'en' });
  });

  it('is the same to the byte outside of its labs', () => {
    const [before, after] = page.split(lab);
    expect(out.html.startsWith(before ?? '?')).toBe(true);
    expect(out.html.endsWith(after ?? '?')).toBe(true);
    expect(out.diagnostics).toEqual([]);
  });
  it('shows the stage, the hops and what the lab was written with, once', () => {
    expect(out.html).toContain('<svg class="pl-stage');
    expect(out.html).toMatch(/class="pl-hops[^]*node-2[^]*looks up 10\.244\.2\.2/);
    expect(out.html.match(/data-lab-block="yaml"/g)).toHaveLength(1);
    expect(out.html.match(/data-lab-block="console"/g)).toHaveLength(1);
    expect(out.html).toContain('Watch &amp; learn.');
  });
  it('has its record in it, and nothing there ends the script', () => {
    const data =
      /<script type="application\/json" class="pl-data">([^]*?)<\/script>/.exec(out.html)?.[1] ?? '';
    expect(data).not.toContain('<');
    expect(() => JSON.parse(data) as unknown).not.toThrow();
  });
  it('has one glossary, which holds every term that its labs refer to', () => {
    const [, ...others] = out.html.split('<pod-lab-glossary');
    expect(others).toHaveLength(1);
    const terms = [...out.html.matchAll(/popovertarget=([\w-]+)/g)].map(([, id = '']) => id);
    expect(terms.length).toBeGreaterThan(3);
    for (const id of terms) expect(others[0]).toContain(`<div popover id=${id}>`);
  });
  it('comes out the same each time, and is left alone the second time', async () => {
    expect((await prerender(page, { lang: 'en' })).html).toBe(out.html);
    expect((await prerender(out.html, { lang: 'en' })).html).toBe(out.html);
  });
  it('speaks the language that it is asked for', async () => {
    expect((await prerender(page, { lang: 'ko-KR' })).html).toMatch(/라우팅 테이블/);
    expect((await prerender(page, { lang: 'fr' })).html).toBe(out.html);
  });
});

describe('a lab that shows who can talk to whom', () => {
  const policy =
    'apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: { name: closed }\nspec: { podSelector: {} }\n';
  const shown = (cni: string): string =>
    `<pod-lab id="p" cni="${cni}" cluster="c" show="reach">${block('yaml', `${pods}---\n${policy}`)}</pod-lab><pod-lab id="q" cluster="c" show="reach"></pod-lab>`;

  it('has the matrix in its page, and so has a lab of the same cluster that only looks', async () => {
    const { html, diagnostics } = await prerender(shown('calico'), { lang: 'en' });
    expect(diagnostics).toEqual([]);
    for (const id of ['p', 'q']) {
      const [, first = ''] = html.split(`id="${id}-why-table"`);
      expect(first).toMatch(/^[^]*?pod-a → default\/pod-c: none[^]*NetworkPolicy default\/closed selects it/);
    }
  });
  it('says nothing of policies that its CNI does not enforce', async () => {
    const { html } = await prerender(shown('flannel'), { lang: 'en' });
    expect(html).toContain('pod-a → default/pod-c: all');
    expect(html).not.toContain('default/closed selects it');
  });
});

describe('other pages', () => {
  it('without labs are passed through', async () => {
    expect(await prerender('<p>pod-lab</p>')).toEqual({ html: '<p>pod-lab</p>', diagnostics: [] });
  });
  it('whose lab cannot begin say so in its place and keep its code', async () => {
    const out = await prerender(
      `<pod-lab id="x" cni="cilium">${block('console', '$ kubectl get pods\n')}</pod-lab>`,
      { lang: 'en' },
    );
    expect(out.diagnostics[0]).toMatchObject({ severity: 'error', file: 'x' });
    expect(out.html).toContain('pl-broken');
    expect(out.html).toContain('cilium');
    expect(out.html).toContain('$ kubectl get pods');
  });
  it('with labs that have no id give them one', async () => {
    const out = await prerender(`<pod-lab>${block('console', '$ kubectl get nodes\n')}</pod-lab>`);
    expect(out.html).toMatch(/^<pod-lab id="lab-1">/);
  });
  it('may be fragments and may end early', async () => {
    const out = await prerender(`<p>a</p><pod-lab id="x">${block('console', '$ kubectl get nodes\n')}`);
    expect(out.html).toContain('pl-lab');
  });
});
