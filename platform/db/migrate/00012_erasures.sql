-- oldest binary: 12
-- What was erased stays erased: through later readings, replay and restored backups. What partners ask about buyers' data, and how far long work has come.

-- +goose Up
create table erasures (
  n identity,
  id key not null,
  kind key not null,
  account_id key not null,
  subject key not null,
  cause key not null,
  at bigint not null,
  constraint erasures_id unique (id),
  constraint erasures_one unique (kind, account_id, subject),
  constraint erasures_kind check (kind in ('order', 'key'))
);
insert into erasures (id, kind, account_id, subject, cause, at)
  select min(id), 'order', account_id, external, 'wish', min(erased_at) from personal_records where erased_at is not null group by account_id, external;

create table privacy_requests (
  id key primary key,
  account_id key not null,
  kind key not null,
  subject key not null,
  orders text not null,
  state key not null,
  asked_at bigint not null,
  due_at bigint not null,
  next_at bigint not null,
  done_at bigint,
  erased bigint not null,
  waiting bigint not null,
  constraint privacy_requests_kind check (kind in ('export', 'erase', 'erase_shop')),
  constraint privacy_requests_state check (state in ('open', 'done'))
);
create index privacy_requests_due on privacy_requests (next_at) where state = 'open';
create index privacy_requests_list on privacy_requests (asked_at, id);

create table privacy_progress (
  name key primary key,
  mark text not null,
  count bigint not null,
  updated_at bigint not null
);

alter table personal_records add column hash_key key;

-- +goose Down
alter table personal_records drop column hash_key;
drop table privacy_progress;
drop table privacy_requests;
drop table erasures;
