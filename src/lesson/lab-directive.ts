import type {} from 'mdast-util-to-hast';
import type { Code, RootContent } from 'mdast';
import type { ContainerDirective, LeafDirective } from 'mdast-util-directive';
import { SKIP, visit } from 'unist-util-visit';
import { readAttributes, type LabOptions, type WrittenAttribute } from './attributes.ts';
import type { DirectiveContext } from './directives.ts';
import { blockKind, readFence } from './fence.ts';
import type { LabBlock, LabSource, Place } from './lab.ts';
import { readTranscript } from './transcript.ts';

/**
 * `:::lab` becomes `<pod-lab>` with its attributes and the page's defaults; its fences become code blocks inside
 * `<div data-lab-block>`. A lab with errors becomes their text, with its code below, and no element.
 */
export function labDirective(node: ContainerDirective, context: DirectiveContext): void {
  const before = context.reported.length;
  const shortcode = context.shortcode(node);
  const place: Place = {
    file: context.file,
    line: node.position?.start.line ?? 1,
    column: node.position?.start.column ?? 1,
  };
  const { options, problems } = readAttributes(shortcode ? calledWith() : writtenOn(node, context.file));
  for (const { rule, message, place: where } of problems) {
    context.report({ line: where.line, column: where.column, severity: 'error', rule, message });
  }
  if (shortcode === undefined && node.data?.position?.closing === undefined) {
    tell('lab/unclosed', 'this lab is never closed by a line of colons');
  }
  const label = node.children[0];
  if (label?.type === 'paragraph' && label.data?.directiveLabel === true) {
    tell('lab/bad-attribute', 'a lab takes no [label]: write {title="…"}');
    node.children.shift();
  }

  const id = takeId(options.id);
  const blocks = takeBlocks(node, context);
  if (blocks.length === 0)
    tell('lab/empty', 'this lab has no yaml and no console block, so nothing runs', 'warn');
  const lab: LabSource = {
    ...context.defaults,
    ...options,
    id,
    show: options.show ?? context.defaults.show ?? [],
    blocks,
    place,
  };
  checkCluster(lab);

  const errors = context.errorsSince(before);
  if (errors.length > 0) {
    const told = errors.map((error): RootContent => ({
      type: 'paragraph',
      children: [{ type: 'text', value: error.message }],
    }));
    node.data = { hName: 'div', hProperties: { dataLabError: errors[0]?.rule ?? '' } };
    node.children.unshift({
      type: 'blockquote',
      children: told.filter((child) => child.type === 'paragraph'),
    });
    return;
  }
  context.labs.push(lab);
  node.data = { hName: 'pod-lab', hProperties: elementAttributes(lab) };

  function tell(rule: string, message: string, severity: 'error' | 'warn' = 'error'): void {
    context.report({ line: place.line, column: place.column, severity, rule, message });
  }

  function calledWith(): WrittenAttribute[] {
    return (shortcode?.tag.args ?? []).map((argument) => ({
      value: argument.value,
      place: shortcode?.placeOf(argument.start) ?? place,
      ...(argument.name === undefined ? {} : { name: argument.name }),
    }));
  }

  /** Its own id, or `lab-N` with the first N that is free. */
  function takeId(own: string | undefined): string {
    if (own !== undefined) {
      const other = context.labs.find((lab) => lab.id === own);
      if (other === undefined) return own;
      tell(
        'lab/duplicate-id',
        `the id "${own}" belongs to the lab on line ${other.place?.line ?? '?'} already`,
      );
    }
    return freeLabId(context);
  }

  /** Labs that share a cluster cannot disagree about what it is; the first one makes it. */
  function checkCluster(lab: LabSource): void {
    const first = context.labs.find((other) => lab.cluster !== undefined && other.cluster === lab.cluster);
    for (const name of ['nodes', 'cni', 'proxy', 'podCIDR', 'serviceCIDR'] as const) {
      if (first === undefined || options[name] === undefined || first[name] === options[name]) continue;
      tell(
        'lab/cluster-options',
        `the cluster "${lab.cluster ?? ''}" was made on line ${first.place?.line ?? '?'} with ${name}=${first[name] ?? 'the default'}`,
      );
    }
  }
}

/** `lab-N` with the first N that is free. */
export function freeLabId({ labs }: Pick<DirectiveContext, 'labs'>): string {
  for (let number = labs.length + 1; ; number++) {
    const free = `lab-${number}`;
    if (!labs.some((lab) => lab.id === free)) return free;
  }
}

export function writtenOn(node: ContainerDirective | LeafDirective, file: string): WrittenAttribute[] {
  const places = node.data?.position?.attributes ?? {};
  return Object.entries(node.attributes ?? {}).map(([name, value]) => {
    const start = places[name]?.start ?? node.position?.start;
    return { name, value: value ?? '', place: { file, line: start?.line ?? 1, column: start?.column ?? 1 } };
  });
}

/** Reads the fences of a lab and wraps those that are blocks of it. */
function takeBlocks(node: ContainerDirective, context: DirectiveContext): LabBlock[] {
  const blocks: LabBlock[] = [];
  visit(node, (child, index, parent) => {
    if (child !== node && child.type === 'containerDirective') return SKIP;
    if (child.type !== 'code' || parent === undefined || index === undefined) return undefined;
    const { language, title, readonly } = readFence(child.lang, child.meta);
    const kind = blockKind(language);
    if (kind === undefined) return undefined;
    const place = contentPlace(child, context.file);
    if (kind === 'manifest') {
      const count = blocks.filter((block) => block.kind === 'manifest').length;
      const name = title ?? (count === 0 ? 'manifest.yaml' : `manifest-${count + 1}.yaml`);
      blocks.push({ kind, name, text: child.value, readonly, place });
    } else {
      const { steps, strayLine } = readTranscript(child.value, place);
      if (strayLine !== undefined) {
        context.report({
          line: place.line + strayLine,
          column: place.column,
          severity: 'error',
          rule: 'console/no-command',
          message: 'output stands before the first "$ command"',
        });
      }
      blocks.push({ kind, steps, place });
    }
    // `title` is what Expressive Code and the page show; Hugo's `{filename=…}` means the same.
    const { lang, value, position } = child;
    const code: Code = {
      type: 'code',
      lang: kind === 'manifest' ? 'yaml' : 'console',
      value,
      meta: title === undefined ? null : `title=${JSON.stringify(title)}`,
    };
    if (lang !== undefined && position !== undefined) code.position = position;
    parent.children[index] = {
      type: 'blockquote',
      children: [code],
      data: {
        hName: 'div',
        hProperties: {
          dataLabBlock: kind === 'manifest' ? 'yaml' : 'console',
          ...(title === undefined ? {} : { dataTitle: title }),
          ...(readonly ? { dataReadonly: '' } : {}),
        },
      },
    };
    return SKIP;
  });
  return blocks;
}

/** Where the first line inside a fence begins. */
function contentPlace(code: Code, file: string): Place {
  const start = code.position?.start;
  return { file, line: (start?.line ?? 0) + 1, column: start?.column ?? 1 };
}

/** The attributes of `<pod-lab>`; HTML knows no capitals in them. */
export function elementAttributes(lab: LabOptions & { readonly id: string }): Record<string, string> {
  const { id, title, nodes, cni, proxy, podCIDR, serviceCIDR, cluster, show } = lab;
  const all = {
    id,
    title,
    nodes: nodes?.toString(),
    cni,
    proxy,
    podcidr: podCIDR,
    servicecidr: serviceCIDR,
    cluster,
    show: show?.length ? show.join(' ') : undefined,
  };
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
