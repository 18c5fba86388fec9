-- oldest binary: 1
-- Residency zones: which accounts are kept in which, and whose store a database is.

-- +goose Up
alter table channel_accounts add column residency key not null default 'main';
create table residency (
  id bigint primary key,
  zone key not null,
  constraint residency_one check (id = 1)
);

-- +goose Down
drop table residency;
alter table channel_accounts drop column residency;
