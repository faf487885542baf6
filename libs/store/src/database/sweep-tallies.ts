import { type Kysely, type Migration, sql } from 'kysely';

/**
 * How many trials of a sweep are in each state, kept as changes that are added up: so a decision costs the same for ten
 * trials as for ten thousand. A statement on runs adds its own change and locks nothing that another writer waits for;
 * readers fold what has piled up (`foldTallies`). Device time is counted here for trials outside the window; of those
 * in it, it grows with each checkpoint and is read from their rows.
 */
export const sweepTallies: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
create table sweep_tallies (
  sweep_id text not null references sweeps on delete cascade,
  state text not null,
  trials int not null,
  device_s double precision not null
);
create index sweep_tallies_sweep on sweep_tallies (sweep_id);

-- to_start: planned, no workflow yet; resumed: to go on from a stored step; open: with a workflow that is to train;
-- held: paused by a person; waiting: at a rung; or how it has ended.
create function trial_state(phase text, workflow_started boolean, wish text, certified_step int) returns text
language sql immutable as $$
  select case
    when phase in ('waiting', 'finished', 'failed', 'cancelled') then phase
    when phase = 'running' or (phase = 'queued' and workflow_started) then 'open'
    when wish is not distinct from 'pause' then 'held'
    when phase = 'paused' then 'open'
    when certified_step > 0 then 'resumed'
    else 'to_start'
  end
$$;

-- Of a trial in the window the device time grows, and is read from its row (index runs_open).
create function settled_device_s(device_s double precision, phase text, workflow_started boolean)
returns double precision language sql immutable as $$
  select case when workflow_started and phase in ('queued', 'running', 'paused') then 0 else device_s end
$$;

create function tally_new_trials() returns trigger language plpgsql as $$
begin
  insert into sweep_tallies
  select sweep_id, trial_state(phase, workflow_started, wish, certified_step) as state, count(*), 0
  from new_rows where sweep_id is not null group by sweep_id, state;
  return null;
end
$$;

create function tally_changed_trials() returns trigger language plpgsql as $$
begin
  insert into sweep_tallies
  select sweep_id, state, sum(sign), sum(sign * device_s)
  from (
    select -1 as sign, sweep_id, trial_state(phase, workflow_started, wish, certified_step) as state,
           settled_device_s(device_s, phase, workflow_started) as device_s
    from old_rows where sweep_id is not null
    union all
    select 1, sweep_id, trial_state(phase, workflow_started, wish, certified_step),
           settled_device_s(device_s, phase, workflow_started)
    from new_rows where sweep_id is not null
  ) changes
  group by sweep_id, state
  having sum(sign) <> 0 or sum(sign * device_s) <> 0;
  return null;
end
$$;

create trigger runs_tally_new after insert on runs
  referencing new table as new_rows for each statement execute function tally_new_trials();
create trigger runs_tally_changed after update on runs
  referencing old table as old_rows new table as new_rows for each statement execute function tally_changed_trials();

insert into sweep_tallies
select sweep_id, trial_state(phase, workflow_started, wish, certified_step) as state, count(*),
       sum(settled_device_s(device_s, phase, workflow_started))
from runs where sweep_id is not null group by sweep_id, state;

-- The window, whatever the number of trials around it.
create index runs_open on runs (sweep_id, trial)
  where workflow_started and phase in ('queued', 'running', 'paused');

-- Those that may still be promoted, best first.
create index rung_results_contenders on rung_results (sweep_id, rung, merit desc, trial) where not is_promoted;

-- Which of its workflow's runs decides: its trials' ends are told to that one by Temporal itself.
alter table sweeps add workflow_run_id text;`.execute(db);
  },
};
