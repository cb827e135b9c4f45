-- Call-backs: customers who wait for our call, and when we said that we would.

alter type channel_kind add value 'call_back';

create type call_back_state as enum ('wanted', 'done', 'not_reached', 'withdrawn');

-- Whether calls are offered, by whom and when; typed in src/desk/call_backs/settings.rs. Read with the names of the desk.
alter table desk add column call_backs jsonb not null default '{}';

create table call_backs (
    id bigint primary key generated always as identity,
    ticket_id bigint not null references tickets on delete cascade,
    -- as it is dialled: + and digits where the country is known
    phone text not null,
    state call_back_state not null default 'wanted',
    -- we said that we would call between these
    from_at timestamptz not null,
    until_at timestamptz not null,
    -- takes one of the places of its time
    placed boolean not null default false,
    -- calls that nobody answered
    attempts smallint not null default 0,
    -- the customer's: two letters, and an IANA name
    language text,
    time_zone text,
    -- what it is about, as they said
    note text not null default '',
    -- who has the receiver in hand
    caller_id bigint references agents,
    -- the agent's screen was told
    reminded_at timestamptz,
    -- the time passed without a call; the lead was told, and the customer
    late_at timestamptz,
    -- when the desk acts next. The job call_back_step is due then.
    next_at timestamptz,
    closed_at timestamptz,
    closed_by bigint references agents,
    created_at timestamptz not null default now(),
    constraint call_backs_in_order check (from_at < until_at),
    -- A call that is owed has a moment at which the desk acts, or is known to be late.
    constraint call_backs_never_dropped check (case
        when state = 'wanted' then closed_at is null and (next_at is not null or late_at is not null)
        else closed_at is not null and next_at is null end)
);
create unique index call_backs_open_key on call_backs (ticket_id) where state = 'wanted';
-- what is due, and what takes a place when
create index call_backs_wanted_idx on call_backs (from_at, id) where state = 'wanted';
create index call_backs_ticket_id_idx on call_backs (ticket_id, id);
create index call_backs_closed_at_idx on call_backs (closed_at desc, id) where closed_at is not null;
