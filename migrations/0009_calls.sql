-- Telephone calls: told by an exchange while they ring, or written down by hand.

create type call_state as enum ('ringing', 'active', 'ended');

create table calls (
    id bigint primary key generated always as identity,
    channel_id bigint not null references channels,
    -- null: written down by hand
    provider_id text,
    incoming boolean not null,
    -- the customer's number in E.164, else what the exchange says; empty: they do not show it
    number text not null default '',
    -- the shop's
    line text not null default '',
    -- as the exchange names whoever calls
    name text not null default '',
    contact_id bigint references contacts on delete set null,
    ticket_id bigint references tickets on delete set null,
    -- its place in the conversation
    message_id bigint references messages on delete set null,
    -- who answered, or called
    agent_id bigint references agents,
    -- whom it rings at, as far as the exchange says; none and no team: everybody
    rings_at bigint[] not null default '{}',
    team_id bigint references teams on delete set null,
    -- who wanted to see no more of it
    hidden_by bigint[] not null default '{}',
    state call_state not null default 'ringing',
    -- the exchange's word for why it ended
    cause text not null default '',
    -- refused on our behalf: nobody is to do anything about it
    refused boolean not null default false,
    recording boolean not null default false,
    -- why there is no recording although there should be one
    recording_error text,
    started_at timestamptz not null,
    answered_at timestamptz,
    ended_at timestamptz,
    -- as the exchange counted, or as somebody remembered
    seconds integer,
    -- what was typed about it and not yet written down
    draft text not null default '',
    -- whoever had it has written it down, or has nothing to write; a missed one: its ticket is made
    settled_at timestamptz,
    created_at timestamptz not null default now()
);
create unique index calls_provider_id_key on calls (channel_id, provider_id) where provider_id is not null;
-- what screens show now: what rings or runs, and what is still to be written down
create index calls_open_idx on calls (started_at) where settled_at is null;
-- the log, newest first, and the part of it that nobody answered
create index calls_started_at_idx on calls (started_at desc, id desc);
create index calls_missed_idx on calls (started_at desc, id desc)
    where incoming and answered_at is null and state = 'ended' and not refused;
create index calls_contact_id_idx on calls (contact_id, started_at desc) where contact_id is not null;
create index calls_ticket_id_idx on calls (ticket_id) where ticket_id is not null;
create index calls_message_id_idx on calls (message_id) where message_id is not null;

-- Extensions and telephone numbers at which somebody is reached: an exchange tells of people by these.
alter table agents add column numbers text[] not null default '{}';
