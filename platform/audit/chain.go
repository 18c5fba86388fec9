package audit

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

const (
	linkLimit = 500                    // rows that one transaction links at most
	linkPause = 300 * time.Millisecond // between two looks while there is little to link
)

// HeadEvery is how often the head of the chain is published at most; HeadRows publishes it earlier.
const (
	HeadEvery = 10 * time.Minute
	HeadRows  = 1000
)

// HeadPublished is the type of the event that says where the chain ends; its body is a Head.
const HeadPublished = "audit.head"

const headAggregate = "audit:main"

// Head is an end of the chain: all rows up to Position give Link.
type Head struct {
	Position int64  `json:"position"`
	Link     string `json:"link"` // hexadecimal
}

// ParseHead reads a head that somebody noted down, position:link. Fault: Invalid.
func ParseHead(text string) (Head, error) {
	position, link, ok := strings.Cut(text, ":")
	n, err := strconv.ParseInt(position, 10, 64)
	if b, bad := hex.DecodeString(link); !ok || err != nil || n < 1 || bad != nil || len(b) != sha256.Size {
		return Head{}, fault.Field("head", "is position:link, as verify says it")
	}
	return Head{Position: n, Link: strings.ToLower(link)}, nil
}

// Linker binds audit rows into the chain, behind those who write them. Any number of linkers, in any number of processes, is safe:
// the head's row is locked first.
type Linker struct {
	d   *db.DB
	log *Log
	out *slog.Logger
}

// NewLinker makes a linker.
func NewLinker(d *db.DB, l *Log, out *slog.Logger) *Linker { return &Linker{d, l, out} }

// Run links what is written until ctx ends; then it returns nil.
func (k *Linker) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		n, err := k.Link(ctx)
		if err != nil && ctx.Err() == nil {
			k.out.Warn("audit rows could not be linked", "error", err)
		}
		if n >= linkLimit {
			continue
		}
		t := time.NewTimer(linkPause)
		select {
		case <-ctx.Done():
		case <-t.C:
		}
		t.Stop()
	}
	return nil
}

// head is the row that says where the chain ends.
type head struct {
	position, published int64
	link, mac           []byte
	publishedAt         time.Time
}

func scanHead(s db.Scanner) (h head, err error) {
	err = s.Scan(&h.position, &h.link, &h.mac, &h.published, db.Time(&h.publishedAt))
	return h, err
}

const headText = `select position, link, mac, published, published_at from audit_head where name = 'main'`

// due reports whether the head is to be published.
func (h head) due(now time.Time) bool {
	return h.position > h.published && (now.Sub(h.publishedAt) >= HeadEvery || h.position-h.published >= HeadRows)
}

// message is what the head's MAC is made of.
func (h head) message() []byte {
	return append(binary.BigEndian.AppendUint64([]byte("audit-head/1"), uint64(h.position)), h.link...)
}

// Link links what waits, up to 500 rows, and says how many they were; it publishes the head when that is due.
func (k *Linker) Link(ctx context.Context) (n int, err error) {
	var todo bool
	err = k.d.Read(ctx, func(tx *db.Tx) error {
		waiting, err := db.All(tx, number, `select n from audit_log where position is null and link is null limit 1`)
		if err != nil {
			return err
		}
		h, err := db.One(tx, scanHead, headText)
		todo = len(waiting) > 0 || h.due(tx.Now)
		return err
	})
	if err != nil || !todo {
		return 0, err
	}
	err = k.d.Write(db.Background(ctx), func(tx *db.Tx) error {
		n, err = k.link(tx)
		return err
	})
	return n, err
}

func (k *Linker) link(tx *db.Tx) (int, error) {
	// The head is locked before the rows are read, so that those which others linked meanwhile are seen as linked.
	tx.Locking(db.LockHead, "audit")
	h, err := db.One(tx, scanHead, headText+tx.Lock())
	if err != nil {
		return 0, err
	}
	rows, err := db.All(tx, k.log.scanLinked, `select `+linkColumns+` from audit_log where position is null and link is null order by n limit $1`, linkLimit)
	if err != nil {
		return 0, err
	}
	batch := db.NewBatch(1)
	for i := range rows {
		h.position++
		rows[i].Position = h.position
		h.link = rows[i].after(h.link)
		batch.Add(rows[i].N, h.position, h.link)
	}
	tx.Send(`update audit_log set position = r.p, link = r.l from rows(n bigint, p bigint, l bytea) where audit_log.n = r.n and +audit_log.position is null`, batch) // by key: not by the index of what waits, which is walked whole
	if h.mac, err = k.log.signer.Sign(h.message()); err != nil {
		return 0, err
	}
	if h.due(tx.Now) {
		h.published, h.publishedAt = h.position, tx.Now
		if err := outbox.Append(tx, outbox.Event{Aggregate: headAggregate, Type: HeadPublished, Body: h.public()}); err != nil {
			return 0, err
		}
	}
	_, err = tx.Exec(`update audit_head set position = $1, link = $2, mac = $3, linked_at = $4, published = $5, published_at = $6 where name = 'main'`,
		h.position, h.link, h.mac, tx.Now.UnixMicro(), h.published, h.publishedAt.UnixMicro())
	return len(rows), err
}

func (h head) public() Head { return Head{h.position, hex.EncodeToString(h.link)} }

// Linked is a row as it stands in the chain, with every byte that its link is made of.
type Linked struct {
	Row
	Null struct{ Purpose, RequestID bool } // the column is null, which is not the same as empty
	Link []byte                            // nil until it is linked
}

const linkColumns = `n, id, at, actor, action, subject_kind, subject_id, purpose, detail, request_id, mac, position, link`

func (l *Log) scanLinked(s db.Scanner) (r Linked, err error) {
	var purpose, request sql.NullString
	var detail string
	err = s.Scan(&r.N, &r.ID, db.Time(&r.At), &r.Actor, &r.Action, &r.SubjectKind, &r.Subject, &purpose, &detail, &request, &r.mac, db.Int(&r.Position), &r.Link)
	r.Purpose, r.RequestID, r.Null.Purpose, r.Null.RequestID = purpose.String, request.String, !purpose.Valid, !request.Valid
	r.Detail = json.RawMessage(detail)
	r.Genuine = err == nil && l.signer.Verify(r.mac, r.message())
	return r, err
}

// after is the link of a row that stands behind another: SHA-256 over the link before it, where it stands, every column with its length, and
// the writer's MAC. No key is needed, so that whoever holds an export can follow the chain.
func (r *Linked) after(before []byte) []byte {
	b := append(make([]byte, 0, 512+len(r.Detail)), "audit-chain/1"...)
	b = append(binary.BigEndian.AppendUint64(b, uint64(len(before))), before...)
	b = binary.BigEndian.AppendUint64(b, uint64(r.Position))
	b = binary.BigEndian.AppendUint64(b, uint64(r.N))
	for _, null := range []bool{r.Null.Purpose, r.Null.RequestID} {
		if null {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
	}
	for _, part := range [][]byte{r.message(), r.mac} {
		b = append(binary.BigEndian.AppendUint64(b, uint64(len(part))), part...)
	}
	sum := sha256.Sum256(b)
	return sum[:]
}

// Chain lists linked rows in the order of the chain, after a position; rows that are not linked yet are not among them. A limit outside
// 1…1000 is 100.
func (l *Log) Chain(tx *db.Tx, after int64, limit int) ([]Linked, error) {
	if limit < 1 || limit > 1000 {
		limit = 100
	}
	return db.All(tx, l.scanLinked, `select `+linkColumns+` from audit_log where position > $1 order by position limit $2`, after, limit)
}

// Standing is how far the chain has come.
type Standing struct {
	Head     Head
	LinkedAt time.Time // when the linker last did something
	Unlinked int64     // rows that wait
	Oldest   time.Time // of those
}

// Stand says how far the chain has come.
func Stand(tx *db.Tx) (st Standing, err error) {
	var link []byte
	if err = tx.QueryRow(`select position, link, linked_at from audit_head where name = 'main'`).Scan(&st.Head.Position, &link, db.Time(&st.LinkedAt)); err != nil {
		return st, err
	}
	st.Head.Link = hex.EncodeToString(link)
	err = tx.QueryRow(`select count(*), min(at) from audit_log where position is null`).Scan(&st.Unlinked, db.Time(&st.Oldest))
	return st, err
}

func number(s db.Scanner) (n int64, err error) {
	err = s.Scan(&n)
	return n, err
}

// MAC is the code that the writer put on the row.
func (r *Row) MAC() []byte { return r.mac }
