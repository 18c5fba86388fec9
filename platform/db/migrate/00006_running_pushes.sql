-- oldest binary: 1
-- Stock pushes that a killed process left behind are found without reading every number of an account; returns told of before their order came are kept for it.

-- +goose Up
create index channel_stock_running on channel_stock (account_id, running_until) where running_until is not null;

create table early_returns (
  account_id key not null,
  external key not null,
  return_external key not null,
  body text not null,
  kept_at bigint not null,
  primary key (account_id, external, return_external)
);

-- +goose Down
drop table early_returns;
drop index channel_stock_running;
