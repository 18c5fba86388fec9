-- oldest binary: 1
-- Channels, accounts, what arrives and what is told.
-- +goose Up
create table sales_channels (
  kind key primary key,
  title text not null,
  created_at bigint not null
);

create table channel_accounts (
  id key primary key,
  name key not null,
  channel key not null references sales_channels (kind),
  country key not null,
  currency key not null,
  zone text not null,
  legal_entity_id key not null,
  shop_id key not null,
  app key not null,
  mode key not null,
  state key not null,
  state_cause text,
  cutover_at bigint,
  open_orders key not null,
  settings text not null,
  created_at bigint not null,
  updated_at bigint not null,
  version bigint not null,
  constraint channel_accounts_name unique (name),
  constraint channel_accounts_shop unique (channel, shop_id),
  constraint channel_accounts_mode check (mode in ('shadow', 'intake', 'live')),
  constraint channel_accounts_state check (state in ('active', 'paused', 'unauthorized', 'closed')),
  constraint channel_accounts_open_orders check (open_orders in ('ours', 'theirs', 'unshipped'))
);
create index channel_accounts_app on channel_accounts (channel, app);

create table account_health (
  account_id key primary key,
  last_webhook_at bigint,
  last_poll_at bigint,
  last_poll_ok_at bigint,
  last_call_ok_at bigint,
  last_error text,
  last_error_kind text,
  last_error_at bigint,
  token_expires_at bigint,
  refresh_expires_at bigint,
  token_scopes text,
  api_version text,
  api_version_ends bigint,
  subscribed_at bigint,
  subscription_note text,
  refresh_lease bigint,
  reconciled_at bigint,
  reconcile_note text
);

create table account_locations (
  account_id key not null,
  location_id key not null,
  external key not null,
  primary key (account_id, location_id)
);

create table channel_cursors (
  account_id key not null,
  stream key not null,
  cursor text not null,
  updated_at bigint not null,
  version bigint not null,
  primary key (account_id, stream)
);

create table inbox (
  n identity,
  id key not null,
  account_id key not null,
  source key not null,
  delivery_id key,
  topic text not null,
  external key not null,
  content_hash key not null,
  version_at bigint,
  read_at bigint not null,
  received_at bigint not null,
  hold_id key,
  key_id key,
  sealed bytea,
  state key not null,
  attempts bigint not null,
  next_at bigint not null,
  cause text,
  done_at bigint,
  order_id key,
  constraint inbox_id unique (id),
  constraint inbox_state check (state in ('stored', 'done', 'stuck', 'dead')),
  constraint inbox_source check (source in ('webhook', 'poll', 'read', 'direct'))
);
create unique index inbox_delivery on inbox (account_id, delivery_id);
create index inbox_work on inbox (next_at, n) where state = 'stored';
create index inbox_stuck on inbox (account_id, n) where state in ('stuck', 'dead');
create index inbox_order on inbox (account_id, external, n);
create index inbox_age on inbox (received_at);

create table channel_orders (
  account_id key not null,
  external key not null,
  order_id key,
  number text not null,
  version_at bigint,
  read_at bigint not null,
  content_hash key not null,
  statuses text not null,
  status key not null,
  total bigint not null,
  currency key not null,
  inbox_id key not null,
  placed_at bigint,
  seen_at bigint not null,
  decision key not null,
  erased boolean not null,
  primary key (account_id, external),
  constraint channel_orders_decision check (decision in ('imported', 'shadow', 'history', 'skipped'))
);
create index channel_orders_placed on channel_orders (account_id, placed_at);
create index channel_orders_order on channel_orders (order_id);

create table reads (
  account_id key not null,
  external key not null,
  wanted_at bigint not null,
  reason text not null,
  state key not null,
  lease_until bigint,
  attempts bigint not null,
  next_at bigint not null,
  cause text,
  primary key (account_id, external),
  constraint reads_state check (state in ('due', 'running', 'dead'))
);
create index reads_due on reads (next_at) where state = 'due';

create table tells (
  id key primary key,
  account_id key not null,
  order_id key not null,
  external key not null,
  act key not null,
  reference key not null,
  subject_id key not null,
  payload text not null,
  state key not null,
  attempts bigint not null,
  uncertain boolean not null,
  next_at bigint not null,
  lease_until bigint,
  fence bigint not null,
  answer text,
  cause text,
  cause_kind text,
  created_at bigint not null,
  told_at bigint,
  constraint tells_reference unique (account_id, act, reference),
  constraint tells_state check (state in ('intended', 'running', 'told', 'refused', 'unknown', 'withheld'))
);
create index tells_due on tells (next_at) where state = 'intended';
create index tells_order on tells (order_id);

create table channel_stock (
  account_id key not null,
  listing_id key not null,
  location key not null,
  variant_id key not null,
  dirty boolean not null,
  urgent boolean not null,
  dirty_at bigint,
  shown bigint,
  told_at bigint,
  told_key key,
  running_until bigint,
  attempts bigint not null,
  next_at bigint not null,
  cause text,
  primary key (account_id, listing_id, location)
);
create index channel_stock_due on channel_stock (account_id, urgent, dirty_at) where dirty;
create index channel_stock_variant on channel_stock (variant_id);

create table channel_prices (
  account_id key not null,
  listing_id key not null,
  variant_id key not null,
  wanted bigint not null,
  currency key not null,
  shown bigint,
  state key not null,
  told_at bigint,
  attempts bigint not null,
  next_at bigint not null,
  cause text,
  updated_at bigint not null,
  version bigint not null,
  primary key (account_id, listing_id),
  constraint channel_prices_state check (state in ('due', 'told', 'held', 'refused'))
);
create index channel_prices_due on channel_prices (account_id, next_at) where state = 'due';

-- +goose Down
drop table channel_prices;
drop table channel_stock;
drop table tells;
drop table reads;
drop table channel_orders;
drop table inbox;
drop table channel_cursors;
drop table account_locations;
drop table account_health;
drop table channel_accounts;
drop table sales_channels;
