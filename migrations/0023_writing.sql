-- Whom a reply was to go to that was taken back, as long as it is a draft: {"to": [...], "cc": [...], "bcc": [...]}.
alter table drafts add column recipients jsonb;
