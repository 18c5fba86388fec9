-- oldest binary: 1
-- What has just sold out is told before everything else that changed; numbers of an account are taken in the order in which they are due, by index alone.

-- +goose Up
create table stock_sold_out (
  id key primary key,
  variant_id key not null,
  at bigint not null
);
drop index channel_stock_due;
create index channel_stock_due on channel_stock (account_id, urgent desc, dirty_at, listing_id, location) where dirty;

-- +goose Down
drop index channel_stock_due;
create index channel_stock_due on channel_stock (account_id, urgent, dirty_at) where dirty;
drop table stock_sold_out;
