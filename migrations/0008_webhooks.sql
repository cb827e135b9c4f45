-- Outgoing webhooks: programs of the shop that hear of what happens on the desk.

create type webhook_state as enum ('queued', 'sent', 'failed');

create table webhook_endpoints (
    id bigint primary key generated always as identity,
    name text not null,
    url text not null,
    -- sealed; signs every request
    secret bytea not null,
    -- which events it hears of; none: of all, also of those that later versions add
    kinds text[] not null default '{}',
    enabled boolean not null default true,
    -- since when nothing has got through; three days of it switch the endpoint off
    failing_since timestamptz,
    -- in a row
    failures int not null default 0,
    -- one that does not answer is left alone for a while, so that it does not keep the workers from everything else
    paused_until timestamptz,
    -- by the desk itself, after three days of failures
    switched_off_at timestamptz,
    last_ok_at timestamptz,
    created_at timestamptz not null default now()
);
create unique index webhook_endpoints_name_key on webhook_endpoints (lower(name));

create table webhook_deliveries (
    id bigint primary key generated always as identity,
    -- what the receiver sees: the same for every attempt, and when it is sent again by hand
    uid uuid not null default gen_random_uuid(),
    endpoint_id bigint not null references webhook_endpoints on delete cascade,
    kind text not null,
    -- no reference: a log outlives what it speaks of. Null: a test.
    ticket_id bigint,
    -- what happened, as it was recorded: id, data, agent_id, at
    event jsonb not null,
    -- what is sent; made before the first attempt and the same for all others
    payload jsonb,
    state webhook_state not null default 'queued',
    attempts int not null default 0,
    -- of the last attempt: HTTP status, the beginning of the answer, why it failed, milliseconds
    status smallint,
    answer text,
    error text,
    duration_ms int,
    next_at timestamptz default now(),
    sent_at timestamptz,
    created_at timestamptz not null default now()
);
-- the log of an endpoint, newest first
create index webhook_deliveries_endpoint_id_idx on webhook_deliveries (endpoint_id, id);
-- what is past its time
create index webhook_deliveries_created_at_idx on webhook_deliveries (created_at);
