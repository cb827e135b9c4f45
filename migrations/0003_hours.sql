-- When the desk is there, how soon it means to answer, how soon it does, and what its people look like.

-- Opening hours, typed in src/desk/hours.rs. As JSON because no query ever asks about them: they are read with the names of the desk.
-- The desk's are in the desk's own time zone; a team's may name one.
alter table desk add column hours jsonb not null default '{
    "week": [
        [{"from": "09:00", "to": "18:00"}],
        [{"from": "09:00", "to": "18:00"}],
        [{"from": "09:00", "to": "18:00"}],
        [{"from": "09:00", "to": "18:00"}],
        [{"from": "09:00", "to": "18:00"}],
        [],
        []
    ]
}';
-- Minutes of opening time to a first answer, by kind of channel; a kind that is missing takes the default of src/desk/waits.rs.
alter table desk add column targets jsonb not null default '{}';
-- null: the team is there when the desk is
alter table teams add column hours jsonb;
-- SHA-256 of the picture, which is also the name of its blob; null: their initials are shown
alter table agents add column photo bytea;

-- How long each customer waited for the first answer of a person: what an estimate is made of.
create table first_answers (
    ticket_id bigint primary key references tickets on delete cascade,
    channel_id bigint not null references channels,
    -- of the channel, so that one index scan finds the samples
    kind channel_kind not null,
    team_id bigint references teams on delete set null,
    -- who answered: how many people usually do is a part of the estimate
    agent_id bigint references agents on delete set null,
    asked_at timestamptz not null,
    answered_at timestamptz not null,
    -- of the time between the two: what lay within opening hours as they were then
    open_seconds bigint not null
);
-- An estimate reads the newest few thousand rows of one kind, or of one team and kind.
create index first_answers_kind_idx on first_answers (kind, asked_at desc);
create index first_answers_team_idx on first_answers (team_id, kind, asked_at desc) where team_id is not null;

-- The four weeks that an estimate looks at, in the opening hours that every desk has at this moment: Monday to Friday, 9 to 18.
insert into first_answers (ticket_id, channel_id, kind, team_id, agent_id, asked_at, answered_at, open_seconds)
select t.id, t.channel_id, c.kind, t.team_id,
       (select m.agent_id from messages m where m.ticket_id = t.id and m.direction = 'outbound' and not m.automatic order by m.id limit 1),
       t.created_at, t.first_answered_at,
       (select coalesce(sum(extract(epoch from least(t.first_answered_at, day + interval '18 hours') - greatest(t.created_at, day + interval '9 hours'))), 0)::bigint
        from (select (d::date)::timestamp at time zone desk.time_zone as day
              from generate_series((t.created_at at time zone desk.time_zone)::date::timestamp,
                                   (t.first_answered_at at time zone desk.time_zone)::date::timestamp, interval '1 day') d
              where extract(isodow from d) < 6) days
        where t.created_at < day + interval '18 hours' and t.first_answered_at > day + interval '9 hours')
from tickets t join channels c on c.id = t.channel_id cross join desk
where t.first_answered_at >= t.created_at and t.created_at > now() - interval '28 days';
