import { portsText, type ReachStrings } from '../strings/reach/words.ts';
import type { Asked } from '../strings/verdict/words.ts';
import type { GroupView, PairView, ReachView } from './view.ts';

/** A matrix of who can talk to whom as HTML that needs no script: each cell that is not all open leads to its reason. */
export function matrixHtml(view: ReachView, strings: ReachStrings, id = 'why'): string {
  const { sources, destinations, pairs } = view;
  if (sources.length === 0 || destinations.length === 0)
    return `<p class="reach-nothing">${escape(strings.nothing)}</p>`;
  const columns = spans(destinations);
  const head = `<thead><tr><td></td>${columns
    .map(({ label, count }) =>
      label === ''
        ? `<td colspan="${count}" class="reach-space"></td>`
        : `<th scope="colgroup" colspan="${count}" class="reach-space">${escape(label)}</th>`,
    )
    .join(
      '',
    )}</tr><tr><td class="reach-corner"><span>${escape(strings.from)} ↓ ${escape(strings.to)} →</span></td>${destinations
    .map(
      (group, i) =>
        `<th scope="col" class="reach-column${edge(destinations, i)}">${groupName(group, strings)}</th>`,
    )
    .join('')}</tr></thead>`;
  const bodies = spans(sources).map(({ label, start, count }) => {
    const rows = sources.slice(start, start + count).map((group, r) => {
      const row = start + r;
      const cells = destinations.map((to, column) => {
        const pair = pairs[row * destinations.length + column];
        return pair === undefined
          ? '<td></td>'
          : cellHtml(pair, to, `${id}-${row}-${column}`, edge(destinations, column), strings);
      });
      return `<tr><th scope="row">${groupName(group, strings)}</th>${cells.join('')}</tr>`;
    });
    const name = `<tr class="reach-space"><th scope="rowgroup" colspan="${destinations.length + 1}">${escape(label === '' ? strings.outside : label)}</th></tr>`;
    return `<tbody>${name}${rows.join('')}</tbody>`;
  });
  const reasons = pairs.flatMap((pair, i) =>
    pair.verdict === undefined
      ? []
      : reasonHtml(
          pair,
          `${id}-${Math.floor(i / destinations.length)}-${i % destinations.length}`,
          `${id}-table`,
          strings,
        ),
  );
  return `<div class="reach" id="${id}-table"><p class="reach-legend">${legend(strings)}</p><div class="reach-scroll" tabindex="0" role="group" aria-label="${escape(strings.title)}"><table>${head}${bodies.join('')}</table></div>${
    reasons.length === 0
      ? ''
      : `<section class="reach-reasons" aria-live="polite"><p class="reach-choose">${escape(strings.choose)}</p>${reasons.join('')}</section>`
  }</div>`;
}

/** Neighbouring groups of one namespace. */
function spans(
  groups: readonly GroupView[],
): readonly { readonly label: string; readonly start: number; readonly count: number }[] {
  const found: { label: string; start: number; count: number }[] = [];
  for (const [i, group] of groups.entries()) {
    const label = namespaceOf(group);
    const last = found.at(-1);
    if (last?.label === label) last.count++;
    else found.push({ label, start: i, count: 1 });
  }
  return found;
}

function namespaceOf({ name, kind }: GroupView): string {
  return kind === 'outside' ? '' : (name.split('/')[0] ?? '');
}

/** A line where a namespace begins. */
function edge(groups: readonly GroupView[], i: number): string {
  const group = groups[i];
  const before = groups[i - 1];
  return group !== undefined && before !== undefined && namespaceOf(group) !== namespaceOf(before)
    ? ' reach-edge'
    : '';
}

function groupName(group: GroupView, strings: ReachStrings): string {
  const title = group.members.length > 1 ? ` title="${escape(group.members.slice(0, 50).join('\n'))}"` : '';
  // A controller's name says already that there are several.
  const more = group.members.includes(group.name) ? group.members.length - 1 : 0;
  const also = more > 0 ? ` <small>${escape(strings.more(more))}</small>` : '';
  return `<span${title}>${escape(shortOf(group, strings))}${also}</span>`;
}

function shortOf({ name, kind }: GroupView, strings: ReachStrings): string {
  if (kind === 'outside') return name.replace(/^outside/, strings.anyAddress);
  return name.slice(name.indexOf('/') + 1);
}

const SIGNS: Readonly<Record<PairView['state'], string>> = {
  all: '●',
  some: '◐',
  none: '✕',
  self: '·',
  outside: '',
};

function cellHtml(
  pair: PairView,
  to: GroupView,
  id: string,
  edgeClass: string,
  strings: ReachStrings,
): string {
  const { state } = pair;
  const text = state === 'self' ? strings.selfCell : portsText(pair.ports, strings);
  const shown =
    state === 'outside'
      ? ''
      : `<span class="reach-sign" aria-hidden="true">${SIGNS[state]}</span> <span class="reach-ports">${escape(text)}</span>`;
  const label = `${pair.from} → ${pair.to}: ${text}`;
  const inside =
    pair.verdict === undefined
      ? `<span class="reach-cell" title="${escape(label)}">${shown}</span>`
      : `<a class="reach-cell" href="#${id}" title="${escape(label)}">${shown}</a>`;
  // On a narrow screen a row becomes a list, and each line says where it leads.
  const name =
    state === 'outside' || state === 'self'
      ? ''
      : `<span class="reach-to">→ ${escape(to.kind === 'outside' ? shortOf(to, strings) : to.name)}</span>`;
  return `<td class="reach-${state}${edgeClass}">${name}${inside}</td>`;
}

function reasonHtml(pair: PairView, id: string, table: string, strings: ReachStrings): string {
  const { verdict, asked: port } = pair;
  if (verdict === undefined || port === undefined) return '';
  const asked: Asked = { from: pair.from, to: pair.to, ...port };
  const sides = (['egress', 'ingress'] as const).map((direction) => {
    const side = verdict[direction];
    const near = side.near.map((one) => `<li>${escape(strings.verdict.near(one, asked))}</li>`);
    const list =
      near.length === 0
        ? ''
        : `<p class="reach-near">${escape(strings.nearest)}</p><ol>${near.join('')}</ol>`;
    return `<li class="${side.allowed ? 'reach-yes' : 'reach-no'}"><p>${escape(strings.verdict.side({ ...side, near: [] }, direction, asked))}.</p>${list}</li>`;
  });
  return `<article id="${id}"><h3>${escape(pair.from)} → ${escape(pair.to)}</h3><p><b>${escape(strings.ports)}</b> ${escape(portsText(pair.ports, strings))} · <b>${escape(port.protocol)} ${port.port}</b> ${SIGNS[verdict.allowed ? 'all' : 'none']}</p><ul>${sides.join('')}</ul><p><a href="#${table}" class="reach-back">↑ ${escape(strings.back)}</a></p></article>`;
}

function legend(strings: ReachStrings): string {
  return (['all', 'some', 'none'] as const)
    .map(
      (state) =>
        `<span class="reach-${state}"><span class="reach-sign">${SIGNS[state]}</span> ${escape(strings.legend[state])}</span>`,
    )
    .join(' ');
}

export function escape(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}
