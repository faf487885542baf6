import { type Kysely, type Migration, sql } from 'kysely';
import { removals } from './removals.js';
import { eventPlaces } from './event-places.js';
import { largeSweeps } from './large-sweeps.js';
import { sessionTable } from './session-table.js';
import { sweepTallies } from './sweep-tallies.js';
import { workerDeaths } from './worker-deaths.js';
import { workflowEnds } from './workflow-ends.js';

/**
 * What people wrote (specs, parameters, requests) is kept as json, which leaves the order of keys alone: in a sweep
 * file it is the order of the grid's axes. Text columns carry closed sets of words instead of SQL enums, so that a new word needs no migration; the words are
 * checked by the types of this package, its only writer.
 */
const initial: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
create table blobs (
  hash text primary key,
  size_bytes bigint not null,
  media_type text not null,
  stored_at timestamptz not null default now()
);

create table datasets (
  id text primary key,
  seq bigint generated always as identity unique,
  name text not null,
  owner text not null,
  created_at timestamptz not null default now()
);
create table dataset_images (
  dataset_id text not null references datasets on delete cascade,
  position int not null,
  hash text not null references blobs,
  name text not null,
  width int not null,
  height int not null,
  primary key (dataset_id, position)
);
create index dataset_images_hash on dataset_images (hash);

create table sweeps (
  id text primary key,
  seq bigint generated always as identity unique,
  name text not null,
  owner text not null,
  phase text not null,
  spec json not null,
  workflow_id text not null unique,
  workflow_started boolean not null default false,
  failure jsonb,
  created_at timestamptz not null default now(),
  finished_at timestamptz
);
create index sweeps_unstarted on sweeps (created_at) where not workflow_started;

create table runs (
  id text primary key,
  seq bigint generated always as identity unique,
  name text not null,
  owner text not null,
  phase text not null default 'queued',
  spec json not null,
  model text not null,
  placeholder_token text not null,
  dataset_id text not null references datasets,
  sweep_id text references sweeps on delete cascade,
  trial int,
  parameters json not null,
  workflow_id text not null unique,
  workflow_started boolean not null default false,
  epoch int not null default 0,
  claim_chain int not null default -1,
  claim_segment int not null default -1,
  claim_attempt int not null default -1,
  claim_token text,
  claimed_by text,
  batch_token text,
  step int not null default 0,
  certified_step int not null default -1,
  metrics jsonb not null default '{}',
  metric_name text not null,
  metric_goal text not null,
  best_step int,
  best_value double precision,
  restarts jsonb not null default '{}',
  counted_restarts int not null default 0,
  restart_epoch int not null default 0,
  fingerprint text,
  numerics_changed_at jsonb not null default '[]',
  scores jsonb not null default '{}',
  embedding_id text,
  failure jsonb,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  unique (sweep_id, trial)
) with (fillfactor = 70); -- the row is rewritten at each checkpoint: room for updates within the page
create index runs_owner on runs (owner, seq);
create index runs_phase on runs (phase, seq);
create index runs_placeholder on runs (placeholder_token, seq);
create index runs_unstarted on runs (created_at) where not workflow_started;

create table metrics (
  run_id text not null references runs on delete cascade,
  step int not null,
  name text not null,
  value double precision not null,
  primary key (run_id, step, name)
);

create table checkpoints (
  run_id text not null references runs on delete cascade,
  step int not null,
  epoch int not null,
  state_hash text not null references blobs,
  embedding_hash text not null references blobs,
  created_at timestamptz not null default now(),
  primary key (run_id, step)
);
create index checkpoints_state_hash on checkpoints (state_hash);
create index checkpoints_embedding_hash on checkpoints (embedding_hash);

create table samples (
  run_id text not null references runs on delete cascade,
  step int not null,
  kind text not null,
  position int not null,
  prompt text not null,
  seed bigint not null,
  hash text not null references blobs,
  image_alignment double precision,
  primary key (run_id, step, kind, position)
);
create index samples_hash on samples (hash);

create table embeddings (
  id text primary key,
  seq bigint generated always as identity unique,
  placeholder_token text not null,
  initializer_token text,
  model text not null,
  num_vectors int not null,
  pooling text,
  step int not null,
  run_id text unique references runs on delete set null,
  source text not null,
  owner text not null,
  hash text not null references blobs,
  scores jsonb not null default '{}',
  created_at timestamptz not null default now()
);
create index embeddings_placeholder on embeddings (placeholder_token, seq);
create index embeddings_hash on embeddings (hash);

create table generations (
  id text primary key,
  seq bigint generated always as identity unique,
  owner text not null,
  phase text not null default 'queued',
  request json not null,
  model text not null,
  progress real not null default 0,
  workflow_id text not null unique,
  workflow_started boolean not null default false,
  failure jsonb,
  created_at timestamptz not null default now(),
  finished_at timestamptz
);
create index generations_unstarted on generations (created_at) where not workflow_started;
create table generation_images (
  generation_id text not null references generations on delete cascade,
  position int not null,
  seed bigint not null,
  hash text not null references blobs,
  primary key (generation_id, position)
);
create index generation_images_hash on generation_images (hash);

create table workers (
  name text primary key,
  address text not null,
  device jsonb not null,
  models jsonb not null,
  slots int not null,
  running int not null,
  generating int not null,
  steps_per_second double precision not null,
  quarantine_reason text,
  last_seen_at timestamptz not null
);

create table events (
  id bigint generated always as identity primary key,
  tx xid8 not null default pg_current_xact_id(),
  run_id text references runs on delete cascade,
  sweep_id text references sweeps on delete cascade,
  generation_id text references generations on delete cascade,
  step int,
  kind text not null,
  data jsonb not null,
  created_at timestamptz not null default now()
);
create index events_cursor on events (tx, id);
create index events_run on events (run_id, tx, id) where run_id is not null;
create index events_sweep on events (sweep_id, tx, id) where sweep_id is not null;
create index events_generation on events (generation_id, tx, id) where generation_id is not null;

create table idempotency_keys (
  owner text not null,
  scope text not null,
  key text not null,
  request_hash text not null,
  resource_id text not null,
  created_at timestamptz not null default now(),
  primary key (owner, scope, key)
);`.execute(db);
  },
};

/**
 * Requests name their task, and say nothing where they mean the model's default (they said 0 or ""); `prior_steps`
 * is text. Guidance below 1 was never guidance, and is 1 now. Workers describe their models anew within a second.
 */
const drawingTasks: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
update generations set request = (
  select json_object_agg(name, value) from (
    select 'task' as name, '"text2img"'::json as value
    union all
    select key, case
      when key = 'prior_steps' then to_json(value #>> '{}')
      when key in ('guidance_scale', 'prior_guidance_scale') and (value #>> '{}')::numeric < 1 then '1'::json
      else value
    end
    from json_each(request)
    where value::text not in ('0', '""')
      or key not in ('num_steps', 'guidance_scale', 'prior_steps', 'prior_guidance_scale', 'width', 'height',
        'negative_decoder_prompt', 'negative_prior_prompt')
  ) fields
)
where request -> 'task' is null;

alter table generations
  add notices jsonb not null default '[]',
  add preview_hash text references blobs,
  add model_fingerprint text,
  add numeric_fingerprint text,
  add worker_version text;
create index generations_preview_hash on generations (preview_hash) where preview_hash is not null;

create table generation_inputs (
  generation_id text not null references generations on delete cascade,
  field text not null,
  hash text not null references blobs,
  primary key (generation_id, field)
);
create index generation_inputs_hash on generation_inputs (hash);

delete from workers;`.execute(db);
  },
};

/** Policies and live edits of sweeps: rungs, decisions, and what a run may do next. */
const sweepPolicies: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
alter table sweeps
  add workflow_chain int not null default 0,
  add max_concurrent_trials int,
  add priority int not null default 3,
  add stop_reason text,
  add stage text not null default 'search',
  add gate jsonb;
update sweeps set max_concurrent_trials = coalesce((spec ->> 'max_concurrent_trials')::int, 4);
alter table sweeps alter max_concurrent_trials set not null;

alter table runs
  add workflow_chain int not null default 0,
  add rung int not null default 0,
  add target_step int,
  add wish text,
  add wish_by text,
  add early_stop text,
  add priority int not null default 3,
  add device_s double precision not null default 0,
  add device_mark timestamptz,
  add forked_from jsonb;
update runs set workflow_chain = greatest(claim_chain, 0);
create index runs_sweep_phase on runs (sweep_id, phase) where sweep_id is not null;
create index runs_to_start on runs (sweep_id, rung desc, trial) where not workflow_started and phase = 'queued';
-- A run that is extended publishes again, with more steps.
alter table embeddings drop constraint embeddings_run_id_key;
create index embeddings_run on embeddings (run_id) where run_id is not null;

alter table workers add lift_requested_at timestamptz;

create table rung_results (
  sweep_id text not null references sweeps on delete cascade,
  rung int not null,
  run_id text not null references runs on delete cascade,
  trial int not null,
  step int not null,
  value double precision,
  merit double precision not null,
  is_promoted boolean not null default false,
  reached_at timestamptz not null default now(),
  primary key (sweep_id, rung, run_id)
);
create index rung_results_merit on rung_results (sweep_id, rung, merit desc, trial);

create table sweep_decisions (
  seq bigint generated always as identity primary key,
  sweep_id text not null references sweeps on delete cascade,
  at timestamptz not null default now(),
  kind text not null,
  trial int,
  by text not null,
  why text not null,
  data jsonb not null default '{}',
  update_id text
);
create index sweep_decisions_sweep on sweep_decisions (sweep_id, seq);
create unique index sweep_decisions_update on sweep_decisions (sweep_id, update_id) where update_id is not null;`.execute(
      db,
    );
    await addPolicies(db);
  },
};

/** What a sweep file without policies means; written here so that it never changes with the schema's defaults. */
const noPolicies = {
  early_terminate: { type: 'none' },
  stop_when: { plateau: false },
  priority: 3,
};

/** Not in SQL: jsonb would reorder the grid's axes. */
async function addPolicies(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ id: string; spec: object }>`select id, spec from sweeps`.execute(db);
  for (const { id, spec } of rows) {
    const text = JSON.stringify({ ...noPolicies, ...spec });
    await sql`update sweeps set spec = ${text}::json where id = ${id}`.execute(db);
  }
}

/** Masks and captions beside pictures, and what a run's words may be beside one initializer. */
const trainingData: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
alter table dataset_images
  add mask_hash text references blobs,
  add caption text;
create index dataset_images_mask_hash on dataset_images (mask_hash) where mask_hash is not null;`.execute(db);
    for (const table of ['runs', 'sweeps'] as const) await addTrainingDefaults(db, table);
  },
};

/** What older specs mean; written here so that it never changes with the schema's defaults. */
const oldTraining = {
  prior_share: 0.5,
  warm_steps: 60,
  warmup_steps: 0,
  optimizer: 'adamw',
  loss_weight: 'uniform',
  min_snr_gamma: 5,
  gradient_accumulation_steps: 1,
  loss_mask: 'none',
  loss_mask_floor: 0,
  template_languages: 'en',
  text_dropout: false,
  publish: 'averaged',
  stop_when: { plateau: false },
};

async function addTrainingDefaults(db: Kysely<unknown>, table: 'runs' | 'sweeps'): Promise<void> {
  const { rows } = await sql<{ id: string; spec: { checkpoint?: object } }>`
    select id, spec from ${sql.table(table)}`.execute(db);
  for (const { id, spec } of rows) {
    const added = table === 'runs' ? oldTraining : {};
    const text = JSON.stringify({ ...added, ...spec, checkpoint: { keep: 'all', ...spec.checkpoint } });
    await sql`update ${sql.table(table)} set spec = ${text}::json where id = ${id}`.execute(db);
  }
}

/** By whom runs were judged, and which of their rows were published. */
const judging: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
alter table runs add judgement jsonb;
alter table embeddings add published text;`.execute(db);
  },
};

/** In order; a released one is never edited. */
export const migrations: Record<string, Migration> = {
  '0001-initial': initial,
  '0002-drawing-tasks': drawingTasks,
  '0003-sweep-policies': sweepPolicies,
  '0004-training-data': trainingData,
  '0005-judging': judging,
  '0006-sweep-tallies': sweepTallies,
  '0007-workflow-ends': workflowEnds,
  '0008-worker-deaths': workerDeaths,
  '0009-removals': removals,
  '0010-event-places': eventPlaces,
  '0011-large-sweeps': largeSweeps,
  '0012-sessions': sessionTable,
};

/** In their order. */
export const migrationNames = Object.keys(migrations).sort();
