-- oldest binary: 1
-- A channel's word that a number changed has that number compared, without waiting for the daily comparison of all.

-- +goose Up
alter table channel_stock add column look_at bigint;
create index channel_stock_look on channel_stock (account_id, look_at) where look_at is not null;
create index channel_products_stock on channel_products (account_id, stock_ref) where stock_ref <> '';

-- +goose Down
drop index channel_products_stock;
drop index channel_stock_look;
alter table channel_stock drop column look_at;
