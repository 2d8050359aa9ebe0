/**
 * One figure of the report: words, a table, and, where pictures are drawn, plots.
 * @module
 */
import type { Cell } from '../markdown.ts';
import type { PlotLibrary } from './plot-library.ts';

/** A table; numbers are given as they are to be read. */
export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** Draws at a width in CSS pixels: SVG, or HTML around it. */
export type Draw = (plots: PlotLibrary, width: number) => string;

export interface Figure {
  readonly id: string;
  readonly title: string;
  /** What it shows and how it was measured, a sentence or two. Plain text. */
  readonly text: string;
  readonly table: Table;
  readonly plots: readonly { readonly title: string; readonly draw: Draw }[];
}
