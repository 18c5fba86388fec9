-- oldest binary: 1
-- Policy rows and legal entities, catalog, locations and stock.
-- +goose Up
create table legal_entities (
  id key primary key,
  code key not null,
  name text not null,
  country key not null,
  currency key not null,
  registrations text not null,
  version bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  constraint legal_entities_code unique (code)
);

create table policy_rows (
  id key primary key,
  country key not null,
  subdivision key not null,
  name key not null,
  value text not null,
  unit text not null,
  effective_from bigint not null,
  effective_to bigint,
  source text not null,
  confidence text not null,
  verified_at bigint,
  seeded boolean not null,
  constraint policy_rows_once unique (country, subdivision, name, effective_from)
);

create table policy_version (
  name key primary key,
  version bigint not null
);
insert into policy_version (name, version) values ('policy', 1);

create table number_blocks (
  prefix key primary key,
  next bigint not null
);

create table products (
  id key primary key,
  code key not null,
  title text not null,
  brand text not null,
  active boolean not null,
  version bigint not null,
  created_at bigint not null,
  updated_at bigint not null,
  constraint products_code unique (code)
);

create table variants (
  id key primary key,
  product_id key not null references products (id),
  sku key not null,
  sku_folded key not null,
  gtin key,
  title text not null,
  title_folded text not null,
  uom text not null,
  weight_g bigint not null,
  tax_class key not null,
  kit boolean not null,
  ships boolean not null,
  active boolean not null,
  version bigint not null,
  updated_at bigint not null,
  constraint variants_sku unique (sku)
);
create index variants_folded on variants (sku_folded);
create index variants_gtin on variants (gtin);
create index variants_product on variants (product_id);

create table kit_parts (
  kit_id key not null references variants (id),
  part_id key not null references variants (id),
  quantity bigint not null,
  weight bigint not null,
  primary key (kit_id, part_id),
  constraint kit_parts_positive check (quantity > 0 and weight > 0)
);
create index kit_parts_part on kit_parts (part_id);

create table price_lists (
  id key primary key,
  name text not null,
  country key not null,
  currency key not null,
  channel key,
  account_id key,
  priority bigint not null,
  active boolean not null,
  constraint price_lists_name unique (name)
);

create table prices (
  list_id key not null references price_lists (id),
  variant_id key not null references variants (id),
  valid_from bigint not null,
  valid_to bigint,
  amount bigint not null,
  compare bigint,
  primary key (list_id, variant_id, valid_from),
  constraint prices_not_negative check (amount >= 0)
);
create index prices_variant on prices (variant_id, valid_from);

create table costs (
  variant_id key not null references variants (id),
  legal_entity_id key not null,
  valid_from bigint not null,
  amount bigint not null,
  currency key not null,
  primary key (variant_id, legal_entity_id, valid_from)
);

create table channel_products (
  id key primary key,
  account_id key not null,
  external key not null,
  parent key not null,
  stock_ref key not null,
  alt key not null,
  sku key not null,
  barcode key not null,
  title text not null,
  variant_id key,
  state key not null,
  mapped_by text,
  active boolean not null,
  price_shown bigint,
  currency key,
  quantity_shown bigint,
  seen_at bigint not null,
  version bigint not null,
  constraint channel_products_external unique (account_id, external),
  constraint channel_products_state check (state in ('unmapped', 'mapped', 'ignored')),
  constraint channel_products_mapped check ((state = 'mapped') = (variant_id is not null))
);
create index channel_products_variant on channel_products (variant_id, account_id);
create index channel_products_sku on channel_products (account_id, sku);
create index channel_products_alt on channel_products (account_id, alt);
create index channel_products_barcode on channel_products (barcode) where state = 'unmapped';
create index channel_products_waiting on channel_products (sku) where state = 'unmapped';
create index channel_products_queue on channel_products (account_id, id) where state = 'unmapped';

create table locations (
  id key primary key,
  code key not null,
  name text not null,
  kind key not null,
  legal_entity_id key not null,
  country key not null,
  province text not null,
  city text not null,
  zone text not null,
  closing_minute bigint not null,
  priority bigint not null,
  fulfils boolean not null,
  active boolean not null,
  account_id key,
  heard_at bigint,
  weight bigint not null,
  version bigint not null,
  constraint locations_code unique (code),
  constraint locations_weight check (weight >= 0 and weight <= 100),
  constraint locations_kind check (kind in ('branch', 'warehouse', 'channel', 'online'))
);

create table stock_levels (
  variant_id key not null,
  location_id key not null,
  condition key not null,
  on_hand bigint not null,
  reserved bigint not null,
  safety bigint not null,
  dirty boolean not null,
  updated_at bigint not null,
  primary key (variant_id, location_id, condition),
  constraint stock_levels_condition check (condition in ('sellable', 'quarantine', 'damaged')),
  constraint stock_levels_reserved check (reserved >= 0 and (reserved = 0 or reserved <= on_hand)),
  constraint stock_levels_sellable check (reserved = 0 or condition = 'sellable'),
  constraint stock_levels_safety check (safety >= 0)
);
create index stock_levels_dirty on stock_levels (variant_id) where dirty;
create index stock_levels_location on stock_levels (location_id, variant_id);

create table stock_movements (
  id key primary key,
  variant_id key not null,
  location_id key not null,
  condition key not null,
  delta bigint not null,
  kind key not null,
  reference_kind key not null,
  reference_id key not null,
  unit_cost bigint,
  currency key,
  serial text,
  batch text,
  expires_on text,
  business_date key not null,
  at bigint not null,
  actor text not null,
  note text,
  constraint stock_movements_delta check (delta <> 0 or kind = 'count'),
  constraint stock_movements_once unique (reference_kind, reference_id, variant_id, location_id, condition, kind)
);
create index stock_movements_variant on stock_movements (variant_id, location_id, at);

create table reservations (
  id key primary key,
  holder_kind key not null,
  holder_id key not null,
  order_id key,
  variant_id key not null,
  location_id key not null,
  quantity bigint not null,
  rank bigint not null,
  expires_at bigint,
  created_at bigint not null,
  updated_at bigint not null,
  constraint reservations_one unique (holder_kind, holder_id, variant_id, location_id),
  constraint reservations_holder check (holder_kind in ('line', 'cart')),
  constraint reservations_quantity check (quantity >= 0)
);
create index reservations_stock on reservations (variant_id, location_id, rank) where quantity > 0;
create index reservations_order on reservations (order_id);
create index reservations_expiry on reservations (expires_at) where quantity > 0 and expires_at is not null;

create table shortages (
  id key primary key,
  holder_kind key not null,
  holder_id key not null,
  order_id key,
  variant_id key not null,
  quantity bigint not null,
  rank bigint not null,
  since bigint not null,
  closed_at bigint,
  cause text not null,
  constraint shortages_quantity check (quantity > 0 or closed_at is not null)
);
create unique index shortages_open on shortages (holder_kind, holder_id, variant_id) where closed_at is null;
create index shortages_variant on shortages (variant_id, rank) where closed_at is null;
create index shortages_order on shortages (order_id);

create table channel_buffers (
  account_id key not null,
  variant_id key not null,
  quantity bigint not null,
  primary key (account_id, variant_id),
  constraint channel_buffers_quantity check (quantity >= 0)
);

-- +goose Down
drop table channel_buffers;
drop table shortages;
drop table reservations;
drop table stock_movements;
drop table stock_levels;
drop table locations;
drop table channel_products;
drop table costs;
drop table prices;
drop table price_lists;
drop table kit_parts;
drop table variants;
drop table products;
drop table number_blocks;
drop table policy_version;
drop table policy_rows;
drop table legal_entities;
