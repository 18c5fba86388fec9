-- oldest binary: 1
-- Events, jobs, exceptions, credentials, personal data, audit, keys.
-- +goose Up
create table events (
  n identity,
  id key not null,
  aggregate key not null,
  seq bigint not null,
  partition_key key not null,
  shard bigint not null,
  type key not null,
  schema_version bigint not null,
  contract boolean not null,
  account_id key,
  order_id key,
  occurred_at bigint not null,
  recorded_at bigint not null,
  body text not null,
  position bigint,
  constraint events_seq unique (aggregate, seq),
  constraint events_id unique (id),
  constraint events_seq_positive check (seq > 0)
);
create unique index events_position on events (position);
create index events_unplaced on events (n) where position is null;
create index events_shard on events (shard, position);
create index events_order on events (order_id, n);

create table event_head (
  name key primary key,
  position bigint not null
);
insert into event_head (name, position) values ('events', 0);

create table event_cursors (
  consumer key not null,
  shard bigint not null,
  position bigint not null,
  updated_at bigint not null,
  primary key (consumer, shard)
);

create table event_parked (
  consumer key not null,
  event_id key not null,
  aggregate key not null,
  shard bigint not null,
  position bigint not null,
  cause text not null,
  since bigint not null,
  attempts bigint not null,
  next_at bigint,
  primary key (consumer, event_id)
);
create index event_parked_aggregate on event_parked (consumer, aggregate, position);
create index event_parked_due on event_parked (consumer, next_at) where next_at is not null;

create table subscriptions (
  id key primary key,
  name text not null,
  url text not null,
  types text not null,
  state key not null,
  allow_private boolean not null,
  created_at bigint not null,
  failing_since bigint,
  last_success_at bigint,
  last_error text,
  version bigint not null,
  constraint subscriptions_state check (state in ('active', 'paused', 'revoked'))
);

create table deliveries (
  id key primary key,
  subscription_id key not null,
  event_id key not null,
  state key not null,
  attempts bigint not null,
  next_at bigint not null,
  last_status bigint,
  last_error text,
  created_at bigint not null,
  delivered_at bigint,
  constraint deliveries_once unique (subscription_id, event_id),
  constraint deliveries_state check (state in ('due', 'delivered', 'dead'))
);
create index deliveries_due on deliveries (subscription_id, next_at) where state = 'due';

create table jobs (
  id key primary key,
  kind key not null,
  unique_key key,
  account_id key,
  payload text not null,
  state key not null,
  again boolean not null,
  uncertain boolean not null,
  priority bigint not null,
  run_at bigint not null,
  attempts bigint not null,
  max_attempts bigint not null,
  lease_by text,
  lease_until bigint,
  fence bigint not null,
  last_error text,
  last_kind text,
  created_at bigint not null,
  finished_at bigint,
  constraint jobs_state check (state in ('due', 'running', 'dead', 'unknown'))
);
create unique index jobs_unique on jobs (kind, unique_key) where state in ('due', 'running', 'unknown');
create index jobs_due on jobs (priority, run_at) where state = 'due';
create index jobs_running on jobs (lease_until) where state = 'running';
create index jobs_stopped on jobs (finished_at) where state in ('dead', 'unknown');

create table schedules (
  name key primary key,
  every_us bigint not null,
  next_at bigint not null,
  last_at bigint,
  last_error text,
  lease_until bigint,
  lease_by text,
  fence bigint not null
);

create table exceptions (
  id key primary key,
  cause key not null,
  subject_kind key not null,
  subject_id key not null,
  order_id key,
  account_id key,
  location_id key,
  state key not null,
  since bigint not null,
  deadline bigint,
  detail text not null,
  times bigint not null,
  assignee text,
  snoozed_until bigint,
  resolved_at bigint,
  resolved_by text,
  resolution text,
  updated_at bigint not null,
  version bigint not null,
  constraint exceptions_state check (state in ('open', 'resolved'))
);
create unique index exceptions_one on exceptions (cause, subject_kind, subject_id) where state = 'open';
create index exceptions_list on exceptions (state, since, id);
create index exceptions_order on exceptions (order_id);

create table vault_keys (
  id key primary key,
  zone key not null,
  purpose key not null,
  wrapped bytea not null,
  fingerprint text not null,
  state key not null,
  created_at bigint not null,
  constraint vault_keys_state check (state in ('active', 'retiring', 'revoked'))
);
create unique index vault_keys_active on vault_keys (zone, purpose) where state = 'active';

create table credentials (
  id key primary key,
  owner key not null,
  name key not null,
  generation bigint not null,
  state key not null,
  key_id key not null,
  sealed bytea not null,
  created_at bigint not null,
  expires_at bigint,
  retire_at bigint,
  last_used_at bigint,
  constraint credentials_generation unique (owner, name, generation),
  constraint credentials_state check (state in ('pending', 'active', 'retiring', 'revoked'))
);

create table personal_keys (
  id key primary key,
  zone key not null,
  zone_key key not null,
  wrapped bytea not null
);

create table personal_records (
  id key primary key,
  zone key not null,
  account_id key not null,
  external key not null,
  key_id key not null,
  content_hash key not null,
  sealed bytea not null,
  phone_hash key,
  email_hash key,
  created_at bigint not null,
  expires_at bigint,
  erased_at bigint
);
create index personal_records_phone on personal_records (phone_hash);
create index personal_records_email on personal_records (email_hash);
create index personal_records_subject on personal_records (account_id, external);

create table audit_log (
  n identity,
  id key not null,
  at bigint not null,
  actor key not null,
  action key not null,
  subject_kind key not null,
  subject_id key not null,
  purpose text,
  detail text not null,
  request_id text,
  mac bytea not null,
  constraint audit_log_id unique (id)
);
create index audit_log_subject on audit_log (subject_kind, subject_id, n);

create table api_keys (
  id key primary key,
  name text not null,
  prefix key not null,
  hash bytea not null,
  scopes text not null,
  created_at bigint not null,
  expires_at bigint,
  revoked_at bigint,
  last_used_at bigint,
  constraint api_keys_prefix unique (prefix)
);

create table idempotency_keys (
  caller key not null,
  idem_key key not null,
  route text not null,
  body_hash key not null,
  state key not null,
  status bigint,
  resource text,
  owner key not null,
  lease_until bigint not null,
  created_at bigint not null,
  finished_at bigint,
  primary key (caller, idem_key),
  constraint idempotency_keys_state check (state in ('running', 'done'))
);
create index idempotency_keys_age on idempotency_keys (created_at);

-- +goose Down
drop table idempotency_keys;
drop table api_keys;
drop table audit_log;
drop table personal_records;
drop table personal_keys;
drop table credentials;
drop table vault_keys;
drop table exceptions;
drop table schedules;
drop table jobs;
drop table deliveries;
drop table subscriptions;
drop table event_parked;
drop table event_cursors;
drop table event_head;
drop table events;
