-- Writing well: side conversations, replies for later, signatures per language, large files as links.

-- A conversation by mail beside the customer's: something forwarded, or something asked of a supplier. Its messages are notes to everything
-- else (messages.side_id), so that nothing that concerns the customer can ever take them along.
create table sides (
    id bigint primary key generated always as identity,
    ticket_id bigint not null references tickets on delete cascade,
    channel_id bigint not null references channels,
    agent_id bigint references agents,
    -- passes a part of the conversation on, rather than asking something of its own
    forwarded boolean not null default false,
    subject text not null,
    -- something came, or failed, that nobody has looked at
    unread boolean not null default false,
    created_at timestamptz not null default now()
);
create index sides_ticket_id_idx on sides (ticket_id, id);
-- every page of the assignee asks for them
create index sides_unread_idx on sides (ticket_id) where unread;

alter table messages add column side_id bigint references sides on delete cascade;
create index messages_side_id_idx on messages (side_id, id) where side_id is not null;

-- Replies that leave later. No message exists until then, so that nothing else need know of them.
create table planned_replies (
    id bigint primary key generated always as identity,
    ticket_id bigint not null references tickets on delete cascade,
    agent_id bigint not null references agents,
    -- what the composer held: desk/tickets/planned.rs
    reply jsonb not null,
    send_at timestamptz not null,
    -- null: it waits; else why it does not leave by itself any more
    stopped text,
    created_at timestamptz not null default now()
);
create index planned_replies_ticket_id_idx on planned_replies (ticket_id, id);

-- null: of a letter that has no ticket yet
alter table uploads alter column ticket_id drop not null;
-- goes with a reply for later, and is no longer in the composer
alter table uploads add column planned_id bigint references planned_replies on delete cascade;
-- which form it waits in; empty: the ticket's composer
alter table uploads add column space text not null default '';
-- under which a picture stands within the words
alter table uploads add column content_id text;
create index uploads_planned_id_idx on uploads (planned_id) where planned_id is not null;

create table signatures (
    channel_id bigint references channels on delete cascade,
    agent_id bigint references agents on delete cascade,
    -- empty: for every language that has no words of its own (an agent's are in agents.signature)
    language text not null,
    body text not null,
    check ((channel_id is null) <> (agent_id is null))
);
create unique index signatures_channel_key on signatures (channel_id, language) where channel_id is not null;
create unique index signatures_agent_key on signatures (agent_id, language) where agent_id is not null;

-- Files too large for a letter, which carries a link instead.
create table file_links (
    attachment_id bigint primary key references attachments on delete cascade,
    expires_at timestamptz not null,
    revoked_at timestamptz,
    downloads integer not null default 0,
    created_at timestamptz not null default now()
);

-- desk/mail.rs
alter table desk add column mail jsonb not null default '{}';
