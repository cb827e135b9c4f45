-- Live chat: who is there, which chats wait for whom, and who is rung.

alter type channel_kind add value 'chat';

create type presence_wish as enum ('online', 'busy', 'away');
create type chat_state as enum ('ringing', 'queued', 'active', 'parked', 'mail', 'ended');
create type offer_outcome as enum ('accepted', 'missed', 'declined', 'withdrawn');

alter table agents
    add column takes_chats boolean not null default true,
    -- chats in hand at once; further ones wait
    add column chat_limit integer not null default 3 check (chat_limit between 1 and 20),
    -- two letters each; empty: any
    add column languages text[] not null default '{}';

-- Who is there. Unlike who looks at a ticket this lies in the database: routing asks it in the transaction that rings somebody.
create table presence (
    agent_id bigint primary key references agents on delete cascade,
    wish presence_wish not null default 'online',
    -- the desk set them away because they let offers pass
    sent_away boolean not null default false,
    -- offers let pass in a row
    missed integer not null default 0,
    -- last heartbeat of an open screen
    seen_at timestamptz not null,
    -- so that offers go round
    offered_at timestamptz
) with (fillfactor = 50);

-- A browser on the shop's site, from its first word on.
create table visitors (
    id bigint primary key generated always as identity,
    channel_id bigint not null references channels on delete cascade,
    -- SHA-256 of the token that the browser keeps
    token_hash bytea not null,
    contact_id bigint references contacts,
    name text not null default '',
    email text,
    phone text,
    -- whom the shop's signature vouches for
    verified_id text,
    language text,
    time_zone text,
    -- where they are and what the shop told about them
    page jsonb not null default '{}',
    context jsonb not null default '{}',
    user_agent text not null default '',
    ip text not null default '',
    blocked_at timestamptz,
    blocked_by bigint references agents,
    seen_at timestamptz not null default now(),
    expires_at timestamptz not null,
    created_at timestamptz not null default now()
);
create unique index visitors_token_hash_key on visitors (token_hash);
create index visitors_expires_at_idx on visitors (expires_at);
create index visitors_contact_id_idx on visitors (contact_id) where contact_id is not null;

-- What makes a ticket a chat.
create table chats (
    ticket_id bigint primary key references tickets on delete cascade,
    channel_id bigint not null references channels,
    visitor_id bigint not null references visitors,
    state chat_state not null,
    -- who holds it; the ticket's assignee follows
    agent_id bigint references agents,
    -- colleagues who were asked in
    helpers bigint[] not null default '{}',
    -- whom the ladder asks: 0 an agent, 1 the next, 2 the team, 3 the leads
    rung smallint not null default 0,
    -- counts offers; the ones from ladder_round on belong to the present climb
    round integer not null default 0,
    ladder_round integer not null default 0,
    -- when the present offer, queueing or parking ends
    stage_ends_at timestamptz,
    -- by when we said that somebody would answer; null: the next word is theirs
    promised_at timestamptz,
    -- since when they know that we are late
    late_at timestamptz,
    -- when the desk acts next: the least of the above. The job chat_step is due then.
    deadline_at timestamptz,
    started_at timestamptz not null,
    accepted_at timestamptz,
    answered_at timestamptz,
    -- the last word of either side
    last_at timestamptz not null,
    ended_at timestamptz,
    -- how far each side has come: message ids. "delivered": it reached the other's screen
    visitor_delivered bigint not null default 0,
    visitor_read bigint not null default 0,
    agent_delivered bigint not null default 0,
    agent_read bigint not null default 0,
    -- up to here our words also went by mail
    mailed bigint not null default 0,
    rating smallint check (rating between 1 and 5),
    rating_comment text not null default '',
    rated_at timestamptz,
    -- The promise of this product: an open chat has somebody who holds it or a moment at which the desk acts.
    constraint chats_never_dropped check (case
        when state = 'active' then agent_id is not null and deadline_at is not null
        when state in ('mail', 'ended') then deadline_at is null
        else agent_id is null and deadline_at is not null end)
);
create index chats_waiting_idx on chats (started_at, ticket_id) where state in ('ringing', 'queued', 'parked');
create index chats_agent_id_idx on chats (agent_id) where state = 'active';
create index chats_visitor_id_idx on chats (visitor_id, ticket_id desc);

-- Who was asked to take a chat, and what they did.
create table chat_offers (
    ticket_id bigint not null references chats on delete cascade,
    round integer not null,
    agent_id bigint not null references agents,
    offered_at timestamptz not null,
    -- null: it rings now
    outcome offer_outcome,
    settled_at timestamptz,
    primary key (ticket_id, round, agent_id)
);
create index chat_offers_ringing_idx on chat_offers (agent_id) where outcome is null;

-- Files that a visitor added to a message not yet sent.
create table visitor_uploads (
    id bigint primary key generated always as identity,
    visitor_id bigint not null references visitors on delete cascade,
    name text not null,
    media_type text not null,
    size bigint not null,
    sha256 bytea not null,
    created_at timestamptz not null default now()
);
create index visitor_uploads_visitor_id_idx on visitor_uploads (visitor_id);
create index visitor_uploads_created_at_idx on visitor_uploads (created_at);

-- Timers must not stand in line behind mails to a slow server: they have workers of their own.
alter table jobs add column quick boolean not null default false;
create index jobs_quick_idx on jobs (run_at, id) where dead_at is null and quick;
