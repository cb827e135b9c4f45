-- Messages and comments of social networks, reviews and phone calls: the same tickets, with what these networks need beside.

alter type channel_kind add value 'facebook';
alter type channel_kind add value 'instagram';
alter type channel_kind add value 'whatsapp';
alter type channel_kind add value 'telegram';
alter type channel_kind add value 'x';
alter type channel_kind add value 'google';
alter type channel_kind add value 'sms';
alter type channel_kind add value 'phone';

alter type identity_kind add value 'facebook';
alter type identity_kind add value 'instagram';
alter type identity_kind add value 'whatsapp';
alter type identity_kind add value 'telegram';
alter type identity_kind add value 'x';
alter type identity_kind add value 'google';

-- In the order in which a message comes along, so that "further" is a comparison; failed is beside it.
alter type delivery_status add value 'unsure' before 'sent';
alter type delivery_status add value 'delivered' after 'sent';
alter type delivery_status add value 'read' after 'delivered';

alter table channels
    -- the provider no longer lets us in: what is queued waits until the channel is connected again
    add column sign_in_lost_at timestamptz,
    add column last_event_at timestamptz,
    -- what can be sent through it, and until when, as its folder declares it; null: it is no network
    add column abilities jsonb;

-- The public posts that comments stand under.
create table posts (
    id bigint primary key generated always as identity,
    channel_id bigint not null references channels on delete cascade,
    provider_id text not null,
    url text,
    author text not null default '',
    body text not null default '',
    -- our own copy of its picture
    picture bytea,
    created_at timestamptz not null default now()
);
create unique index posts_provider_id_key on posts (channel_id, provider_id);

alter table tickets
    -- everybody can read it
    add column public boolean not null default false,
    add column post_id bigint references posts on delete set null,
    -- the customer's last word by the provider's clock: the right to answer hangs on it
    add column spoke_at timestamptz,
    -- until when anything may be said; null: there is no such limit
    add column window_until timestamptz,
    -- the customer does not want to hear from us on this network
    add column blocked_at timestamptz;
create index tickets_window_idx on tickets (window_until, id) where status in ('open', 'pending') and window_until is not null;
create index tickets_post_id_idx on tickets (post_id) where post_id is not null;

alter table messages
    add column reply_to_id bigint references messages on delete set null,
    -- what it carries beside words and files; desk/networks/mod.rs names it
    add column extras jsonb not null default '{}',
    -- who (customer, shop) → emoji
    add column reactions jsonb not null default '{}',
    add column edited_at timestamptz,
    -- its author took it back: nothing of what it said is kept here
    add column removed_at timestamptz,
    -- hidden from the public by us
    add column hidden boolean not null default false,
    add column liked boolean not null default false;
create index messages_reply_to_id_idx on messages (reply_to_id) where reply_to_id is not null;

-- What a provider takes in one call each: an answer with a picture is two parts on most networks.
create table message_parts (
    id bigint primary key generated always as identity,
    message_id bigint not null references messages on delete cascade,
    channel_id bigint not null references channels,
    position smallint not null,
    body text not null default '',
    -- which of the message's files
    file smallint,
    choices text[] not null default '{}',
    state delivery_status not null default 'queued',
    -- known when it has been sent, or when it came back as an echo
    provider_id text,
    error text,
    sent_at timestamptz
);
create unique index message_parts_position_key on message_parts (message_id, position);
create unique index message_parts_provider_id_key on message_parts (channel_id, provider_id) where provider_id is not null;

-- Edits, reactions and receipts that came before the message they are about.
create table parked_notices (
    id bigint primary key generated always as identity,
    channel_id bigint not null references channels on delete cascade,
    -- the provider's id of that message
    target text not null,
    notice jsonb not null,
    received_at timestamptz not null default now()
);
create index parked_notices_target_idx on parked_notices (channel_id, target);
create index parked_notices_received_at_idx on parked_notices (received_at);

-- What a channel did in the last day, and what it did not understand.
create index messages_channel_id_idx on messages (channel_id, id);
create index deliveries_odd_idx on deliveries (channel_id, id) where reason is not null;
