import { type Kysely, type Migration, sql } from 'kysely';

/**
 * What viewers of a sweep ask costs the same for ten trials as for ten thousand: tallies say the phase too, and each list
 * has an index in the order in which its pages are read.
 */
export const largeSweeps: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
-- Ascending: best first by the sweep's metric, then those without a value.
create function leaderboard_key(metric_goal text, best_value double precision) returns double precision
language sql immutable as $$
  select coalesce(case metric_goal when 'maximize' then -best_value else best_value end, 'Infinity'::float8)
$$;
create index runs_leaderboard on runs (sweep_id, leaderboard_key(metric_goal, best_value), trial)
  where sweep_id is not null;

-- Of a sweep, or (sweep_id is null) of none.
create index runs_sweep on runs (sweep_id, seq);
drop index runs_sweep_phase;
create index runs_sweep_phase on runs (sweep_id, phase, seq) where sweep_id is not null;
create index runs_finalists on runs (sweep_id, (parameters ->> 'finalist_of'))
  where (parameters ->> 'finalist_of') is not null;
create index samples_kind on samples (run_id, kind, step, position);
create index sweep_decisions_kind on sweep_decisions (sweep_id, kind, seq);

-- Takes the lock that keeps writers away until all are counted anew.
truncate sweep_tallies;
alter table sweep_tallies add phase text not null;

create or replace function tally_new_trials() returns trigger language plpgsql as $$
begin
  insert into sweep_tallies (sweep_id, state, phase, trials, device_s)
  select sweep_id, trial_state(phase, workflow_started, wish, certified_step) as state, phase, count(*), 0
  from new_rows where sweep_id is not null group by sweep_id, state, phase;
  return null;
end
$$;

create or replace function tally_changed_trials() returns trigger language plpgsql as $$
begin
  insert into sweep_tallies (sweep_id, state, phase, trials, device_s)
  select sweep_id, state, phase, sum(sign), sum(sign * device_s)
  from (
    select -1 as sign, sweep_id, trial_state(phase, workflow_started, wish, certified_step) as state, phase,
           settled_device_s(device_s, phase, workflow_started) as device_s
    from old_rows where sweep_id is not null
    union all
    select 1, sweep_id, trial_state(phase, workflow_started, wish, certified_step), phase,
           settled_device_s(device_s, phase, workflow_started)
    from new_rows where sweep_id is not null
  ) changes
  group by sweep_id, state, phase
  having sum(sign) <> 0 or sum(sign * device_s) <> 0;
  return null;
end
$$;

insert into sweep_tallies (sweep_id, state, phase, trials, device_s)
select sweep_id, trial_state(phase, workflow_started, wish, certified_step) as state, phase, count(*),
       sum(settled_device_s(device_s, phase, workflow_started))
from runs where sweep_id is not null group by sweep_id, state, phase;`.execute(db);
  },
};
