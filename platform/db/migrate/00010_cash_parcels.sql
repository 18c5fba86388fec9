-- oldest binary: 1
-- The cash of each parcel: what was collected with it, or given up because it came back.

-- +goose Up
create table cash_parcels (
  payment_id key not null references order_payments (id),
  shipment_id key not null,
  order_id key not null,
  currency key not null,
  amount bigint not null,
  collected bigint not null,
  captured bigint not null,
  state key not null,
  basis key,
  updated_at bigint not null,
  primary key (payment_id, shipment_id),
  constraint cash_parcels_state check (state in ('collected', 'in_remittance', 'remitted', 'reconciled', 'short_paid', 'reversed', 'written_off', 'void')),
  constraint cash_parcels_amount check (amount >= 0 and collected >= 0 and captured >= 0)
);
create index cash_parcels_order on cash_parcels (order_id);
alter table order_payments add column cod_gone bigint;
alter table order_payments add column cod_taken bigint;

-- +goose Down
alter table order_payments drop column cod_taken;
alter table order_payments drop column cod_gone;
drop index cash_parcels_order;
drop table cash_parcels;
