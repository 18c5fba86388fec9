-- oldest binary: 1
-- The audit log is a chain: each row is bound to all before it, and a head says where the chain ends.

-- +goose Up
alter table audit_log add column position bigint;
alter table audit_log add column link bytea;
create unique index audit_log_position on audit_log (position);
create index audit_log_unlinked on audit_log (n) where position is null;
create index audit_log_actor on audit_log (actor, n);
create index audit_log_action on audit_log (action, n);
create table audit_head (
  name key primary key,
  position bigint not null,
  link bytea,
  mac bytea,
  linked_at bigint not null,
  published bigint not null,
  published_at bigint not null,
  constraint audit_head_position check (position >= published and published >= 0)
);
insert into audit_head (name, position, linked_at, published, published_at) values ('main', 0, 0, 0, 0);

-- +goose Down
drop table audit_head;
drop index audit_log_action;
drop index audit_log_actor;
drop index audit_log_unlinked;
drop index audit_log_position;
alter table audit_log drop column link;
alter table audit_log drop column position;
