import { describe, expect, it } from 'vitest';
import { glossaryHtml, hopRowsHtml, speakerOf } from '../../../components/layout/hop-html.ts';
import { hopSections } from '../../../components/layout/hops.ts';
import { walkthrough } from '../../../components/layout/steps.ts';
import { en } from '../../../components/strings/en.ts';
import { ko } from '../../../components/strings/ko.ts';
import { clusterIp } from '../fixtures/lab.ts';

const record = clusterIp.experiments[0]?.record;
if (record === undefined) throw new Error('no record');
const sections = hopSections(walkthrough(record));

describe('the rows of the hop list', () => {
  it('are one item per step, the current one marked for the eye and for assistive technology', () => {
    const html = sections.map((section) => hopRowsHtml(section, en, 5, speakerOf(en))).join('');
    expect(html.match(/<li/g)).toHaveLength(sections.flatMap(({ rows }) => rows).length);
    expect(html.match(/<li class="pl-here"><button aria-current=step>/g)).toHaveLength(1);
  });
  it('let no name end an element', () => {
    const [section] = sections;
    if (section === undefined) throw new Error('no section');
    const rows = [
      { step: 0, netns: '<b>', dev: '"&', dir: 'in', end: false, decisions: [], changes: ['<i>'] } as const,
    ];
    expect(hopRowsHtml({ ...section, rows }, en, 1, speakerOf(en))).toBe(
      '<li><button><b>&lt;b&gt;</b><code>&quot;&amp;</code><i>in</i><em>&lt;i&gt;</em></button></li>',
    );
  });
});

describe('the terms of a lab', () => {
  it.each([ko, en])('are all in the page’s glossary ($language)', (strings) => {
    const speak = speakerOf(strings);
    const html = sections.map((section) => hopRowsHtml(section, strings, 0, speak)).join('');
    const referred = [...html.matchAll(/popovertarget=([\w-]+)/g)].map(([, id]) => id);
    expect(referred.length).toBeGreaterThan(4);
    expect(new Set(referred).size).toBe(referred.length);
    for (const id of referred) expect(glossaryHtml(strings)).toContain(`id=${id}>`);
  });
  it('are words of their own, never parts of code or of other words', () => {
    const speak = speakerOf(en);
    expect(speak('routes the MAC-ish `MAC` of DNATed')).toBe('routes the MAC-ish <code>MAC</code> of DNATed');
    expect(speak('a MAC, a MAC')).toBe(
      'a <button class=pl-term popovertarget=pl-term-mac>MAC</button>, a MAC',
    );
  });
  it('may have a Korean particle after them', () => {
    expect(speakerOf(ko)('FDB에서')).toBe('<button class=pl-term popovertarget=pl-term-fdb>FDB</button>에서');
  });
});
