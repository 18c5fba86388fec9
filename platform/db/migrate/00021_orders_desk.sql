-- oldest binary: 1
-- What the orders desk asks for goes by an index, whatever is combined; people keep views of lists under names of their own.

-- +goose Up
create index orders_cod on orders (created_at, id) where cod;
create index orders_value on orders (currency, total);
drop index orders_open_deadline;
create index orders_due on orders (ship_by, id) where units_open > 0;
create index orders_placed on orders (placed_at, id, channel, currency, total);
create index order_holds_type on order_holds (type, order_id) where released_at is null;
create index order_lines_back on order_lines (order_id) where coming_back > 0;
create index exceptions_due on exceptions ((coalesce(deadline, 4611686018427387903)), id) where state = 'open';

create table saved_views (
  id key primary key,
  user_id key not null,
  page key not null,
  name text not null,
  query text not null,
  preferred boolean not null,
  created_at bigint not null,
  updated_at bigint not null,
  version bigint not null,
  constraint saved_views_name unique (user_id, page, name)
);

-- +goose Down
drop table saved_views;
drop index exceptions_due;
drop index order_lines_back;
drop index order_holds_type;
drop index orders_placed;
drop index orders_due;
create index orders_open_deadline on orders (ship_by, id) where state in ('open', 'part_shipped');
drop index orders_value;
drop index orders_cod;
