-- What everybody can read: answers that wait for a second person's approval, and anger that somebody must see at once.

create type approval_state as enum ('waiting', 'sent', 'returned', 'withdrawn');
create type anger_state as enum ('waiting', 'answered', 'private', 'solved', 'changed', 'softened', 'removed', 'calm');

alter table desk
    -- whose public answers need a second person; desk/approvals/mod.rs names its parts
    add column approval jsonb not null default '{}',
    -- words of anger and when they ring again; desk/anger/mod.rs names its parts
    add column anger jsonb not null default '{}';

-- How many follow them there: what a public word of theirs reaches.
alter table identities add column followers bigint;

-- Public answers that a second person must see first. Until then there is no message: nothing that could leave by mistake.
create table approvals (
    id bigint primary key generated always as identity,
    ticket_id bigint not null references tickets on delete cascade,
    channel_id bigint not null references channels,
    author_id bigint not null references agents,
    -- as it stands now, perhaps in an approver's words
    body text not null,
    -- as its author wrote it
    written text not null,
    choices text[] not null default '{}',
    -- canned replies that were used: they count once it is sent
    canned bigint[] not null default '{}',
    -- where the ticket is to stand afterwards
    then_status ticket_status,
    -- the ticket's newest message when it was written: what is newer its author has not seen
    seen_id bigint not null default 0,
    state approval_state not null default 'waiting',
    edited_by bigint references agents,
    decided_by bigint references agents,
    decided_at timestamptz,
    -- why it was returned
    reason text not null default '',
    -- what it became
    message_id bigint references messages on delete set null,
    -- approvers were told by mail because none of them was there
    mailed_at timestamptz,
    -- its author has seen what became of it
    told_at timestamptz,
    created_at timestamptz not null default now()
);
create index approvals_waiting_idx on approvals (created_at, id) where state = 'waiting';
create index approvals_ticket_id_idx on approvals (ticket_id, id);
create index approvals_untold_idx on approvals (author_id) where state in ('sent', 'returned') and told_at is null;

create table approval_files (
    id bigint primary key generated always as identity,
    approval_id bigint not null references approvals on delete cascade,
    name text not null,
    media_type text not null,
    size bigint not null,
    sha256 bytea not null
);
create index approval_files_approval_id_idx on approval_files (approval_id);

-- Tickets whose customer is angry, in public or not; why, and what is done about it.
create table anger (
    ticket_id bigint primary key references tickets on delete cascade,
    channel_id bigint not null references channels,
    -- the newest message that set it off: answers after it count
    message_id bigint not null references messages on delete cascade,
    public boolean not null,
    -- what set it off; kept when it is gone
    reasons jsonb not null,
    -- its author has taken all of it away: better stars, other words
    gone boolean not null default false,
    -- the rating that it began with, and the one that stands there now
    stars_before smallint,
    recommends_before boolean,
    stars smallint,
    recommends boolean,
    state anger_state not null default 'waiting',
    -- by when the shop means to have answered
    due_at timestamptz not null,
    -- what the desk made of the priority, so that it can be taken back
    priority_before ticket_priority not null,
    priority_raised ticket_priority not null,
    calmed_by bigint references agents,
    calmed_at timestamptz,
    -- at whom it rings: 0 nobody, 1 who leads the team, 2 everybody who leads
    ring smallint not null default 0,
    rung bigint[] not null default '{}',
    taken_by bigint references agents,
    taken_at timestamptz,
    mailed_at timestamptz,
    -- since when, for the newest message that set it off
    since timestamptz not null default now()
);
create index anger_list_idx on anger (since desc, ticket_id desc) where public;
create index anger_waiting_idx on anger (due_at, ticket_id) where public and state = 'waiting';
create index anger_ringing_idx on anger (ticket_id) where ring > 0;
