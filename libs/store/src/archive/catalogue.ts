import type pg from 'pg';

/** What the database itself says of its tables: a new one is backed up without a word here. */

export interface Table {
  name: string;
  columns: string[];
}

export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
export const columnList = ({ columns }: Table): string => columns.map(quoted).join(', ');

/**
 * By name, without those that Kysely keeps of the migrations, which a restore makes itself, and without the browsers that
 * are logged in: a copy lets nobody in.
 */
export async function selectTables(client: pg.ClientBase): Promise<Table[]> {
  const { rows } = await client.query<Table>(`
    select relname as name, array_agg(attname::text order by attnum) as columns
    from pg_class join pg_attribute on attrelid = pg_class.oid
    where relkind = 'r' and relnamespace = 'public'::regnamespace and relname not like 'kysely\\_%' and relname <> 'sessions'
      and attnum > 0 and not attisdropped and attgenerated = ''
    group by relname order by relname`);
  return rows;
}

export async function selectMigrations(client: pg.ClientBase): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    'select name from kysely_migration order by timestamp, name',
  );
  return rows.map(({ name }) => name);
}

/** Where each identity column goes on; those that have not begun are left out. */
export async function selectSequences(client: pg.ClientBase): Promise<Record<string, number>> {
  const { rows } = await client.query<{ name: string; last_value: string }>(`
    select sequencename as name, last_value from pg_sequences
    where schemaname = 'public' and last_value is not null`);
  return Object.fromEntries(rows.map(({ name, last_value }) => [name, Number(last_value)]));
}

interface ForeignKey {
  table: string;
  columns: string[];
  referred: string;
  referred_columns: string[];
}

export async function selectForeignKeys(client: pg.ClientBase): Promise<ForeignKey[]> {
  const names = (of: string, numbers: string): string => `(
    select array_agg(attname::text order by place)
    from unnest(${numbers}) with ordinality as part (number, place)
    join pg_attribute on attrelid = ${of} and attnum = part.number)`;
  const { rows } = await client.query<ForeignKey>(`
    select source.relname as table, ${names('conrelid', 'conkey')} as columns,
           target.relname as referred, ${names('confrelid', 'confkey')} as referred_columns
    from pg_constraint
    join pg_class as source on source.oid = conrelid
    join pg_class as target on target.oid = confrelid
    where contype = 'f' and pg_constraint.connamespace = 'public'::regnamespace
    order by 1, 2`);
  return rows;
}

/** A query of the hashes of all files that rows refer to, each once. */
export async function referredBlobs(client: pg.ClientBase): Promise<string> {
  const keys = (await selectForeignKeys(client)).filter(({ referred }) => referred === 'blobs');
  return keys
    .map(({ table, columns }) => `select ${quoted(columns[0] ?? '')} as hash from ${quoted(table)}`)
    .join(' union ');
}

/** The first table with a row that refers to one which is not there; undefined: all are whole. */
export async function findLooseEnd(client: pg.ClientBase): Promise<string | undefined> {
  for (const { table, columns, referred, referred_columns } of await selectForeignKeys(client)) {
    const given = columns.map((column) => `a.${quoted(column)} is not null`).join(' and ');
    const same = columns
      .map((column, index) => `b.${quoted(referred_columns[index] ?? '')} = a.${quoted(column)}`)
      .join(' and ');
    const { rowCount } = await client.query(
      `select from ${quoted(table)} a where ${given}
       and not exists (select from ${quoted(referred)} b where ${same}) limit 1`,
    );
    if ((rowCount ?? 0) > 0) return `${table} refers to ${referred}`;
  }
  return undefined;
}
