-- The desk: people, channels, tickets and their messages, and the queue.
-- Forward only. A comment says why a column or an index is there, not what its name already says.

create type agent_role as enum ('agent', 'lead', 'admin');
create type channel_kind as enum ('email', 'form', 'api');
create type identity_kind as enum ('email', 'phone', 'external');
create type ticket_status as enum ('open', 'pending', 'snoozed', 'solved', 'spam');
create type ticket_priority as enum ('low', 'normal', 'high', 'urgent');
create type message_direction as enum ('inbound', 'outbound', 'note');
create type delivery_status as enum ('queued', 'sending', 'sent', 'failed');
create type intake_state as enum ('received', 'processed', 'dropped', 'failed');
create type token_purpose as enum ('invitation', 'password_reset');
create type canned_scope as enum ('everyone', 'team', 'personal');

-- One row: what the shop is called and where it is reached.
create table desk (
    only_row boolean primary key default true check (only_row),
    shop_name text not null default 'My shop',
    time_zone text not null default 'Europe/Rome',
    language text not null default 'en',
    accent text not null default '#0f6fde',
    created_at timestamptz not null default now()
);
insert into desk default values;

-- ---------------------------------------------------------------- people

create table agents (
    id bigint primary key generated always as identity,
    email text not null,
    name text not null,
    role agent_role not null default 'agent',
    -- null until an invitation is accepted
    password_hash text,
    -- a line or two that end each of their replies
    signature text not null default '',
    disabled_at timestamptz,
    created_at timestamptz not null default now()
);
create unique index agents_email_key on agents (lower(email));

create table sessions (
    id bigint primary key generated always as identity,
    agent_id bigint not null references agents on delete cascade,
    -- SHA-256 of the cookie: a leaked table signs nobody in
    token_hash bytea not null,
    user_agent text not null default '',
    ip text not null default '',
    created_at timestamptz not null default now(),
    last_seen_at timestamptz not null default now(),
    expires_at timestamptz not null
);
create unique index sessions_token_hash_key on sessions (token_hash);
create index sessions_agent_id_idx on sessions (agent_id);

-- Invitations and password resets: one link, used once.
create table agent_tokens (
    id bigint primary key generated always as identity,
    agent_id bigint not null references agents on delete cascade,
    purpose token_purpose not null,
    token_hash bytea not null,
    expires_at timestamptz not null,
    used_at timestamptz,
    created_at timestamptz not null default now()
);
create unique index agent_tokens_token_hash_key on agent_tokens (token_hash);

-- Failed sign-ins per address and per network, shared by all processes.
create table sign_in_failures (
    key text primary key,
    failures integer not null,
    last_failed_at timestamptz not null default now(),
    blocked_until timestamptz
);

create table api_tokens (
    id bigint primary key generated always as identity,
    name text not null,
    token_hash bytea not null,
    -- what the token does is recorded as done by this agent
    agent_id bigint not null references agents,
    last_used_at timestamptz,
    revoked_at timestamptz,
    created_at timestamptz not null default now()
);
create unique index api_tokens_token_hash_key on api_tokens (token_hash);

create table teams (
    id bigint primary key generated always as identity,
    name text not null,
    created_at timestamptz not null default now()
);
create unique index teams_name_key on teams (lower(name));

create table team_members (
    team_id bigint not null references teams on delete cascade,
    agent_id bigint not null references agents on delete cascade,
    primary key (team_id, agent_id)
);
create index team_members_agent_id_idx on team_members (agent_id);

-- ---------------------------------------------------------------- channels

create table channels (
    id bigint primary key generated always as identity,
    kind channel_kind not null,
    name text not null,
    -- email: the mailbox's address; form: the last part of its URL
    address text,
    team_id bigint references teams on delete set null,
    -- null: the desk's language until the customer's is known
    language text,
    enabled boolean not null default true,
    -- typed per kind in channels/<kind>/settings.rs
    settings jsonb not null default '{}',
    -- passwords and tokens as JSON, sealed with the key outside the database
    secrets bytea,
    -- what a poller must remember (IMAP: UIDVALIDITY and last UID)
    cursor jsonb not null default '{}',
    last_ok_at timestamptz,
    last_error text,
    last_error_at timestamptz,
    created_at timestamptz not null default now()
);
create unique index channels_name_key on channels (lower(name));
create unique index channels_address_key on channels (kind, lower(address)) where address is not null;

-- ---------------------------------------------------------------- customers

create table contacts (
    id bigint primary key generated always as identity,
    name text not null default '',
    language text,
    company text not null default '',
    note text not null default '',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

create table identities (
    id bigint primary key generated always as identity,
    contact_id bigint not null references contacts on delete cascade,
    kind identity_kind not null,
    -- normalised: mail addresses in lower case
    address text not null,
    created_at timestamptz not null default now()
);
create unique index identities_address_key on identities (kind, address);
-- with the id: every line of a list shows a customer's first address, which the index then gives without a sort
create index identities_contact_id_idx on identities (contact_id, id);
-- "anna@…" typed into the search box finds by beginning
create index identities_address_prefix_idx on identities (address text_pattern_ops);

-- ---------------------------------------------------------------- tickets

create table tags (
    id bigint primary key generated always as identity,
    name text not null,
    created_at timestamptz not null default now()
);
create unique index tags_name_key on tags (lower(name));

create table tickets (
    id bigint primary key generated always as identity,
    channel_id bigint not null references channels,
    contact_id bigint not null references contacts,
    subject text not null,
    status ticket_status not null default 'open',
    priority ticket_priority not null default 'normal',
    assignee_id bigint references agents,
    team_id bigint references teams on delete set null,
    language text,
    -- the oldest customer message that we still owe an answer; null: the next word is theirs
    waiting_since timestamptz,
    snoozed_until timestamptz,
    solved_at timestamptz,
    first_answered_at timestamptz,
    -- at most one automatic acknowledgement per ticket and day
    acknowledged_at timestamptz,
    message_count integer not null default 0,
    last_message_at timestamptz not null default now(),
    -- one line of the newest message, so that a list reads no other table for it
    excerpt text not null default '',
    last_direction message_direction,
    -- copy of ticket_tags for lists; ticket_tags is what filters use
    tag_ids bigint[] not null default '{}',
    -- what a form asked besides the message, and the page it came from
    details jsonb not null default '{}',
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);

-- The working lists. Partial, so that their size follows the open work and not the archive.
-- "coalesce" keeps tickets that wait for the customer at the end of one order that a page can continue from.
create index tickets_open_idx on tickets (coalesce(waiting_since, 'infinity'), id)
    where status in ('open', 'pending');
create index tickets_mine_idx on tickets (assignee_id, coalesce(waiting_since, 'infinity'), id)
    where status in ('open', 'pending') and assignee_id is not null;
create index tickets_unassigned_idx on tickets (coalesce(waiting_since, 'infinity'), id)
    where status in ('open', 'pending') and assignee_id is null;
create index tickets_waiting_idx on tickets (waiting_since, id)
    where status in ('open', 'pending') and waiting_since is not null;
create index tickets_snoozed_idx on tickets (snoozed_until, id) where status = 'snoozed';
create index tickets_solved_idx on tickets (solved_at desc, id desc) where status = 'solved';
create index tickets_spam_idx on tickets (last_message_at desc, id desc) where status = 'spam';
create index tickets_contact_idx on tickets (contact_id, id desc);

create table ticket_tags (
    tag_id bigint not null references tags on delete cascade,
    ticket_id bigint not null references tickets on delete cascade,
    primary key (tag_id, ticket_id)
);
create index ticket_tags_ticket_id_idx on ticket_tags (ticket_id);

-- Inbound as it came, stored before it is acknowledged to whoever delivered it.
create table deliveries (
    id bigint primary key generated always as identity,
    channel_id bigint references channels,
    -- smtp, imap, ingest …: where it came in, for the operator
    door text not null,
    envelope_from text,
    envelope_to text[] not null default '{}',
    raw bytea not null,
    state intake_state not null default 'received',
    -- why it was dropped or could not be understood
    reason text,
    received_at timestamptz not null default now()
);
-- already compressed or tiny; lz4 costs a third of pglz where the server has it
create index deliveries_failed_idx on deliveries (id) where state in ('failed', 'received');

create table messages (
    id bigint primary key generated always as identity,
    ticket_id bigint not null references tickets on delete cascade,
    channel_id bigint not null references channels,
    direction message_direction not null,
    agent_id bigint references agents,
    contact_id bigint references contacts,
    -- the whole text as written; the half-open byte range quote_from..quote_to of it is quoted history
    body text not null,
    quote_from integer not null default 0,
    quote_to integer not null default 0,
    -- sanitised
    html text,
    language text,
    -- the channel's own id: mail's Message-ID without brackets. The key that makes intake idempotent.
    provider_id text,
    -- from, reply-to, to, cc, subject, references … as the wire gave them
    envelope jsonb not null default '{}',
    -- written by a machine: never acknowledged, never reopens
    automatic boolean not null default false,
    bounce boolean not null default false,
    public boolean not null default false,
    -- outbound only
    delivery delivery_status,
    delivery_error text,
    sent_at timestamptz,
    delivery_id bigint references deliveries,
    created_at timestamptz not null default now()
);
create unique index messages_provider_id_key on messages (channel_id, provider_id) where provider_id is not null;
create index messages_ticket_id_idx on messages (ticket_id, id);
create index messages_unsent_idx on messages (id) where delivery in ('queued', 'sending', 'failed');

-- The one way to find the ticket that a message belongs to: message ids, reply tokens, chat ids, provider threads.
create table thread_keys (
    channel_id bigint not null references channels,
    key text not null,
    ticket_id bigint not null references tickets on delete cascade,
    primary key (channel_id, key)
);
create index thread_keys_ticket_id_idx on thread_keys (ticket_id);

create table attachments (
    id bigint primary key generated always as identity,
    ticket_id bigint not null references tickets on delete cascade,
    message_id bigint not null references messages on delete cascade,
    name text not null,
    media_type text not null,
    size bigint not null,
    -- also the name of the blob
    sha256 bytea not null,
    content_id text,
    inline boolean not null default false
);
create index attachments_message_id_idx on attachments (message_id);
create index attachments_ticket_id_idx on attachments (ticket_id);

-- Files that an agent added to a reply not yet sent.
create table uploads (
    id bigint primary key generated always as identity,
    ticket_id bigint not null references tickets on delete cascade,
    agent_id bigint not null references agents on delete cascade,
    name text not null,
    media_type text not null,
    size bigint not null,
    sha256 bytea not null,
    created_at timestamptz not null default now()
);
create index uploads_ticket_agent_idx on uploads (ticket_id, agent_id);

create table drafts (
    ticket_id bigint not null references tickets on delete cascade,
    agent_id bigint not null references agents on delete cascade,
    note boolean not null,
    body text not null,
    updated_at timestamptz not null default now(),
    primary key (ticket_id, agent_id, note)
);

-- What happened to a ticket, in order. Everything that follows from a change hangs on these rows.
create table events (
    id bigint primary key generated always as identity,
    ticket_id bigint not null references tickets on delete cascade,
    agent_id bigint references agents,
    -- desk/events.rs names them
    kind text not null,
    data jsonb not null default '{}',
    created_at timestamptz not null default now()
);
create index events_ticket_id_idx on events (ticket_id, id);

-- ---------------------------------------------------------------- canned replies

create table canned_replies (
    id bigint primary key generated always as identity,
    name text not null,
    shortcut text not null,
    folder text not null default '',
    scope canned_scope not null default 'everyone',
    -- scope team: this team; scope personal: this agent
    team_id bigint references teams on delete cascade,
    owner_id bigint references agents on delete cascade,
    used_count integer not null default 0,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    check ((scope = 'team') = (team_id is not null)),
    check ((scope = 'personal') = (owner_id is not null))
);
create unique index canned_replies_shortcut_key on canned_replies (lower(shortcut));

create table canned_texts (
    canned_reply_id bigint not null references canned_replies on delete cascade,
    language text not null,
    body text not null,
    primary key (canned_reply_id, language)
);

create table canned_files (
    id bigint primary key generated always as identity,
    canned_reply_id bigint not null references canned_replies on delete cascade,
    name text not null,
    media_type text not null,
    size bigint not null,
    sha256 bytea not null
);
create index canned_files_canned_reply_id_idx on canned_files (canned_reply_id);

-- ---------------------------------------------------------------- search

-- One row per message, only ever inserted. Besides its words each document carries the buckets it lies in, as lexemes that no text can
-- contain: "$a<n>", n = message_id / 4096, "$b<n>" with 65536 and "$c<n>" with 1048576. A search walks the buckets from the newest, finer
-- ones first, and stops when it has a page, so that a word in every second message costs no more than a rare one.
create table search_documents (
    message_id bigint primary key references messages on delete cascade,
    ticket_id bigint not null,
    words tsvector not null
);
-- Without the pending list: each bucket is one index scan, and each scan would read the whole list.
create index search_documents_words_idx on search_documents using gin (words) with (fastupdate = off);

-- ---------------------------------------------------------------- the queue

create table jobs (
    id bigint primary key generated always as identity,
    kind text not null,
    args jsonb not null default '{}',
    -- at most one job of this name waits at a time
    unique_key text,
    -- due time; while a worker has the job: the end of its lease
    run_at timestamptz not null default now(),
    attempts integer not null default 0,
    last_error text,
    dead_at timestamptz,
    created_at timestamptz not null default now()
);
create index jobs_due_idx on jobs (run_at, id) where dead_at is null;
create index jobs_dead_idx on jobs (dead_at) where dead_at is not null;
create unique index jobs_unique_key on jobs (unique_key) where unique_key is not null and dead_at is null;
