-- oldest binary: 1
-- What has been handed over and a channel has not been told of yet, it still holds back of the stock that it shows.

-- +goose Up
alter table dispatch_shipments add column told_at bigint;
update dispatch_shipments set told_at = updated_at where exists (select 1 from tells t
  where t.account_id = dispatch_shipments.account_id and t.act = 'ship' and t.reference = dispatch_shipments.number and t.state in ('told', 'unknown'));
create index dispatch_shipments_untold on dispatch_shipments (account_id) where handed_over_at is not null and told_at is null;

-- +goose Down
drop index dispatch_shipments_untold;
alter table dispatch_shipments drop column told_at;
