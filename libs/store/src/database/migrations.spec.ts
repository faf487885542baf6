import { generationRequestSchema } from '@murnau/domain';
import { Kysely, Migrator, PostgresDialect } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createTestDatabase } from '../postgres/test-postgres.js';
import { openTestStore, type TestStore } from '../test-store.js';
import { migrations } from './migrations.js';

/** As the first version wrote it. */
const oldRequest = {
  model: 'kandinsky-2.1-small',
  prompt: 'a photo of "sapsan"',
  embedding_ids: ['eb000001'],
  count: 2,
  seed: 0,
  num_steps: 0,
  guidance_scale: 4.5,
  prior_steps: 25,
  prior_guidance_scale: 0.5,
  sampler: 'p_sampler',
  width: 128,
  height: 0,
  negative_decoder_prompt: '',
  negative_prior_prompt: 'blurry',
};

let test: TestStore;
beforeAll(async () => {
  const databaseUrl = await createTestDatabase(inject('serverUrl'));
  const pool = new pg.Pool({ connectionString: databaseUrl });
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  const provider = { getMigrations: () => Promise.resolve(migrations) };
  const { error } = await new Migrator({ db, provider }).migrateTo('0001-initial');
  if (error !== undefined) throw error as Error;
  for (const [id, request] of [
    ['00000001', oldRequest],
    ['00000002', { ...oldRequest, prior_steps: 0, guidance_scale: 0, negative_prior_prompt: '0' }],
  ] as const) {
    await pool.query(
      `insert into generations (id, owner, request, model, workflow_id) values ($1, 'ann', $2, 'm', $1)`,
      [id, JSON.stringify(request)],
    );
  }
  await pool.query(
    `insert into events (tx, kind, data) values ('9', 'later', '{}'), ('7', 'first', '{}'), ('7', 'second', '{}')`,
  );
  await noteSettings(pool);
  await pool.query(`insert into workers values ('w', 'a', '{}', '[{"name": "m"}]', 1, 0, 0, 0, null, now())`);
  await db.destroy();
  test = await openTestStore(databaseUrl);
});
afterAll(() => test.close());

const limits = ['idle_in_transaction_session_timeout', 'lock_timeout', 'statement_timeout'];

/** Notes the limits of each session that changes the schema. */
async function noteSettings(pool: pg.Pool): Promise<void> {
  await pool.query(`
    do $$ begin
      execute format('alter database %I set statement_timeout = ''10s''', current_database());
    end $$;
    create table noted_settings (name text, value text);
    create function note_settings() returns event_trigger language plpgsql as $$ begin
      insert into noted_settings select name, setting from pg_settings where name in ('${limits.join("', '")}');
    end $$;
    create event trigger note_settings on ddl_command_end execute function note_settings()`);
}

describe('a database of the first version', () => {
  it('is migrated in sessions without limits of time', async () => {
    const noted = await test.query('select distinct name, value from noted_settings order by name');
    expect(noted).toEqual(limits.map((name) => ({ name, value: '0' })));
  });

  it('has its events in the order of before', async () => {
    const events = await test.store.events.list({});
    expect(events.map(({ id, kind }) => [id, kind])).toEqual([
      ['1', 'first'],
      ['2', 'second'],
      ['3', 'later'],
    ]);
  });

  it('has its generations in the new form', async () => {
    const { request, ...rest } = await test.store.generations.get('00000001');
    expect(request).toEqual({
      task: 'text2img',
      model: 'kandinsky-2.1-small',
      prompt: 'a photo of "sapsan"',
      embedding_ids: ['eb000001'],
      count: 2,
      seed: 0,
      guidance_scale: 4.5,
      prior_steps: '25',
      prior_guidance_scale: 1,
      sampler: 'p_sampler',
      width: 128,
      negative_prior_prompt: 'blurry',
    });
    expect(generationRequestSchema.safeParse(request).success).toBe(true);
    expect(rest).toMatchObject({ notices: [], preview_hash: null, produced_by: null });
  });

  it('drops what meant a default', async () => {
    const { request } = await test.store.generations.get('00000002');
    for (const name of ['num_steps', 'guidance_scale', 'prior_steps', 'height', 'negative_decoder_prompt']) {
      expect(request).not.toHaveProperty(name);
    }
    expect(request).toMatchObject({ seed: 0, negative_prior_prompt: '0' });
    expect(generationRequestSchema.safeParse(request).success).toBe(true);
  });

  it('waits for its workers to describe their models anew', async () => {
    expect(await test.store.workers.list()).toEqual([]);
  });

  it('is migrated once', async () => {
    await test.store.migrate();
    expect((await test.store.generations.get('00000001')).request).toMatchObject({ prior_steps: '25' });
  });
});
