-- What is held as spam, why, and what agents teach by marking and releasing. Nothing is ever deleted here by a guess.

alter table desk
    -- whether the mail server's word counts and how sure the filter must be; desk/spam names its parts
    add column spam jsonb not null default '{}',
    -- messages that the filter has learnt of either sort
    add column spam_learnt integer not null default 0,
    add column ham_learnt integer not null default 0;

alter table tickets
    -- in an agent's words why this was taken for spam when it came; stays when it is released
    add column held text,
    -- what the filter has learnt of it: true spam, false not
    add column taught boolean;

-- In how many messages of either sort a word stood.
create table spam_words (
    word text primary key,
    spam integer not null default 0,
    ham integer not null default 0,
    seen_on date not null default current_date
);
create index spam_words_seen_on_idx on spam_words (seen_on) where spam + ham <= 1;

-- Senders who are always let in, or never.
create table sender_rules (
    id bigint primary key generated always as identity,
    -- an address, or a domain that stands for all below it; in lower case
    pattern text not null,
    allowed boolean not null,
    agent_id bigint references agents on delete set null,
    -- messages that it has decided about
    hits bigint not null default 0,
    last_hit_at timestamptz,
    created_at timestamptz not null default now()
);
create unique index sender_rules_pattern_key on sender_rules (pattern);
