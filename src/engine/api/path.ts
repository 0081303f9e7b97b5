/** Where a value stands in an object: keys and list indexes. */
export type JsonPath = readonly (string | number)[];

/** `spec.ports[0].port`: `field.Path`. */
export function formatPath(path: JsonPath): string {
  let text = '';
  for (const step of path) text += typeof step === 'number' ? `[${step}]` : text ? `.${step}` : step;
  return text;
}
