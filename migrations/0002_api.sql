-- Programs keep a copy of the desk by asking for what changed since the last time: oldest change first, by the page.
create index tickets_updated_idx on tickets (updated_at, id);
