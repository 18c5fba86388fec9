package db

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	tendFirst = 2 * time.Second  // how soon a table that grows fast is looked at again
	tendLast  = 30 * time.Second // and one that does not
	tendRows  = 200              // changes that make new statistics worth while in a small table; in a larger one it takes half of its rows
)

// Tend keeps PostgreSQL's statistics in step with tables that grow fast, until ctx ends; then it returns nil. A database that was empty a minute
// ago is read from end to end for every key, because plans made of it still believe that it is small, and the server's own autovacuum looks only
// once a minute, or is switched off. Any number of processes may tend one database. On SQLite there is nothing to do.
func (d *DB) Tend(ctx context.Context) error {
	s, ok := d.engine.(*server)
	if !ok {
		<-ctx.Done()
		return nil
	}
	wait := tendFirst
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		n, err := s.tend(ctx)
		if err != nil && ctx.Err() == nil {
			d.log.Warn("the statistics of the database could not be renewed", "error", err)
		}
		wait = min(2*wait, tendLast)
		if n > 0 {
			wait = tendFirst
		}
	}
}

// tend renews what is stale and says how many tables it was. Whoever else is at it is left to it.
func (s *server) tend(ctx context.Context) (int, error) {
	c, err := s.writers.Conn(ctx)
	if err != nil {
		return 0, classify(err)
	}
	defer c.Close()
	const key = 7_202_611_220 // of the advisory lock, any number that nothing else takes
	var mine bool
	if err := c.QueryRowContext(ctx, "select pg_try_advisory_lock($1)", int64(key)).Scan(&mine); err != nil || !mine {
		return 0, classify(err)
	}
	defer func() { _, _ = c.ExecContext(context.WithoutCancel(ctx), "select pg_advisory_unlock($1)", int64(key)) }()
	rows, err := c.QueryContext(ctx, `select t.relname from pg_stat_user_tables t join pg_class c on c.oid = t.relid
		where t.schemaname = $1 and t.n_mod_since_analyze > greatest($2, c.reltuples / 2) order by t.relname`, s.schema, tendRows)
	if err != nil {
		return 0, classify(err)
	}
	defer rows.Close()
	var stale []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return 0, classify(err)
		}
		stale = append(stale, name)
	}
	if err := rows.Err(); err != nil {
		return 0, classify(err)
	}
	for i, name := range stale {
		if _, err := c.ExecContext(ctx, "analyze "+pgx.Identifier{s.schema, name}.Sanitize()); err != nil {
			return i, classify(err)
		}
	}
	return len(stale), nil
}
