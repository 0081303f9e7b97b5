export interface Curve {
  readonly title: string;
  readonly unit: string;
  readonly points: readonly { readonly x: number; readonly y: number }[];
  /** What it is to stay below. */
  readonly bound: number;
}

const WIDTH = 300;
const HEIGHT = 220;
const MARGIN = { left: 56, right: 16, top: 56, bottom: 40 };

const log = Math.log10;
const tick = (value: number): string =>
  value >= 1000 ? `${value / 1000}k` : value >= 1 ? String(value) : value.toPrecision(1);
const threeDigits = (value: number): string => Number(value.toPrecision(3)).toLocaleString('en');

/** Panels beside each other with logarithmic axes, as one SVG. */
export function curveChart(title: string, xLabel: string, curves: readonly Curve[]): string {
  const width = WIDTH * curves.length;
  const panels = curves.map(
    (curve, i) => `<g transform="translate(${i * WIDTH} 0)">${panel(curve, xLabel)}</g>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${HEIGHT + MARGIN.top}" font-family="system-ui, sans-serif" font-size="11" fill="#333">
<title>${title}</title>
<rect width="100%" height="100%" fill="#fff"/>
${panels.join('\n')}
</svg>
`;
}

function panel({ title, unit, points, bound }: Curve, xLabel: string): string {
  const xs = points.map(({ x }) => x);
  const ys = [...points.map(({ y }) => y), bound];
  const [x0, x1] = [Math.floor(log(Math.min(...xs))), log(Math.max(...xs))];
  const [y0, y1] = [Math.floor(log(Math.min(...ys))), Math.ceil(log(Math.max(...ys)))];
  const right = WIDTH - MARGIN.right;
  const bottom = HEIGHT + MARGIN.top - MARGIN.bottom;
  const px = (x: number): number => MARGIN.left + ((log(x) - x0) / (x1 - x0)) * (right - MARGIN.left);
  const py = (y: number): number => bottom - ((log(y) - y0) / (y1 - y0)) * (bottom - MARGIN.top);
  const at = (value: number): string => value.toFixed(1);
  const rows = Array.from({ length: y1 - y0 + 1 }, (_, i) => 10 ** (y0 + i)).map(
    (y) =>
      `<path d="M${MARGIN.left} ${at(py(y))}H${right}" stroke="#ddd"/><text x="${MARGIN.left - 6}" y="${at(py(y) + 4)}" text-anchor="end">${tick(y)}</text>`,
  );
  const columns = Array.from({ length: Math.floor(x1) - x0 + 1 }, (_, i) => 10 ** (x0 + i)).map(
    (x) => `<text x="${at(px(x))}" y="${bottom + 16}" text-anchor="middle">${tick(x)}</text>`,
  );
  const line = points.map(({ x, y }) => `${at(px(x))},${at(py(y))}`).join(' ');
  const dots = points.map(
    ({ x, y }) =>
      `<circle cx="${at(px(x))}" cy="${at(py(y))}" r="3" fill="#2563eb"><title>${x}: ${threeDigits(y)} ${unit}</title></circle>`,
  );
  const last = points.at(-1);
  const label =
    last === undefined
      ? ''
      : `<text x="${at(px(last.x))}" y="${at(py(last.y) - 8)}" text-anchor="end" font-weight="600">${threeDigits(last.y)} ${unit}</text>`;
  return `<text x="${MARGIN.left}" y="24" font-size="13" font-weight="600">${title}, ${unit}</text>
${rows.join('')}${columns.join('')}
<text x="${(MARGIN.left + right) / 2}" y="${bottom + 32}" text-anchor="middle">${xLabel}</text>
<path d="M${MARGIN.left} ${at(py(bound))}H${right}" stroke="#dc2626" stroke-dasharray="4 3"/><text x="${MARGIN.left + 4}" y="${at(py(bound) - 4)}" fill="#dc2626">bound ${tick(bound)} ${unit}</text>
<polyline points="${line}" fill="none" stroke="#2563eb" stroke-width="2"/>${dots.join('')}${label}`;
}
