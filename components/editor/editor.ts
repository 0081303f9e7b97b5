import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { HighlightStyle, indentUnit, syntaxHighlighting } from '@codemirror/language';
import { lintGutter, setDiagnostics } from '@codemirror/lint';
import { EditorState } from '@codemirror/state';
import { EditorView, keymap } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import type { Diagnostic } from '../../src/engine/cluster.ts';

export interface EditorOptions {
  readonly parent: HTMLElement;
  readonly text: string;
  readonly label: string;
  readonly diagnostics: readonly Diagnostic[];
  readonly onChange: (text: string) => void;
  /** Ctrl+Enter or ⌘+Enter. */
  readonly onApply: () => void;
  /** Escape: the way out for the keyboard, since Tab indents. */
  readonly onEscape: () => void;
}

export interface ManifestEditor {
  /** Marks what was refused, at its line. */
  show(diagnostics: readonly Diagnostic[]): void;
  close(): void;
}

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--pl-code-key)' },
  { tag: [tags.string, tags.content], color: 'var(--pl-code-string)' },
  { tag: [tags.number, tags.bool], color: 'var(--pl-code-number)' },
  { tag: tags.comment, color: 'var(--pl-muted)' },
  { tag: [tags.punctuation, tags.separator], color: 'var(--pl-muted)' },
]);

export function openEditor(options: EditorOptions): ManifestEditor {
  const view = new EditorView({
    parent: options.parent,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        history(),
        lintGutter(),
        yaml(),
        indentUnit.of('  '),
        syntaxHighlighting(colours),
        EditorView.contentAttributes.of({ 'aria-label': options.label }),
        keymap.of([
          { key: 'Mod-Enter', run: () => (options.onApply(), true) },
          {
            key: 'Escape',
            run: (editor) => {
              // Whoever leaves by the keyboard has to come past here again: Tab goes on until something is written.
              editor.setTabFocusMode(true);
              options.onEscape();
              return true;
            },
          },
          indentWithTab,
          ...defaultKeymap,
          ...historyKeymap,
        ]),
        EditorView.updateListener.of((update) => {
          if (!update.docChanged) return;
          update.view.setTabFocusMode(false);
          options.onChange(update.state.doc.toString());
        }),
      ],
    }),
  });
  const show = (diagnostics: readonly Diagnostic[]) => {
    const { doc } = view.state;
    const place = (line: number, column: number) => {
      const at = doc.line(Math.min(Math.max(1, line), doc.lines));
      return Math.min(at.to, at.from + Math.max(0, column - 1));
    };
    const marks = diagnostics.map((one) => {
      const from = place(one.line, one.column);
      const line = doc.lineAt(from);
      const to = one.endLine === undefined ? line.to : place(one.endLine, one.endColumn ?? 1);
      return { from, to: Math.max(from, to), severity: one.severity, message: one.message };
    });
    view.dispatch(setDiagnostics(view.state, marks));
  };
  show(options.diagnostics);
  view.focus();
  return { show, close: () => view.destroy() };
}
