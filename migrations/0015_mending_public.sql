-- What an approval must remember too, and the ways back from a message to what hangs on it: without them every removed message costs a scan.

alter table approvals
    -- the one message that it answers, where its network shows that
    add column answers_id bigint references messages on delete set null;
create index approvals_answers_id_idx on approvals (answers_id) where answers_id is not null;
create index approvals_message_id_idx on approvals (message_id) where message_id is not null;
create index anger_message_id_idx on anger (message_id);
