import { z } from 'zod';

/** Raised when an earlier murnau cannot read what this one writes. */
export const archiveFormat = 1;

/** First entry: what is needed to know whether, and into what, the rest can be read. */
export const headerName = 'murnau-backup.json';
/** Last but one: what the whole must hold. */
export const manifestName = 'manifest.json';
/** Last entry: SHA-256 of all bytes before its header, as hexadecimal digits. */
export const digestName = 'sha256';

export const tablePart = (table: string, part: number): string =>
  `tables/${table}/${String(part).padStart(6, '0')}.copy`;
export const blobEntry = (hash: string): string => `blobs/${hash}`;
export const fileEntry = (name: string): string => `files/${name}`;

export const headerSchema = z.strictObject({
  format: z.int(),
  /** Of the data folder. */
  edition: z.int(),
  /** Applied to the database, in their order. */
  migrations: z.array(z.string()).min(1),
  /** Of the server that was read. */
  postgres: z.string(),
  created_at: z.iso.datetime(),
  /** In the order of their entries. */
  tables: z.array(z.strictObject({ name: z.string(), columns: z.array(z.string()).min(1) })),
});
export type ArchiveHeader = z.output<typeof headerSchema>;

export const manifestSchema = headerSchema.extend({
  tables: z.array(
    z.strictObject({
      name: z.string(),
      columns: z.array(z.string()),
      rows: z.int(),
      bytes: z.int(),
      /** Of COPY's text format, all parts together. */
      sha256: z.string(),
    }),
  ),
  /** Where identity columns go on. */
  sequences: z.record(z.string(), z.int()),
  blobs: z.strictObject({ count: z.int(), bytes: z.int() }),
  /** Settings beside the database. */
  files: z.array(z.string()),
});
export type ArchiveManifest = z.output<typeof manifestSchema>;

/** What a backup or a restore is at. */
export interface ArchiveProgress {
  doing: 'checking' | 'tables' | 'files';
  done: number;
  /** Tables, files, or for `checking` bytes. */
  total: number;
}
export type OnProgress = (progress: ArchiveProgress) => void;
