-- oldest binary: 1
-- Changing the key-encryption key while serving; acts that wait for a second person.

-- +goose Up
create table vault_rotations (
  id key primary key,
  lane key not null,
  from_key text not null,
  to_key text not null,
  step key not null,
  cursor_at text not null,
  seen bigint not null,
  wrapped bigint not null,
  total bigint not null,
  fence_at bigint,
  started_at bigint not null,
  started_by key not null,
  updated_at bigint not null,
  finished_at bigint,
  constraint vault_rotations_step check (step in ('wrap', 'renew', 'reseal', 'settle', 'done'))
);
create unique index vault_rotations_running on vault_rotations (lane) where finished_at is null;

create table approvals (
  id key primary key,
  operation key not null,
  path text not null,
  subject_kind key not null,
  subject_id key not null,
  why text not null,
  if_match text not null,
  body text not null,
  state key not null,
  asked_by key not null,
  asked_at bigint not null,
  expires_at bigint not null,
  decided_by key,
  decided_at bigint,
  reason text,
  version bigint not null,
  constraint approvals_state check (state in ('pending', 'confirmed', 'declined')),
  constraint approvals_two check (state <> 'confirmed' or decided_by <> asked_by)
);
create index approvals_list on approvals (state, asked_at, id);
create index approvals_subject on approvals (subject_kind, subject_id);

-- +goose Down
drop index approvals_subject;
drop index approvals_list;
drop table approvals;
drop index vault_rotations_running;
drop table vault_rotations;
