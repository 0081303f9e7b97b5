import { readFileSync } from 'node:fs';
import { parseAllDocuments } from 'yaml';

interface Fixture {
  readonly kind: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

const documents: Fixture[] = parseAllDocuments(
  readFileSync(new URL('objects.yaml', import.meta.url), 'utf8'),
).map((document) => document.toJS());

/** What the recordings are about, with the metadata that a server adds. */
export const objects: readonly Fixture[] = documents.map((object, index) => ({
  ...object,
  metadata: { uid: `uid-${index + 1}`, ...object.metadata, resourceVersion: String(index + 2) },
}));
