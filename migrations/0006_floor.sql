-- What a lead looks back on: the offers of the day and what became of them.
create index chat_offers_offered_at_idx on chat_offers (offered_at);
