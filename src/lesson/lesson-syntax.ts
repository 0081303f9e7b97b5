import type {} from 'remark-parse';
import { directiveFromMarkdown } from 'mdast-util-directive';
import { directive } from 'micromark-extension-directive';
import type { Root } from 'mdast';
import type { Data, Processor } from 'unified';
import type { VFile } from 'vfile';
import { blankFrontMatter, readFrontMatter, type FrontMatter } from './front-matter.ts';
import type { Message } from './message.ts';
import { maskShortcodes, type MaskedSource, type ShortcodeText } from './shortcode-source.ts';

export interface SyntaxOptions {
  /** Names of shortcodes that are blocks of ours. Without it shortcodes are text, and every offset is the source's. */
  readonly blocks?: ReadonlySet<string>;
  /** Shortcodes that stand for a text: `ref`, `relref`. */
  readonly texts?: Readonly<Record<string, ShortcodeText>>;
}

/** What was found in a source before Markdown was parsed; kept with the file for the plugins that follow. */
interface ParsedSource {
  readonly source: string;
  readonly frontMatter: FrontMatter;
  readonly masked: MaskedSource;
  readonly messages: readonly Message[];
}

declare module 'vfile' {
  interface DataMap {
    lessonSource: ParsedSource;
  }
}

/**
 * Remark plugin: front matter and shortcodes are taken out before Markdown is parsed, and `:::name` and `::name` are
 * directives while `:name` is text, so that `10.244.1.3:80` stays whole. Works whoever else registers directives.
 */
export function remarkLessonSyntax(this: Processor, options: SyntaxOptions): void {
  const parse = this.parser;
  if (parse === undefined) throw new Error('remarkLessonSyntax must be used after remark-parse');
  const data = this.data();
  this.parser = (document: string, file: VFile): Root => {
    ownDirectives(data);
    const { frontMatter, messages } = readFrontMatter(document, file.path ?? '');
    const blank = blankFrontMatter(document, frontMatter);
    // In MDX braces are expressions, and Hugo does not read it.
    const masked: MaskedSource =
      options.blocks === undefined || file.path?.endsWith('.mdx')
        ? { text: blank, tags: [], messages: [] }
        : maskShortcodes(blank, frontMatter.bodyStart, file.path ?? '', options.blocks, options.texts ?? {});
    file.data.lessonSource = {
      source: document,
      frontMatter,
      masked,
      messages: [...messages, ...masked.messages],
    };
    return parse(masked.text, file) as Root;
  };
}

/** Registers directives once, without the text construct and with the places of attributes, in place of anybody else's. */
function ownDirectives(data: Data): void {
  const syntax = (data.micromarkExtensions ??= []);
  const others = syntax.filter(
    (extension) => Array.isArray(extension) || extension.flow?.[colon] === undefined,
  );
  const flow = directive().flow ?? {};
  syntax.splice(0, syntax.length, ...others, { flow });

  const tree = (data.fromMarkdownExtensions ??= []);
  const otherTree = tree.filter(
    (extension) => Array.isArray(extension) || extension.enter?.directiveContainer === undefined,
  );
  tree.splice(0, tree.length, ...otherTree, directiveFromMarkdown({ verbose: true }));
}

const colon = 58;
