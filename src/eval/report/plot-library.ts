/**
 * Plots as SVG, without a browser: Observable Plot over linkedom. Both are optional packages, loaded when a report is drawn.
 * @module
 */
import type * as Plot from '@observablehq/plot';
import { RetrievalError } from '../../base/errors.ts';

/** A line or dot of a plot. */
export interface Point {
  readonly x: number;
  readonly y: number;
  readonly series: string;
}

/** How an axis reads. */
export interface Axis {
  readonly label: string;
  readonly domain?: readonly [number, number];
  readonly type?: 'linear' | 'log' | 'sqrt';
  /** Written as percent: values are shares. */
  readonly percent?: boolean;
  /** Where ticks stand. */
  readonly ticks?: readonly number[];
}

/** Draws; every method gives SVG, in HTML when there is a legend. */
export interface PlotLibrary {
  /** Lines with a mark at each point; a series has one colour and one shape. */
  lines(points: readonly Point[], series: readonly string[], x: Axis, y: Axis, width: number): string;
  /** Horizontal bars, in order; `group` colours them. */
  bars(
    rows: readonly { readonly label: string; readonly value: number; readonly group: string }[],
    groups: readonly string[],
    x: Axis,
    width: number,
  ): string;
  /** Shares stacked to 1, one column a query. */
  shares(
    rows: readonly Readonly<Record<string, number | string>>[],
    series: readonly string[],
    x: Axis,
    width: number,
  ): string;
  /** How often each byte occurs, one panel a series. */
  histograms(rows: readonly { readonly title: string; readonly counts: readonly number[] }[], width: number): string;
}

/** Shapes, so that no one needs to see colours. */
const SYMBOLS = [
  'circle',
  'square',
  'triangle',
  'diamond',
  'cross',
  'star',
  'wye',
  'times',
  'plus',
  'asterisk',
] as const;
/** Below this width there are fewer ticks. */
const NARROW = 480;

/** Series that look the same in every plot. */
const KNOWN: readonly string[] = ['float', 'ehd', 'bow', 'deep', 'equal', 'adaptive'];

const place = (name: string, i: number): number => (KNOWN.includes(name) ? KNOWN.indexOf(name) : i) % SYMBOLS.length;
/** Colour of a series: a CSS variable, so that a page has light and dark ones. */
const colour = (name: string, i: number): string => `var(--series-${place(name, i) + 1})`;
const symbol = (name: string, i: number): (typeof SYMBOLS)[number] => SYMBOLS[place(name, i)]!;

/**
 * @throws `not-found` when the packages are not installed. {@link RetrievalError}
 */
export async function loadPlotLibrary(): Promise<PlotLibrary> {
  const [library, dom] = await Promise.all([import('@observablehq/plot'), import('linkedom')]).catch(
    (error: unknown) => {
      throw new RetrievalError(
        'not-found',
        'reports are drawn with packages that are not installed: npm install @observablehq/plot linkedom',
        { cause: error },
      );
    },
  );
  const { document } = dom.parseHTML('<!doctype html><html><body></body></html>');
  const draw = (options: Plot.PlotOptions): string => {
    const drawn = library.plot({ ...options, document: document as unknown as Document });
    return drawn.outerHTML;
  };
  const axis = ({ label, domain, type, percent, ticks }: Axis, narrow: boolean): Plot.ScaleOptions => ({
    label,
    ...(type === undefined ? {} : { type }),
    ...(domain === undefined ? {} : { domain: [...domain] }),
    ...(percent === true ? { tickFormat: (share: number) => `${Number((100 * share).toFixed(1))} %` } : {}),
    ...(ticks === undefined
      ? { ticks: narrow ? 4 : 8 }
      : { ticks: narrow ? ticks.filter((_, i) => i % 2 === 0) : [...ticks], tickFormat: String }),
    grid: true,
  });
  const common = (width: number): Plot.PlotOptions => ({
    width,
    style: { fontSize: '12px', background: 'transparent' },
  });
  return {
    lines(points, series, x, y, width) {
      const narrow = width < NARROW;
      const at = { x: 'x', y: 'y' } as const;
      return draw({
        ...common(width),
        height: Math.round(narrow ? 0.9 * width : 0.5 * width),
        marginLeft: 52,
        marginBottom: 40,
        marginRight: 16,
        x: axis(x, narrow),
        y: axis(y, narrow),
        color: { domain: [...series], range: series.map(colour) },
        symbol: { domain: [...series], range: series.map(symbol), legend: true },
        marks: [
          library.lineY(points, { ...at, z: 'series', stroke: 'series', strokeWidth: 2 }),
          library.dot(points, { ...at, symbol: 'series', fill: 'series', stroke: 'series', r: 3.5 }),
        ],
      });
    },
    bars(rows, groups, x, width) {
      const longest = Math.max(...rows.map(({ label }) => label.length));
      const narrow = width < NARROW;
      return draw({
        ...common(width),
        height: 60 + 26 * rows.length,
        marginLeft: Math.min(0.45 * width, 16 + 7.2 * longest),
        marginRight: 56,
        marginBottom: 40,
        x: axis(x, narrow),
        y: { domain: rows.map(({ label }) => label), label: null },
        color: {
          domain: [...groups],
          range: groups.map(colour),
          ...(groups.length > 1 ? { legend: true } : {}),
        },
        marks: [
          library.barX(rows, { x: 'value', y: 'label', fill: 'group', insetTop: 3, insetBottom: 3 }),
          library.text(rows, {
            ...{ x: 'value', y: 'label', textAnchor: 'start', dx: 4 },
            text: ({ value }: { value: number }) =>
              x.percent === true ? `${(100 * value).toFixed(1)} %` : String(Number(value.toPrecision(3))),
          }),
          library.ruleX([0]),
        ],
      });
    },
    shares(rows, series, x, width) {
      const points = rows.flatMap((row, at) => series.map((name) => ({ at, name, share: Number(row[name]) })));
      return draw({
        ...common(width),
        height: Math.round(width < NARROW ? 0.8 * width : 0.36 * width),
        marginLeft: 52,
        marginBottom: 40,
        x: { label: x.label, ticks: [] },
        y: { ...axis({ label: 'weight', percent: true }, width < NARROW), domain: [0, 1] },
        color: { domain: [...series], range: series.map(colour), legend: true },
        marks: [
          library.rectY(points, {
            ...{ x1: ({ at }: { at: number }) => at, x2: ({ at }: { at: number }) => at + 1 },
            ...{ y: 'share', fill: 'name', order: [...series], insetLeft: 0, insetRight: 0 },
          }),
          library.ruleY([0]),
        ],
      });
    },
    histograms(rows, width) {
      const bins = rows.flatMap(({ title, counts }) => counts.map((count, byte) => ({ title, byte, count })));
      const narrow = width < NARROW;
      return draw({
        ...common(width),
        height: narrow ? 220 : 190,
        marginLeft: 44,
        marginBottom: 36,
        x: { label: 'value of a byte', ticks: narrow ? [0, 255] : [0, 128, 255] },
        y: { label: 'bytes', ticks: 3, grid: true },
        fx: { domain: rows.map(({ title }) => title), label: null, padding: 0.15 },
        color: { domain: rows.map(({ title }) => title), range: rows.map(({ title }, i) => colour(title, i)) },
        marks: [
          library.rectY(bins, {
            ...{ fx: 'title', y: 'count', fill: 'title', inset: 0 },
            ...{ x1: ({ byte }: { byte: number }) => byte, x2: ({ byte }: { byte: number }) => byte + 1 },
          }),
          library.ruleY([0]),
        ],
      });
    },
  };
}
