const decimal: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
};
const binary: Readonly<Record<string, number>> = {
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** resource.Quantity as a number: `250m` is 0.25, `1Gi` 1073741824. */
export function quantityValue(quantity: string | number | undefined): number | undefined {
  if (typeof quantity !== 'string') return quantity;
  const match = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([numkMGTPE]|[KMGTPE]i)|[eE]([-+]?\d+))?$/.exec(quantity);
  if (!match) return undefined;
  const [, number = '', suffix = '', exponent] = match;
  const scale = exponent !== undefined ? 10 ** Number(exponent) : (binary[suffix] ?? decimal[suffix] ?? 1);
  return Number(number) * scale;
}
