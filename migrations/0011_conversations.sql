-- What goes with a conversation on a network beside its messages.

alter table tickets
    -- the key under which its network knows it, kept when a newer ticket carries the conversation on
    add column conversation text,
    -- the message whose words it is called by, as long as nobody has called it otherwise
    add column named_after bigint;
update tickets t set conversation = substr(k.key, 14) from thread_keys k where k.ticket_id = t.id and k.key like 'conversation:%';

alter table contacts
    -- SHA-256 of our own copy of their picture, and when it was looked at last
    add column picture bytea,
    add column picture_at timestamptz;

-- What the customer's side was shown of us. Lost in a crash it is merely shown once more.
create unlogged table shown_marks (
    ticket_id bigint primary key references tickets on delete cascade,
    read_id bigint not null default 0,
    typing_at timestamptz
);
