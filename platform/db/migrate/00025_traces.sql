-- oldest binary: 1
-- Where a sampled trace goes on: from a message to its order, and to the stock the order took. Kept for a day.

-- +goose Up
create table traces (
  kind key not null,
  subject key not null,
  carried key not null,
  at bigint not null,
  primary key (kind, subject),
  constraint traces_kind check (kind in ('inbox', 'order', 'variant'))
);
create index traces_at on traces (at);

-- +goose Down
drop table traces;
