-- Mailboxes that are watched, paced, imported from, and that fail.

alter table channels
    -- Visits that failed since the last one that did not.
    add column failures integer not null default 0,
    -- Since when it counts as out of order: the screens say so and the admins have been told.
    add column failing_since timestamptz;

-- Which process waits at which mailbox for new mail. A lease: whoever dies is followed by another.
create table mailbox_watches (
    channel_id bigint primary key references channels on delete cascade,
    holder text not null,
    until timestamptz not null,
    -- Whether the server tells of new mail by itself (IMAP IDLE); else the mailbox is asked every few seconds.
    idles boolean not null default false,
    since timestamptz not null default now()
);

-- Earlier mail that is brought in, newest import last. Of each mailbox one at a time.
create table mailbox_imports (
    id bigint generated always as identity primary key,
    channel_id bigint not null references channels on delete cascade,
    days integer not null,
    state text not null default 'running' check (state in ('running', 'stopped', 'done', 'failed')),
    uid_validity bigint not null default 0,
    -- Read from above the first up to the second.
    last_uid bigint not null default 0,
    ceiling bigint not null default 0,
    total integer not null default 0,
    done integer not null default 0,
    error text,
    began_at timestamptz not null default now(),
    ended_at timestamptz
);
create unique index mailbox_imports_running on mailbox_imports (channel_id) where state = 'running';
create index mailbox_imports_channel on mailbox_imports (channel_id, id);

-- How many messages left through a mailbox, by the minute.
create table mailbox_departures (
    channel_id bigint not null references channels on delete cascade,
    minute timestamptz not null,
    messages integer not null,
    primary key (channel_id, minute)
);
