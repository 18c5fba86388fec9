-- oldest binary: 1
-- Passkeys of people, and what a browser was asked and has not answered yet.

-- +goose Up
create table user_passkeys (
  id key primary key,
  user_id key not null references users (id),
  credential_hash key not null,
  name text not null,
  record text not null,
  sign_count bigint not null,
  created_at bigint not null,
  used_at bigint,
  stopped_at bigint,
  constraint user_passkeys_credential unique (credential_hash)
);
create index user_passkeys_user on user_passkeys (user_id, id);

create table sign_in_challenges (
  token_hash key primary key,
  kind key not null,
  user_id key,
  epoch bigint not null,
  data text not null,
  expires_at bigint not null,
  constraint sign_in_challenges_kind check (kind in ('add', 'alone', 'second'))
);
create index sign_in_challenges_age on sign_in_challenges (expires_at);

-- +goose Down
drop table sign_in_challenges;
drop table user_passkeys;
