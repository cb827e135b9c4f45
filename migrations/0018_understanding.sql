-- An address at which mail did not arrive: since when, and why in plain words. Empty again when somebody writes from it.
alter table identities add column undeliverable_at timestamptz;
alter table identities add column undeliverable text;
