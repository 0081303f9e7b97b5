import type { LabBlock } from './lab.ts';

/** What the info string of a code fence says, in Markdown's, Expressive Code's or Hugo's manner. */
export interface FenceInfo {
  /** In lower case: `yaml`, `console`. */
  readonly language: string;
  readonly title?: string;
  readonly readonly: boolean;
}

/** Reads `yaml title="service.yaml" readonly`, `yaml {filename="service.yaml"}`, `yaml {1,3}`. */
export function readFence(lang: string | null | undefined, meta: string | null | undefined): FenceInfo {
  const info = `${lang ?? ''} ${meta ?? ''}`;
  const language = /^[\w+-]*/.exec(info)?.[0].toLowerCase() ?? '';
  const words = info
    .slice(language.length)
    .matchAll(/([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'{}]+)))?/g);
  let title: string | undefined;
  let readonly = false;
  for (const [, name, double, single, bare] of words) {
    const value = double ?? single ?? bare;
    if (name === 'title' || name === 'filename') title = value ?? title;
    if (name === 'readonly') readonly = value !== 'false';
  }
  return { language, readonly, ...(title === undefined ? {} : { title }) };
}

/** What a fence in a lab is to the lab; nothing when it is part of the instruction text. */
export function blockKind(language: string): LabBlock['kind'] | undefined {
  switch (language) {
    case 'yaml':
    case 'yml':
      return 'manifest';
    case 'console':
      return 'console';
    default:
      return undefined;
  }
}
