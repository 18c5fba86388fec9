-- oldest binary: 1
-- What is asked all the time of tables that grow with every order, by what few rows it is about: calls that are under way or stopped, an order's holds, what was erased, cases
-- whatever became of them and the numbers of those that wait, the newest movements of a variant.

-- +goose Up
create index tells_running on tells (lease_until) where state = 'running';
create index tells_stopped on tells (account_id, state, id) where state in ('refused', 'unknown', 'withheld');
create index order_holds_order on order_holds (order_id, id);
create index personal_records_erased on personal_records (erased_at) where erased_at is not null;
create index exceptions_since on exceptions (since, id);
create index exceptions_waiting on exceptions (cause, since, deadline, snoozed_until) where state = 'open';
create index stock_movements_newest on stock_movements (variant_id, id);

-- +goose Down
drop index stock_movements_newest;
drop index exceptions_waiting;
drop index exceptions_since;
drop index personal_records_erased;
drop index order_holds_order;
drop index tells_stopped;
drop index tells_running;
