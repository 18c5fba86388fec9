-- oldest binary: 8
-- People who sign in, their sessions, and keys that are limited to a part of the business.
-- +goose Up
create table users (
  id key primary key,
  email text not null,
  email_folded key not null,
  name text not null,
  password text,
  state key not null,
  grants text not null,
  totp boolean not null,
  totp_step bigint not null,
  epoch bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  signed_in_at bigint,
  version bigint not null,
  constraint users_email unique (email_folded),
  constraint users_state check (state in ('invited', 'active', 'disabled'))
);

create table user_sessions (
  id key primary key,
  user_id key not null references users (id),
  token_hash key not null,
  address text not null,
  agent text not null,
  created_at bigint not null,
  seen_at bigint not null,
  expires_at bigint not null,
  ended_at bigint,
  ended_by text,
  constraint user_sessions_token unique (token_hash)
);
create index user_sessions_user on user_sessions (user_id, id);
create index user_sessions_age on user_sessions (expires_at);

create table user_tokens (
  token_hash key primary key,
  kind key not null,
  user_id key,
  created_at bigint not null,
  expires_at bigint not null,
  constraint user_tokens_kind check (kind in ('setup', 'invite', 'reset'))
);

create table sign_in_tries (
  bucket key primary key,
  tries bigint not null,
  last_at bigint not null,
  next_at bigint not null
);

create table access_setup (
  name key primary key,
  done_at bigint
);
insert into access_setup (name) values ('owner');

alter table api_keys add column area text;
alter table api_keys add column replaces key;

-- +goose Down
alter table api_keys drop column replaces;
alter table api_keys drop column area;
drop table access_setup;
drop table sign_in_tries;
drop table user_tokens;
drop table user_sessions;
drop table users;
