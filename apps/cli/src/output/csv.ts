/** What a spreadsheet takes for a formula when a cell begins with it. */
const formulaStart = /^[=+\-@\t\r]/;
const plainNumber = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** A cell that would be run as a formula is led by an apostrophe: it is text. Negative numbers are numbers. */
function cell(value: unknown): string {
  const text = value === null || value === undefined ? '' : String(value);
  const isFormula = formulaStart.test(text) && !plainNumber.test(text);
  const shown = isFormula ? `'${text}` : text;
  return /[",\r\n]/.test(shown) ? `"${shown.replaceAll('"', '""')}"` : shown;
}

/** RFC 4180. */
export const csv = (lines: readonly (readonly unknown[])[]): string =>
  lines.map((line) => `${line.map(cell).join(',')}\r\n`).join('');
