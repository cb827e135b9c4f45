-- Calls go over with whoever made them, and back when two people turn out to be two.
alter table contact_merges add column calls bigint[] not null default '{}';

-- "Mine" in the log of calls.
create index calls_agent_id_idx on calls (agent_id, started_at desc, id desc) where agent_id is not null;
