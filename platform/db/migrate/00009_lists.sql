-- oldest binary: 1
-- Every list and filter of the API goes by an index, also when there are a million orders and none that fits.
-- +goose Up
create index orders_channel on orders (channel, created_at, id);
create index orders_country on orders (country, created_at, id);
create index orders_pay on orders (pay_state, created_at, id);
create index orders_held on orders (created_at, id) where holds > 0;
create index order_lines_sku on order_lines (sku, order_id);
create index fulfillment_orders_list on fulfillment_orders ((coalesce(ship_by, 4611686018427387903)), id);
create index fulfillment_orders_state on fulfillment_orders (state, (coalesce(ship_by, 4611686018427387903)), id);
create index dispatch_shipments_state on dispatch_shipments (state, created_at, id);

-- +goose Down
drop index dispatch_shipments_state;
drop index fulfillment_orders_state;
drop index fulfillment_orders_list;
drop index order_lines_sku;
drop index orders_held;
drop index orders_pay;
drop index orders_country;
drop index orders_channel;
