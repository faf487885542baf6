export interface ContactSheetRow {
  /** Left of the pictures: one line, or several, the first of them strong. */
  label?: string | readonly string[] | undefined;
  /** Encoded pictures; null leaves a place empty. */
  pictures: readonly (Uint8Array | null)[];
  /** Under each picture. */
  captions?: readonly (string | undefined)[] | undefined;
}

export interface ContactSheet {
  title?: string | undefined;
  /** Under the title, smaller; wrapped. */
  subtitle?: string | undefined;
  /** Above the columns: steps, seeds. */
  columns?: readonly string[] | undefined;
  rows: readonly ContactSheetRow[];
  /** Longer rows go on in the next line. Default: as many as there are column labels, else 8. */
  wrap?: number | undefined;
}
