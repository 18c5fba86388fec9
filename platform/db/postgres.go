package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db/migrate"
)

const (
	defaultSchema = "commerce"
	repeats       = 5                    // of a transaction that PostgreSQL gave up
	pauseFirst    = 5 * time.Millisecond // before the first repetition; doubled each time, with jitter
	lockTimeout   = "30s"                // how long a statement waits for a row
	commitLimit   = time.Minute          // a server that has not answered a commit by then is lost
	idleTimeout   = "60s"                // how long a transaction may sit without a statement
)

// server is PostgreSQL: a pool that writes and a smaller one that reads.
type server struct {
	writers, readers *sql.DB
	alone            *pgx.ConnConfig // of a connection outside the pools
	schema           string
	counts           *counts
	queued           atomic.Int64
	background       chan struct{}    // a slot for each background write
	fails            func(Step) error // tests, see Options
}

var schemaName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

func openPostgres(ctx context.Context, address string, opt Options, n *counts) (engine, error) {
	if opt.Pool <= 0 {
		opt.Pool = 16
	}
	s := &server{schema: defaultSchema, counts: n, background: make(chan struct{}, max(1, opt.Pool/2)), fails: opt.Fails}
	config, err := s.config(address)
	if err != nil {
		return nil, err
	}
	s.alone = config
	s.writers = openPool(config, opt.Pool, map[string]string{
		"plan_cache_mode": "force_generic_plan", "lock_timeout": lockTimeout, "idle_in_transaction_session_timeout": idleTimeout,
		// A writer asks by key. A plan made while a table is small reads it whole, and is kept while the table grows, until its first analyze: finding 64 orders took 12 ms at
		// 5,000 instead of 0.1. A table that has no index for the question is read whole all the same; what that is said to cost must not start the compiler.
		"enable_seqscan": "off", "jit": "off",
	}, opt.NoSync)
	s.readers = openPool(config, max(2, opt.Pool/2), map[string]string{
		"default_transaction_read_only": "on", "idle_in_transaction_session_timeout": idleTimeout,
		// A reader asks for lists, and which index leads to the first fifty rows depends on what is asked for: with a plan for any value a state that no order is in was looked for
		// among all orders, a second at a million. Such a list is never worth the compiler, which takes longer.
		"plan_cache_mode": "force_custom_plan", "jit": "off",
	}, false)
	if err := s.makeSchema(ctx); err != nil {
		_ = s.close()
		return nil, classify(err)
	}
	return s, nil
}

// config reads the url, taking out what is ours.
func (s *server) config(address string) (*pgx.ConnConfig, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, fault.New(fault.Invalid, "the database url cannot be read") // the cause would show the password
	}
	q := u.Query()
	if name := q.Get("schema"); name != "" {
		if !schemaName.MatchString(name) {
			return nil, fault.New(fault.Invalid, "%q is no schema name", name)
		}
		s.schema = name
		q.Del("schema")
		u.RawQuery = q.Encode()
	}
	config, err := pgx.ParseConfig(u.String())
	if err != nil {
		return nil, fault.New(fault.Invalid, "the database url cannot be read")
	}
	config.RuntimeParams["search_path"] = s.schema
	config.RuntimeParams["timezone"] = "UTC"
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "openclaw-commerce"
	}
	config.StatementCacheCapacity = 1024
	return config, nil
}

func openPool(config *pgx.ConnConfig, size int, params map[string]string, noSync bool) *sql.DB {
	config = config.Copy()
	config.RuntimeParams["random_page_cost"] = "1.1"
	for k, v := range params {
		config.RuntimeParams[k] = v
	}
	if noSync {
		config.RuntimeParams["synchronous_commit"] = "off"
	}
	pool := stdlib.OpenDB(*config)
	pool.SetMaxOpenConns(size)
	pool.SetMaxIdleConns(size)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	return pool
}

// makeSchema asks first: who may not create schemas may still use one that is there.
func (s *server) makeSchema(ctx context.Context) error {
	var there bool
	err := s.writers.QueryRowContext(ctx, `select exists (select from pg_tables where schemaname = $1 and tablename = 'schema_version')`, s.schema).Scan(&there)
	if err != nil || there {
		return err
	}
	begun, err := schemaThere(ctx, s.writers, s.schema+restoringSchema)
	if err != nil {
		return err
	}
	if begun {
		return unfinished("the schema "+s.schema, "the schema "+s.schema+restoringSchema)
	}
	if there, err = schemaThere(ctx, s.writers, s.schema); err != nil || there {
		return err
	}
	_, err = s.writers.ExecContext(ctx, "create schema if not exists "+pgx.Identifier{s.schema}.Sanitize())
	if pg := pgError(err); pg != nil && (pg.Code == "23505" || pg.Code == "42P06") {
		return nil // another process was faster
	}
	return err
}

func (s *server) kind() Engine { return PostgreSQL }

func (s *server) waiting() int { return int(s.queued.Load()) }

func (s *server) close() error { return errors.Join(s.writers.Close(), s.readers.Close()) }

func (s *server) clock(ctx context.Context) (time.Time, error) {
	var micros int64
	err := s.readers.QueryRowContext(ctx, "select (extract(epoch from clock_timestamp()) * 1000000)::bigint").Scan(&micros)
	return time.UnixMicro(micros), classify(err)
}

func (s *server) write(ctx context.Context, d *DB, fn func(*Tx) error) error {
	if isBackground(ctx) {
		s.queued.Add(1)
		select {
		case s.background <- struct{}{}:
			s.queued.Add(-1)
			defer func() { <-s.background }()
		case <-ctx.Done():
			s.queued.Add(-1)
			return ctx.Err()
		}
	}
	for n := 0; ; n++ {
		err := s.once(ctx, d, fn, s.writers, "begin isolation level read committed", false)
		if err == nil || !repeatable(err) || n == repeats {
			return err
		}
		s.counts.repeats.Add(1)
		if err := pause(ctx, pauseFirst<<n); err != nil {
			return err
		}
	}
}

func (s *server) read(ctx context.Context, d *DB, fn func(*Tx) error) error {
	return s.once(ctx, d, fn, s.readers, "begin isolation level repeatable read read only", true)
}

// pause waits between half and one and a half of about.
func pause(ctx context.Context, about time.Duration) error {
	t := time.NewTimer(about/2 + rand.N(about)) //nolint:gosec // jitter needs no secrecy
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// once runs fn in one transaction.
func (s *server) once(ctx context.Context, d *DB, fn func(*Tx) error, pool *sql.DB, begin string, readOnly bool) error {
	s.queued.Add(1)
	conn, err := pool.Conn(ctx)
	s.queued.Add(-1)
	if err != nil {
		return classify(err)
	}
	run := &session{conn: conn, begin: begin}
	if !readOnly {
		run.fails = s.fails
	}
	tx := d.begin(ctx, run, readOnly)
	defer func() {
		tx.end()
		run.rollback(ctx)
		_ = conn.Close() // the pool throws it away when it is broken or still in a transaction
	}()
	if err := tx.call(fn, func() error { return tx.dispatch(run.commit) }); err != nil {
		return err
	}
	tx.end()
	_ = conn.Close()
	if !readOnly {
		s.counts.writes.Add(1)
		s.counts.commits.Add(1)
	}
	tx.finish()
	return nil
}

// session is a transaction on one connection. It begins with the first statement, in the same round trip.
type session struct {
	conn  *sql.Conn
	begin string
	begun bool
	fails func(Step) error // tests; nil where nothing is written
}

// raw lends the pgx connection.
func (s *session) raw(fn func(*pgx.Conn) error) error {
	var inner error
	if err := s.conn.Raw(func(dc any) error {
		inner = fn(dc.(*stdlib.Conn).Conn())
		return nil
	}); err != nil {
		return err
	}
	return inner
}

// flush sends the queue as one pgx.Batch, which is one round trip once the statements are prepared.
func (s *session) flush(ctx context.Context, queue []*Promise) error {
	return s.pipeline(ctx, queue, false)
}

// commit sends what is left and the commit in one round trip, and awaits the answer even when the caller has gone. Rows that are
// to be looked at are fetched before: what is said about them may prevent the commit.
func (s *session) commit(ctx context.Context, queue []*Promise) error {
	if slices.ContainsFunc(queue, func(p *Promise) bool { return p.each != nil }) {
		if err := s.flush(ctx, queue); err != nil {
			return err
		}
		queue = nil
	}
	if !s.begun && len(queue) == 0 {
		return nil
	}
	if s.fails != nil {
		if err := s.fails(AtCommit); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitLimit)
	defer cancel()
	return s.pipeline(ctx, queue, true)
}

func (s *session) pipeline(ctx context.Context, queue []*Promise, commit bool) error {
	return s.raw(func(c *pgx.Conn) error {
		b := new(pgx.Batch)
		if !s.begun {
			b.Queue(s.begin)
		}
		for _, p := range queue {
			for i, text := range p.stmt.texts {
				b.Queue(text, p.stmt.args[i]...)
			}
		}
		if commit {
			b.Queue("commit")
		}
		answers := c.SendBatch(ctx, b)
		err := s.collect(answers, queue)
		open := commit && unanswered(err)
		if err == nil && commit {
			var tag pgconn.CommandTag
			tag, err = answers.Exec()
			open = ended(err) || unanswered(err)
			err = committed(tag, err)
		}
		if e := answers.Close(); err == nil && e != nil {
			err = classify(e)
		}
		s.begun = c.PgConn().TxStatus() != 'I'
		if open {
			return &fault.Error{
				Kind: fault.Unavailable, Code: commitUnknown, Err: err,
				Message: "the connection to the database was lost during the commit; it may have happened",
			}
		}
		return err
	})
}

// commitUnknown is the code of a write of which nobody can say whether it happened.
const commitUnknown = "commit_unknown"

func committed(tag pgconn.CommandTag, err error) error {
	if err == nil && !strings.EqualFold(tag.String(), "commit") {
		return fault.New(fault.Internal, "the commit ended as %q", tag.String())
	}
	return classify(err)
}

// unanswered reports whether the connection was lost after something had been sent, with no word from the server.
func unanswered(err error) bool {
	var unsent pgx.ErrPreprocessingBatch
	lost := lostConnection(err) || errors.Is(err, context.DeadlineExceeded)
	return lost && pgError(err) == nil && !pgconn.SafeToRetry(err) && !errors.As(err, &unsent)
}

// ended reports whether the server ended the connection, saying so.
func ended(err error) bool {
	pg := pgError(err)
	return pg != nil && (strings.HasPrefix(pg.Code, "57P") || strings.HasPrefix(pg.Code, "08"))
}

// collect reads the answers to the queue, in order, until one is an error.
func (s *session) collect(answers pgx.BatchResults, queue []*Promise) error {
	if !s.begun {
		if _, err := answers.Exec(); err != nil {
			return statementError(s.begin, classify(err))
		}
	}
	for _, p := range queue {
		p.err = nil
		if p.stmt.empty() {
			continue
		}
		var err error
		if p.each != nil {
			p.affected, err = handOut(answers, p.each)
		} else {
			var tag pgconn.CommandTag
			tag, err = answers.Exec()
			p.affected = tag.RowsAffected()
		}
		if err != nil {
			p.err = statementError(p.text, classify(err))
			return p.err
		}
	}
	return nil
}

func handOut(answers pgx.BatchResults, each func(Scanner) error) (n int64, err error) {
	rows, err := answers.Query()
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return n, err
		}
		n++
	}
	rows.Close()
	return n, rows.Err()
}

func (s *session) query(ctx context.Context, text string, args []any) (*sql.Rows, error) {
	if !s.begun {
		if err := s.flush(ctx, nil); err != nil {
			return nil, err
		}
	}
	return s.conn.QueryContext(ctx, text, args...)
}

// rollback ends what is open; a connection that cannot is thrown away by the pool.
func (s *session) rollback(ctx context.Context) {
	if !s.begun {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = s.raw(func(c *pgx.Conn) error {
		_, err := c.Exec(ctx, "rollback")
		return err
	})
}

func (s *server) version(ctx context.Context) (int64, int64, error) {
	return schemaVersion(ctx, s.readers,
		fmt.Sprintf("select count(*) from pg_tables where schemaname = '%s' and tablename = 'schema_version'", s.schema))
}

// migrate holds an advisory lock, named after the schema, on a connection of its own.
func (s *server) migrate(ctx context.Context, set *migrate.Set, log func(string)) error {
	conn, err := s.readers.Conn(ctx)
	if err != nil {
		return classify(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, "select pg_advisory_lock(hashtext($1))", "migrate "+s.schema); err != nil {
		return classify(err)
	}
	defer func() {
		_, _ = conn.ExecContext(context.WithoutCancel(ctx), "select pg_advisory_unlock(hashtext($1))", "migrate "+s.schema)
	}()
	_, err = migrateAlone(ctx, s.writers, set, set.UpPostgreSQL, log)
	return err
}
