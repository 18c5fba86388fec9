-- oldest binary: 1
-- Orders, payments, fulfillment, dispatch, returns, carts.
-- +goose Up
create table orders (
  id key primary key,
  number key not null,
  account_id key not null,
  channel key not null,
  external key not null,
  external_number text not null,
  legal_entity_id key not null,
  country key not null,
  currency key not null,
  tax_mode key not null,
  money key not null,
  state key not null,
  pay_state key not null,
  mode key not null,
  ours boolean not null,
  origin text not null,
  placed_at bigint not null,
  business_date key not null,
  ship_by bigint,
  deliver_by bigint,
  closed_at bigint,
  cancelled_at bigint,
  paid_at bigint,
  version_at bigint,
  read_at bigint not null,
  content_hash key not null,
  raw_id key not null,
  buyer_id key,
  seen_buyer_id key,
  zone text not null,
  ship_country key not null,
  ship_province text not null,
  ship_city text not null,
  ship_postcode text not null,
  address_ok boolean not null,
  goods bigint not null,
  discount bigint not null,
  discount_channel bigint not null,
  tax bigint not null,
  tax_channel bigint not null,
  charges bigint not null,
  rounding bigint not null,
  total bigint not null,
  owed bigint not null,
  difference bigint not null,
  shop_total bigint,
  shop_currency key,
  shop_rate text,
  cod boolean not null,
  statuses text not null,
  tags text not null,
  extra text not null,
  units_ordered bigint not null,
  units_cancelled bigint not null,
  units_open bigint not null,
  units_shipped bigint not null,
  units_delivered bigint not null,
  units_back bigint not null,
  holds bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  version bigint not null,
  constraint orders_external unique (account_id, external),
  constraint orders_number unique (number),
  constraint orders_tax_mode check (tax_mode in ('inclusive', 'exclusive', 'none')),
  constraint orders_money check (money in ('complete', 'partial', 'absent')),
  constraint orders_mode check (mode in ('shadow', 'intake', 'live')),
  constraint orders_state check (state in ('open', 'part_shipped', 'shipped', 'delivered', 'closed', 'cancelled')),
  constraint orders_pay_state check (pay_state in ('unpaid', 'due', 'authorized', 'part_paid', 'paid', 'part_refunded', 'refunded', 'voided')),
  constraint orders_units check (units_ordered = units_cancelled + units_open + units_shipped)
);
create index orders_list on orders (created_at, id);
create index orders_account on orders (account_id, created_at, id);
create index orders_state_list on orders (state, created_at, id);
create index orders_external_number on orders (external_number);
create index orders_open_deadline on orders (ship_by, id) where state in ('open', 'part_shipped');
create index orders_buyer on orders (buyer_id);

create table order_lines (
  id key primary key,
  order_id key not null references orders (id),
  n bigint not null,
  external key not null,
  listing_id key,
  variant_id key,
  sku key not null,
  title text not null,
  fulfilled_by key not null,
  ships boolean not null,
  kit boolean not null,
  currency key not null,
  unit_price bigint not null,
  goods bigint not null,
  discount bigint not null,
  discount_channel bigint not null,
  tax bigint not null,
  tax_channel bigint not null,
  total bigint not null,
  discounts text not null,
  taxes text not null,
  unit_cost bigint,
  cost_currency key,
  parts text,
  ordered bigint not null,
  cancelled bigint not null,
  open bigint not null,
  shipped bigint not null,
  on_the_way bigint not null,
  delivered bigint not null,
  coming_back bigint not null,
  returned bigint not null,
  lost bigint not null,
  refunded bigint not null,
  exchanged bigint not null,
  seen_cancelled bigint not null,
  seen_shipped bigint not null,
  seen_past bigint not null,
  location_hint text not null,
  constraint order_lines_external unique (order_id, external),
  constraint order_lines_n unique (order_id, n),
  constraint order_lines_fulfilled_by check (fulfilled_by in ('seller', 'channel')),
  constraint order_lines_ordered check (ordered = cancelled + open + shipped),
  constraint order_lines_shipped check (shipped = on_the_way + delivered + coming_back + returned + lost),
  constraint order_lines_positive check (cancelled >= 0 and open >= 0 and on_the_way >= 0 and delivered >= 0 and coming_back >= 0 and returned >= 0 and lost >= 0 and refunded >= 0 and exchanged >= 0)
);
create index order_lines_variant on order_lines (variant_id, order_id);
create index order_lines_open on order_lines (variant_id) where open > 0;
create index order_lines_listing on order_lines (listing_id) where variant_id is null;

create table order_units (
  order_id key not null,
  line_id key not null references order_lines (id),
  external key not null,
  bucket key not null,
  status key not null,
  raw text not null,
  package key,
  tracking text,
  primary key (line_id, external),
  constraint order_units_bucket check (bucket in ('open', 'cancelled', 'on_the_way', 'delivered', 'returning', 'returned', 'lost'))
);
create index order_units_order on order_units (order_id, external);

create table order_charges (
  id key primary key,
  order_id key not null references orders (id),
  n bigint not null,
  kind key not null,
  title text not null,
  amount bigint not null,
  discount bigint not null,
  discount_channel bigint not null,
  tax bigint not null,
  tax_channel bigint not null,
  total bigint not null,
  currency key not null,
  taxes text not null,
  constraint order_charges_n unique (order_id, n),
  constraint order_charges_kind check (kind in ('shipping', 'tip', 'duty', 'fee', 'rounding'))
);

create table order_holds (
  id key primary key,
  order_id key not null references orders (id),
  type key not null,
  detail text not null,
  requester key not null,
  deadline bigint,
  default_outcome key,
  request text,
  since bigint not null,
  released_at bigint,
  released_by text,
  outcome key
);
create unique index order_holds_open on order_holds (order_id, type) where released_at is null;

create table order_history (
  id key primary key,
  order_id key not null,
  at bigint not null,
  recorded_at bigint not null,
  kind key not null,
  source key not null,
  actor key not null,
  subject_id key,
  detail text not null
);
create index order_history_order on order_history (order_id, id);

create table order_change_sets (
  id key primary key,
  order_id key not null,
  kind key not null,
  state key not null,
  source key not null,
  actor key not null,
  order_version bigint not null,
  content text not null,
  preview text not null,
  buyer_id key,
  created_at bigint not null,
  applied_at bigint,
  cause text,
  constraint order_change_sets_state check (state in ('draft', 'applied', 'raised', 'discarded'))
);
create index order_change_sets_order on order_change_sets (order_id, id);

create table order_payments (
  id key primary key,
  order_id key not null,
  account_id key not null,
  external key not null,
  method key not null,
  gateway text not null,
  provider key not null,
  state key not null,
  currency key not null,
  amount bigint not null,
  authorized bigint not null,
  captured bigint not null,
  refunded bigint not null,
  collector key,
  cod_state key,
  cod_due bigint,
  cod_collected bigint,
  cod_basis key,
  reference key,
  at bigint not null,
  updated_at bigint not null,
  version bigint not null,
  constraint order_payments_external unique (order_id, external),
  constraint order_payments_state check (state in ('due', 'authorized', 'captured', 'voided', 'failed', 'unknown')),
  constraint order_payments_cod check (cod_state is null or cod_state in ('due', 'collected', 'in_remittance', 'remitted', 'reconciled', 'short_paid', 'reversed', 'written_off', 'void')),
  constraint order_payments_captured check (captured >= 0 and refunded >= 0)
);
create index order_payments_provider on order_payments (provider, external) where provider <> 'channel';

create table refunds (
  id key primary key,
  order_id key not null,
  payment_id key,
  return_id key,
  external key,
  reference key not null,
  origin key not null,
  state key not null,
  method key not null,
  currency key not null,
  amount bigint not null,
  shipping bigint not null,
  reason text not null,
  flagged text,
  actor key not null,
  at bigint not null,
  done_at bigint,
  announced_at bigint,
  version bigint not null,
  constraint refunds_reference unique (order_id, reference),
  constraint refunds_origin check (origin in ('ours', 'channel')),
  constraint refunds_state check (state in ('intended', 'issued', 'refused', 'unknown', 'recorded')),
  constraint refunds_amount check (amount >= 0)
);
create index refunds_order on refunds (order_id);
create index refunds_waiting on refunds (method, id) where state in ('intended', 'unknown');

create table refund_lines (
  refund_id key not null references refunds (id),
  line_id key not null,
  quantity bigint not null,
  amount bigint not null,
  restock key not null,
  primary key (refund_id, line_id)
);

create table fulfillment_orders (
  id key primary key,
  order_id key not null,
  number key not null,
  account_id key not null,
  location_id key not null,
  legal_entity_id key not null,
  country key not null,
  state key not null,
  held_reason text,
  held_from key,
  ship_by bigint,
  deliver_by bigint,
  cod boolean not null,
  decision text not null,
  created_at bigint not null,
  updated_at bigint not null,
  picked_at bigint,
  packed_at bigint,
  handed_over_at bigint,
  version bigint not null,
  constraint fulfillment_orders_number unique (number),
  constraint fulfillment_orders_state check (state in ('new', 'accepted', 'held', 'picking', 'picked', 'packed', 'handed_over', 'cancelled', 'moved', 'rejected'))
);
create index fulfillment_orders_order on fulfillment_orders (order_id);
create index fulfillment_orders_work on fulfillment_orders (location_id, state, ship_by, id);

create table fulfillment_lines (
  id key primary key,
  fulfillment_id key not null references fulfillment_orders (id),
  order_line_id key not null,
  variant_id key not null,
  sku key not null,
  title text not null,
  quantity bigint not null,
  picked bigint not null,
  short bigint not null,
  packed bigint not null,
  shipped bigint not null,
  per_line bigint not null,
  units text not null,
  constraint fulfillment_lines_one unique (fulfillment_id, order_line_id, variant_id),
  constraint fulfillment_lines_counts check (quantity >= 0 and picked >= 0 and short >= 0 and packed >= 0 and shipped >= 0 and packed <= picked and shipped <= packed)
);
create index fulfillment_lines_line on fulfillment_lines (order_line_id);

create table fulfillment_scans (
  fulfillment_id key not null references fulfillment_orders (id),
  scan_id key not null,
  code text not null,
  quantity bigint not null,
  actor text not null,
  at bigint not null,
  primary key (fulfillment_id, scan_id)
);

create table dispatch_shipments (
  id key primary key,
  number key not null,
  order_id key not null,
  fulfillment_id key not null,
  account_id key not null,
  location_id key not null,
  source key not null,
  courier key not null,
  carrier key not null,
  service text not null,
  reference key not null,
  state key not null,
  tracking key not null,
  tracking_url text not null,
  external key not null,
  label_format text,
  label_key key,
  label bytea,
  cod_amount bigint not null,
  currency key not null,
  weight_g bigint not null,
  packages text not null,
  deliver_by bigint,
  created_at bigint not null,
  issued_at bigint,
  handed_over_at bigint,
  delivered_at bigint,
  last_scan_at bigint,
  next_track_at bigint,
  attempts bigint not null,
  handovers bigint not null,
  announced boolean not null,
  cause text,
  updated_at bigint not null,
  version bigint not null,
  constraint dispatch_shipments_source check (source in ('courier', 'manual', 'channel')),
  constraint dispatch_shipments_reference unique (reference),
  constraint dispatch_shipments_number unique (number),
  constraint dispatch_shipments_state check (state in ('intended', 'issued', 'handed_over', 'in_transit', 'out_for_delivery', 'attempted', 'delivered', 'returning', 'returned', 'lost', 'cancelled', 'refused', 'unknown'))
);
create index dispatch_shipments_order on dispatch_shipments (order_id);
create index dispatch_shipments_fulfillment on dispatch_shipments (fulfillment_id);
create index dispatch_shipments_tracking on dispatch_shipments (tracking);
create unique index dispatch_shipments_once on dispatch_shipments (carrier, tracking) where source <> 'channel' and tracking <> '' and state not in ('cancelled', 'refused');
create index dispatch_shipments_list on dispatch_shipments (created_at, id);
create index dispatch_shipments_track on dispatch_shipments (next_track_at) where next_track_at is not null;

create table dispatch_lines (
  shipment_id key not null references dispatch_shipments (id),
  order_line_id key not null,
  variant_id key not null,
  quantity bigint not null,
  line_quantity bigint not null,
  units text not null,
  primary key (shipment_id, order_line_id, variant_id)
);

create table shipment_events (
  id key primary key,
  shipment_id key not null references dispatch_shipments (id),
  scan_key key not null,
  at bigint not null,
  at_raw text not null,
  zone_assumed text,
  recorded_at bigint not null,
  status key not null,
  leg key not null,
  reason key not null,
  corrects boolean not null,
  raw text not null,
  place text not null,
  source key not null,
  applied boolean not null,
  constraint shipment_events_once unique (shipment_id, scan_key)
);
create index shipment_events_shipment on shipment_events (shipment_id, at);

create table returns_rma (
  id key primary key,
  number key not null,
  order_id key not null,
  account_id key not null,
  external key,
  shipment_id key,
  location_id key,
  kind key not null,
  goods_state key not null,
  money_state key not null,
  decision key not null,
  reason text not null,
  requested_by key not null,
  requested_at bigint not null,
  decide_by bigint,
  approved_at bigint,
  received_at bigint,
  closed_at bigint,
  refund_due bigint not null,
  refunded bigint not null,
  currency key not null,
  exchange_order_id key,
  detail text not null,
  updated_at bigint not null,
  version bigint not null,
  constraint returns_rma_number unique (number),
  constraint returns_rma_kind check (kind in ('return', 'exchange', 'refund_only', 'return_to_origin', 'claim')),
  constraint returns_rma_goods check (goods_state in ('none', 'awaited', 'on_the_way', 'received', 'inspected', 'lost', 'cancelled')),
  constraint returns_rma_money check (money_state in ('none', 'due', 'intended', 'refunded', 'refused', 'waived')),
  constraint returns_rma_decision check (decision in ('requested', 'approved', 'declined', 'withdrawn'))
);
create unique index returns_rma_external on returns_rma (account_id, external);
create index returns_rma_order on returns_rma (order_id);
create index returns_rma_list on returns_rma (requested_at, id);

create table return_lines (
  id key primary key,
  return_id key not null references returns_rma (id),
  order_line_id key not null,
  variant_id key,
  external key not null,
  units text not null,
  quantity bigint not null,
  received bigint not null,
  waiting bigint not null,
  sellable bigint not null,
  quarantine bigint not null,
  damaged bigint not null,
  rejected bigint not null,
  reason text not null,
  refund bigint not null,
  constraint return_lines_one unique (return_id, order_line_id),
  constraint return_lines_counts check (quantity > 0 and waiting >= 0 and received = waiting + sellable + quarantine + damaged + rejected)
);
create index return_lines_line on return_lines (order_line_id);

create table storefronts (
  id key primary key,
  code key not null,
  account_id key not null,
  name text not null,
  country key not null,
  currency key not null,
  language key not null,
  languages text not null,
  price_list text not null,
  payment_methods text not null,
  shipping text not null,
  active boolean not null,
  version bigint not null,
  constraint storefronts_code unique (code)
);

create table carts (
  id key primary key,
  storefront_id key not null references storefronts (id),
  token_hash key not null,
  state key not null,
  currency key not null,
  language key not null,
  buyer_key key,
  buyer bytea,
  delivery key not null,
  payment key not null,
  attempt bigint not null,
  place_key key,
  place_body key,
  refusal text,
  payment_state key,
  payment_external key,
  hold_until bigint,
  order_id key,
  order_number key,
  placed_at bigint,
  changed_at bigint,
  document bytea,
  document_key key,
  proof key,
  totals text not null,
  created_at bigint not null,
  updated_at bigint not null,
  version bigint not null,
  constraint carts_token unique (token_hash),
  constraint carts_state check (state in ('open', 'placing', 'placed', 'expired'))
);
create index carts_changed on carts (storefront_id, changed_at, id) where changed_at is not null;
create index carts_number on carts (order_number) where order_number is not null;
create index carts_age on carts (updated_at) where state = 'open';
create index carts_placing on carts (updated_at) where state = 'placing';
create index carts_unfinished on carts (placed_at) where state = 'placed' and (order_id is null or payment_state = 'authorized');

create table cart_lines (
  id key primary key,
  cart_id key not null references carts (id),
  variant_id key not null,
  quantity bigint not null,
  constraint cart_lines_one unique (cart_id, variant_id),
  constraint cart_lines_quantity check (quantity > 0)
);

-- +goose Down
drop table cart_lines;
drop table carts;
drop table storefronts;
drop table return_lines;
drop table returns_rma;
drop table shipment_events;
drop table dispatch_lines;
drop table dispatch_shipments;
drop table fulfillment_scans;
drop table fulfillment_lines;
drop table fulfillment_orders;
drop table refund_lines;
drop table refunds;
drop table order_payments;
drop table order_change_sets;
drop table order_history;
drop table order_holds;
drop table order_charges;
drop table order_units;
drop table order_lines;
drop table orders;
