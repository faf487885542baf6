import { type Kysely, type Migration, sql } from 'kysely';

/**
 * An event gets its place when it is first read, not when it is written: a writer cannot know when it commits, and the
 * order of transaction ids ends with the server that gave them. Places appear in their own order, so that none appears
 * behind a reader's cursor; no transaction holds back another's events; and rows that are copied to another server keep
 * their order, with all that come later behind them.
 */
export const eventPlaces: Migration = {
  async up(db: Kysely<unknown>) {
    await sql`
alter table events add place bigint;
update events set place = ordered.place
from (select id, row_number() over (order by tx, id) as place from events) ordered
where ordered.id = events.id;
alter table events drop column tx; -- with its indexes

create unique index events_place on events (place) where place is not null;
create index events_unplaced on events (id) where place is null;
create index events_run on events (run_id, place) where run_id is not null;
create index events_sweep on events (sweep_id, place) where sweep_id is not null;
create index events_generation on events (generation_id, place) where generation_id is not null;

create sequence event_places owned by events.place;
select setval('event_places', greatest(1, (select max(place) from events)));

-- Gives places to committed events that have none, at most so many, in the order in which they were written; behind all
-- that have one. Returns how many it gave.
create function place_events(most int) returns int language plpgsql as $$
declare
  newest bigint;
  placed int;
begin
  if not exists (select from events where place is null) then
    return 0;
  end if;
  -- Until the commit: the places of one call are visible before the next call gives any. The statements after this one
  -- see what was committed before the lock was had.
  perform pg_advisory_xact_lock(hashtextextended('event places', 0));
  -- Never given twice: not when the newest events were deleted (the sequence), nor when the rows were copied here without
  -- it (the rows), nor behind one that was given before an older copy was put in place (microseconds since 1970).
  select greatest(last_value, (select max(place) from events), (extract(epoch from clock_timestamp()) * 1e6)::bigint)
  into newest from event_places;
  with unplaced as (
    select id, row_number() over (order by id) as number
    -- One that a claim is about to delete waits for its end, alone.
    from (select id from events where place is null order by id limit most for update skip locked) written
  )
  update events set place = newest + unplaced.number from unplaced where events.id = unplaced.id;
  get diagnostics placed = row_count;
  if placed > 0 then
    perform setval('event_places', newest + placed);
  end if;
  return placed;
end
$$;`.execute(db);
  },
};
