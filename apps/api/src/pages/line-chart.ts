import { number } from '../format.js';
import { html, type Html } from './html.js';

export interface Series {
  name: string;
  /** By rising x. */
  points: readonly { x: number; y: number }[];
  /** Drawn thin and pale behind the others: what the eye should not follow. */
  isFaint?: boolean;
  /** Colour, 1 to 4; absent: its place in the list. */
  color?: number;
}

export interface LineChart {
  title: string;
  xLabel: string;
  /** Right end of the x axis. */
  xMax: number;
  series: readonly Series[];
}

const width = 640;
const height = 240;
const margin = { left: 52, right: 16, top: 12, bottom: 34 };
const plotWidth = width - margin.left - margin.right;
const plotHeight = height - margin.top - margin.bottom;

/** Round steps of 1, 2 or 5 times a power of ten, about `count` of them. */
export function ticks(min: number, max: number, count: number): number[] {
  if (!(max > min)) return [min];
  const rough = (max - min) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough) ?? rough;
  const first = Math.ceil(min / step - 1e-9);
  const last = Math.floor(max / step + 1e-9);
  // Multiplying, not adding up: 0.1 + 0.2 would not print as 0.3.
  return Array.from({ length: last - first + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(12)),
  );
}

/** Spikes beyond the bulk are cut rather than let them flatten the curve. */
function yRange(values: readonly number[]): [number, number] {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))] ?? 0;
  const [low, high] = [at(0), at(sorted.length > 50 ? 0.995 : 1)];
  const padding = (high - low || Math.abs(high) || 1) * 0.06;
  const bottom = low >= 0 && low - padding < 0 ? 0 : low - padding;
  return [bottom, high + padding];
}

export function lineChart({ title, xLabel, xMax, series }: LineChart): Html {
  const drawn = series.filter(({ points }) => points.length > 0);
  const [bottom, top] = yRange(drawn.flatMap(({ points }) => points.map(({ y }) => y)));
  const xOf = (x: number): string => (margin.left + (plotWidth * x) / Math.max(1, xMax)).toFixed(1);
  const yOf = (y: number): string => {
    const share = Math.min(1.02, Math.max(-0.02, (y - bottom) / (top - bottom || 1)));
    return (margin.top + plotHeight * (1 - share)).toFixed(1);
  };
  const yTicks = ticks(bottom, top, 5);
  const xTicks = ticks(0, Math.max(1, xMax), 6).filter(Number.isInteger);
  const colors = new Map(series.map((one, index) => [one, one.color ?? index + 1]));
  return html`<figure class="chart">
    <figcaption>
      <span class="chart-title">${title}</span>
      ${drawn.map((one) => legend(one, colors.get(one) ?? 1))}
    </figcaption>
    <svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${title} by ${xLabel}">
      ${yTicks.map(
        (tick) =>
          html`<line
              class="grid"
              x1="${margin.left}"
              x2="${width - margin.right}"
              y1="${yOf(tick)}"
              y2="${yOf(tick)}"
            />
            <text class="tick" x="${margin.left - 8}" y="${yOf(tick)}" dy="0.32em" text-anchor="end"
              >${number(tick)}</text
            >`,
      )}
      <line
        class="axis"
        x1="${margin.left}"
        x2="${width - margin.right}"
        y1="${height - margin.bottom}"
        y2="${height - margin.bottom}"
      />
      ${xTicks.map(
        (tick) =>
          html`<text class="tick" x="${xOf(tick)}" y="${height - margin.bottom + 16}" text-anchor="middle"
            >${number(tick)}</text
          >`,
      )}
      <text class="tick" x="${width - margin.right}" y="${height - 3}" text-anchor="end">${xLabel}</text>
      ${drawn.map((one) => line(one, colors.get(one) ?? 1, xOf, yOf))}
    </svg>
  </figure>`;
}

function legend({ name, points, isFaint = false }: Series, color: number): Html {
  const last = points.at(-1);
  return html`<span class="key color-${color}${isFaint ? ' faint' : ''}"
    ><i></i>${name} <b>${last === undefined ? '' : number(last.y)}</b></span
  >`;
}

function line(
  { name, points, isFaint = false }: Series,
  color: number,
  xOf: (x: number) => string,
  yOf: (y: number) => string,
): Html {
  const path = points.map(({ x, y }) => `${xOf(x)},${yOf(y)}`).join(' ');
  const hasDots = !isFaint && points.length <= 40;
  return html`<g class="series color-${color}${isFaint ? ' faint' : ''}">
    <polyline points="${path}" />
    ${
      hasDots
        ? points.map(
            ({ x, y }) =>
              html`<circle cx="${xOf(x)}" cy="${yOf(y)}" r="2.6"
                ><title>${name} at ${x}: ${number(y)}</title></circle
              >`,
          )
        : null
    }
  </g>`;
}
