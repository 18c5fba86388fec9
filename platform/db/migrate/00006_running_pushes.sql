-- oldest binary: 1
-- Stock pushes that a killed process left behind are found without reading every number of an account.

-- +goose Up
create index channel_stock_running on channel_stock (account_id, running_until) where running_until is not null;

-- +goose Down
drop index channel_stock_running;
