-- oldest binary: 1
-- What the POS core says of the company, how far it was read, and what was posted to the built-in one. Exchanges are found by the order that replaces what comes back.

-- +goose Up
create table org_units (
  core key not null,
  id key not null,
  unit_type key not null,
  code key not null,
  name text not null,
  parent key,
  country key,
  currency key,
  active boolean not null,
  location_id key,
  problem text,
  seen_at bigint not null,
  gone_at bigint,
  primary key (core, id),
  constraint org_units_type check (unit_type in ('global', 'country', 'regional', 'warehouse', 'branch', 'till'))
);

create table core_reads (
  core key not null,
  list key not null,
  mark text,
  seen text not null,
  complete boolean not null,
  shown bigint not null,
  problems text not null,
  read_at bigint,
  stale_at bigint,
  failed_at bigint,
  cause text,
  version bigint not null,
  primary key (core, list),
  constraint core_reads_list check (list in ('units', 'stock', 'prices'))
);

create table core_documents (
  id key primary key,
  kind key not null,
  body text not null,
  at bigint not null,
  constraint core_documents_kind check (kind in ('sale', 'movement', 'return', 'refund'))
);

create index returns_rma_exchange on returns_rma (exchange_order_id) where exchange_order_id is not null;

-- +goose Down
drop index returns_rma_exchange;
drop table core_documents;
drop table core_reads;
drop table org_units;
