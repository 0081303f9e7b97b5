import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { generateDescriptions, generateSchema } from '../../../scripts/generate-schema.ts';
import { structType } from '../../../src/engine/api/fields.ts';
import { modelledKinds } from '../../../src/engine/api/kinds.ts';

const file = new URL('../../../src/engine/api/schema.ts', import.meta.url);

test('the committed table is what the generator makes of the installed schemas', () => {
  expect(readFileSync(file, 'utf8')).toBe(generateSchema());
});

test('the committed texts are what the generator makes of them', () => {
  const texts = new URL('../../../src/engine/shell/kubectl/descriptions.ts', import.meta.url);
  expect(readFileSync(texts, 'utf8')).toBe(generateDescriptions());
});

test('the table stays light for the browser', () => {
  expect(gzipSync(readFileSync(file), { level: 9 }).length).toBeLessThan(10_000);
});

test.each(modelledKinds)('the fields of %s are known, metadata among them', (kind) => {
  expect(structType(kind)?.fields.get('metadata')?.code).toBe('ObjectMeta');
});
