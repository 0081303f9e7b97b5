/** A resource quantity (`500m`, `128Mi`, `2`). Source: `k8s.io/apimachinery/pkg/api/resource`. */
export interface Quantity {
  readonly value: number;
  /** Whether it is written with powers of 1024. */
  readonly binary: boolean;
}

const binarySuffixes = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const decimalSuffixes = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E'];

export const zero: Quantity = { value: 0, binary: false };

export function parseQuantity(text: string): Quantity | undefined {
  const match = /^([+-]?[\d.]+)(?:([KMGTPE]i)|([numkMGTPE])|[eE]([+-]?\d+))?$/.exec(text);
  if (match === null) return undefined;
  const [, digits, binary, decimal, exponent] = match;
  let scale = 1;
  if (binary !== undefined) scale = 1024 ** binarySuffixes.indexOf(binary);
  else if (decimal !== undefined) scale = 10 ** ((decimalSuffixes.indexOf(decimal) - 3) * 3);
  else if (exponent !== undefined) scale = 10 ** Number(exponent);
  const value = Number(digits) * scale;
  return Number.isFinite(value) ? { value, binary: binary !== undefined } : undefined;
}

export function addQuantities(a: Quantity, b: Quantity): Quantity {
  return { value: a.value + b.value, binary: a.value === 0 ? b.binary : a.binary };
}

/** In canonical form: no fraction, the largest suffix that allows it. */
export function showQuantity({ value, binary }: Quantity): string {
  if (value === 0) return '0';
  if (binary && Math.abs(value) >= 1024 && Number.isInteger(value)) {
    let power = 0;
    let scaled = value;
    while (power < 6 && scaled % 1024 === 0) {
      scaled /= 1024;
      power++;
    }
    return `${scaled}${binarySuffixes[power]}`;
  }
  // Nano is the smallest unit; smaller parts are rounded up.
  let power = 0;
  let scaled = Math.ceil(Math.round(value * 1e12) / 1e3);
  while (power < decimalSuffixes.length - 1 && scaled % 1000 === 0) {
    scaled /= 1000;
    power++;
  }
  return `${scaled}${decimalSuffixes[power]}`;
}

export function formatQuantity(text: string): string {
  const quantity = parseQuantity(text);
  return quantity === undefined ? text : showQuantity(quantity);
}
