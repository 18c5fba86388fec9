-- oldest binary: 1
-- Where in a location a variant lies, so that a pick list follows the shelves.

-- +goose Up
create table shelves (
  location_id key not null,
  variant_id key not null,
  shelf text not null,
  updated_at bigint not null,
  primary key (location_id, variant_id)
);

-- +goose Down
drop table shelves;
