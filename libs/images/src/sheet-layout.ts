import type { ContactSheet, ContactSheetRow } from './sheet-content.js';
import { drawLine, type Lettering, measure, shorten, wrap } from './text/lettering.js';

export interface Size {
  width: number;
  height: number;
}

interface Cell {
  picture: Uint8Array | null;
  /** Top left corner in the sheet, pixels. */
  x: number;
  y: number;
}

/** A line of the sheet. */
interface Line extends ContactSheetRow {
  /** The same row goes on in the next line. */
  goesOn: boolean;
}

export interface SheetLayout extends Size {
  cell: Size;
  cells: Cell[];
  /** Titles, labels and captions, as an SVG of the sheet's size. */
  letteringSvg: string;
}

const MARGIN = 24;
const GAP = 6;
const ROW_GAP = 20;
/** Small pictures grow by a whole factor towards this side, at most three times; large ones shrink to it. */
const ENLARGED_SIDE = 192;
const LARGEST_SIDE = 256;
/** The sheet stays below this by shrinking its cells. */
const LARGEST_SHEET_SIDE = 12_000;
const SMALLEST_SHEET_WIDTH = 420;
const LABEL_WIDTH = 230;

const INK = '#1f2328';
const FAINT = '#59636e';
const TITLE: Lettering = { size: 24, weight: 600, color: INK };
const SUBTITLE: Lettering = { size: 15, weight: 400, color: FAINT };
const COLUMN: Lettering = { size: 15, weight: 600, color: INK };
const LABEL: Lettering = { size: 16, weight: 600, color: INK };
const LABEL_DETAIL: Lettering = { size: 14, weight: 400, color: FAINT };
const CAPTION: Lettering = { size: 14, weight: 400, color: INK };
const LINE = 1.35;

export function layOut(sheet: ContactSheet, picture: Size): SheetLayout {
  const columns = columnsOf(sheet);
  const rows = sheet.rows.flatMap((row) => breakRow(row, columns));
  const cell = cellSize(picture, columns, rows.length);
  const labelWidth = labelWidthOf(sheet.rows);
  const left = MARGIN + (labelWidth > 0 ? labelWidth + 16 : 0);
  const gridWidth = columns * cell.width + (columns - 1) * GAP;
  const hasTitle = sheet.title !== undefined || sheet.subtitle !== undefined;
  const width = Math.max(left + gridWidth + MARGIN, hasTitle ? SMALLEST_SHEET_WIDTH : 0);

  const svg: string[] = [];
  let y = drawHeader(svg, sheet, width - 2 * MARGIN);
  y = drawColumns(svg, sheet.columns ?? [], { left, y, cell });
  const cells: Cell[] = [];
  for (const row of rows) y = placeRow(svg, cells, row, { left, y, cell, labelWidth });
  const height = y - ROW_GAP + MARGIN;
  const letteringSvg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${svg.join('')}</svg>`;
  return { width, height, cell, cells, letteringSvg };
}

function columnsOf({ rows, columns, wrap: wrapAt }: ContactSheet): number {
  const longest = Math.max(1, columns?.length ?? 0, ...rows.map((row) => row.pictures.length));
  return Math.min(longest, wrapAt ?? (columns === undefined ? 8 : longest));
}

/** A long row in pieces; the label stands beside the first. */
function breakRow({ label, pictures, captions }: ContactSheetRow, columns: number): Line[] {
  const pieces: Line[] = [];
  for (let start = 0; start < Math.max(1, pictures.length); start += columns) {
    const end = start + columns;
    pieces.push({
      label: start === 0 ? label : undefined,
      pictures: pictures.slice(start, end),
      captions: captions?.slice(start, end),
      goesOn: end < pictures.length,
    });
  }
  return pieces;
}

function cellSize({ width, height }: Size, columns: number, rows: number): Size {
  const side = Math.max(width, height);
  const wanted =
    side <= LARGEST_SIDE ? Math.max(1, Math.min(3, Math.floor(ENLARGED_SIDE / side))) : LARGEST_SIDE / side;
  const room = LARGEST_SHEET_SIDE / Math.max(columns * width, rows * height);
  const scale = wanted <= room ? wanted : room >= 1 ? Math.floor(room) : room;
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

const linesOf = (label: ContactSheetRow['label']): readonly string[] =>
  label === undefined ? [] : typeof label === 'string' ? [label] : label;

function labelWidthOf(rows: readonly ContactSheetRow[]): number {
  const widths = rows.flatMap(({ label }) =>
    linesOf(label).map((line, index) => measure(line, index === 0 ? LABEL : LABEL_DETAIL)),
  );
  return Math.ceil(Math.min(LABEL_WIDTH, Math.max(0, ...widths)));
}

/** Returns where the next thing begins. */
function drawHeader(svg: string[], { title, subtitle }: ContactSheet, width: number): number {
  let y = MARGIN;
  const add = (lines: readonly string[], lettering: Lettering) => {
    for (const line of lines) {
      svg.push(drawLine(line, MARGIN, y + lettering.size, lettering));
      y += Math.round(lettering.size * LINE);
    }
  };
  if (title !== undefined) add(wrap(title, Math.max(width, SMALLEST_SHEET_WIDTH - 2 * MARGIN), TITLE), TITLE);
  if (subtitle !== undefined)
    add(wrap(subtitle, Math.max(width, SMALLEST_SHEET_WIDTH - 2 * MARGIN), SUBTITLE), SUBTITLE);
  return y === MARGIN ? y : y + 14;
}

interface Place {
  left: number;
  y: number;
  cell: Size;
}

function drawColumns(svg: string[], columns: readonly string[], { left, y, cell }: Place): number {
  if (columns.length === 0) return y;
  columns.forEach((column, index) =>
    svg.push(drawCentred(column, left + index * (cell.width + GAP), y, cell.width, COLUMN)),
  );
  return y + Math.round(COLUMN.size * LINE) + 4;
}

function placeRow(svg: string[], cells: Cell[], row: Line, place: Place & { labelWidth: number }): number {
  const { left, y, cell, labelWidth } = place;
  const labelHeight = drawLabel(svg, linesOf(row.label), y, labelWidth);
  row.pictures.forEach((picture, index) => cells.push({ picture, x: left + index * (cell.width + GAP), y }));
  const captions = (row.captions ?? []).slice(0, row.pictures.length);
  const captionY = y + cell.height + 4;
  captions.forEach((caption, index) => {
    if (caption !== undefined)
      svg.push(drawCentred(caption, left + index * (cell.width + GAP), captionY, cell.width, CAPTION));
  });
  const hasCaptions = captions.some((caption) => caption !== undefined);
  const pictureHeight = cell.height + (hasCaptions ? 4 + Math.round(CAPTION.size * LINE) : 0);
  return y + Math.max(pictureHeight, labelHeight) + (row.goesOn ? GAP : ROW_GAP);
}

/** Returns its height. */
function drawLabel(svg: string[], lines: readonly string[], top: number, width: number): number {
  let y = top;
  lines.forEach((line, index) => {
    const lettering = index === 0 ? LABEL : LABEL_DETAIL;
    for (const piece of wrap(line, width, lettering)) {
      svg.push(drawLine(piece, MARGIN, y + lettering.size, lettering));
      y += Math.round(lettering.size * LINE);
    }
  });
  return y - top;
}

function drawCentred(text: string, x: number, y: number, width: number, lettering: Lettering): string {
  const shown = shorten(text, width, lettering);
  return drawLine(shown, x + (width - measure(shown, lettering)) / 2, y + lettering.size, lettering);
}
