-- oldest binary: 1
-- How an account's tokens fare, and when it is asked again after a refusal; whose an API key is; who was allowed to take keys out.

-- +goose Up
alter table account_health add column refreshed_at bigint;
alter table account_health add column refresh_error text;
alter table account_health add column refresh_error_at bigint;
alter table account_health add column refresh_failures bigint not null default 0;
alter table account_health add column token_final boolean not null default false;
alter table account_health add column warned_at bigint;
alter table account_health add column access_ends_at bigint;
alter table account_health add column probe_at bigint;
alter table account_health add column probes bigint not null default 0;
alter table account_health add column restored_at bigint;
create index account_health_probe on account_health (probe_at) where probe_at is not null;

alter table api_keys add column user_id key;
alter table approvals add column asked_person key;
alter table approvals add column decided_person key;

create table key_exports (
  id key primary key,
  what key not null,
  reason text not null,
  asked_by key not null,
  allowed_by key,
  allowed_at bigint not null,
  expires_at bigint not null,
  used_at bigint,
  version bigint not null,
  constraint key_exports_what check (what in ('personal_keys'))
);
create index key_exports_list on key_exports (allowed_at, id);

-- +goose Down
drop index key_exports_list;
drop table key_exports;
alter table approvals drop column decided_person;
alter table approvals drop column asked_person;
alter table api_keys drop column user_id;
drop index account_health_probe;
alter table account_health drop column restored_at;
alter table account_health drop column probes;
alter table account_health drop column probe_at;
alter table account_health drop column access_ends_at;
alter table account_health drop column warned_at;
alter table account_health drop column token_final;
alter table account_health drop column refresh_failures;
alter table account_health drop column refresh_error_at;
alter table account_health drop column refresh_error;
alter table account_health drop column refreshed_at;
