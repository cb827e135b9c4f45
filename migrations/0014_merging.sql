-- One person on many channels: who may be the same, who was joined, and the way back.

alter table contacts
    -- they are a part of this contact now
    add column merged_into bigint references contacts;
create index contacts_name_idx on contacts (lower(name)) where name like '% %' and merged_into is null;
create index contacts_picture_idx on contacts (picture) where picture is not null and merged_into is null;

-- What customers said of themselves in passing. Weaker than an address of theirs: it proves nothing, it suggests.
create table contact_hints (
    contact_id bigint not null references contacts on delete cascade,
    -- email, phone, order
    kind text not null,
    value text not null,
    primary key (contact_id, kind, value)
);
create index contact_hints_value_idx on contact_hints (kind, value);

-- Pairs that may be one person; the smaller id first.
create table merge_suggestions (
    contact_id bigint not null references contacts on delete cascade,
    other_id bigint not null references contacts on delete cascade,
    -- email, phone, order, name, picture; and what they share
    reason text not null,
    value text not null,
    refused_by bigint references agents,
    refused_at timestamptz,
    created_at timestamptz not null default now(),
    primary key (contact_id, other_id),
    check (contact_id < other_id)
);
create index merge_suggestions_other_idx on merge_suggestions (other_id);

-- Who was joined, and what went over, so that exactly that can go back.
create table contact_merges (
    id bigint primary key generated always as identity,
    kept_id bigint not null references contacts on delete cascade,
    gone_id bigint not null references contacts on delete cascade,
    agent_id bigint not null references agents,
    tickets bigint[] not null,
    identities bigint[] not null,
    visitors bigint[] not null,
    -- how the kept contact was described before
    before jsonb not null,
    created_at timestamptz not null default now(),
    undone_at timestamptz
);
create index contact_merges_kept_idx on contact_merges (kept_id, id);
create index contact_merges_gone_idx on contact_merges (gone_id);

-- How far the search for pairs has come.
create table merge_search (
    only_row boolean primary key default true check (only_row),
    message_id bigint not null default 0,
    contact_id bigint not null default 0
);
insert into merge_search default values;
