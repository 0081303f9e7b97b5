import { byBytes, entriesAt, listAt, textAt, textsAt } from './value.ts';

/** `app=web,tier=front`, or `<none>`. */
export function formatLabels(object: unknown, path: string): string {
  return (
    entriesAt(object, path)
      .map(([key, value]) => `${key}=${value}`)
      .join(',') || '<none>'
  );
}

/** A LabelSelector in one line: `app=web,tier in (a,b),!x`, or `<none>`. Source: apimachinery `FormatLabelSelector`. */
export function formatLabelSelector(object: unknown, path: string): string {
  const requirements = entriesAt(object, `${path}.matchLabels`).map(([key, value]) => ({
    key,
    text: `${key}=${value}`,
  }));
  for (const expression of listAt(object, `${path}.matchExpressions`)) {
    const key = textAt(expression, 'key');
    const values = `(${textsAt(expression, 'values').sort(byBytes).join(',')})`;
    const forms: Readonly<Record<string, string>> = {
      In: `${key} in ${values}`,
      NotIn: `${key} notin ${values}`,
      Exists: key,
      DoesNotExist: `!${key}`,
    };
    const text = forms[textAt(expression, 'operator')];
    if (text === undefined) return '<error>';
    requirements.push({ key, text });
  }
  return (
    requirements
      .sort((a, b) => byBytes(a.key, b.key))
      .map(({ text }) => text)
      .join(',') || '<none>'
  );
}
