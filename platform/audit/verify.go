package audit

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/outbox"
)

// verifyLimit is how many rows one look at the database takes: readers are short.
const verifyLimit = 1000

// Report is what a look at the whole log found.
type Report struct {
	Linked   int64     `json:"linked" doc:"Rows that are proven to stand where they were put, unchanged"`
	Head     Head      `json:"head" doc:"Where the proven part ends: note it down elsewhere, and ask for it the next time"`
	Heads    int64     `json:"heads" doc:"Ends of the chain that were published or noted down, and agree"`
	Unlinked int64     `json:"unlinked" doc:"Rows written so lately that the chain does not hold them yet; each by itself is unchanged"`
	Oldest   time.Time `json:"oldest_unlinked,omitzero"`
	Broken   *Broken   `json:"broken,omitempty"`
}

// Broken is the first thing that is not as it was written.
type Broken struct {
	Position int64  `json:"position" doc:"In the chain; 0 for what is not in it"`
	N        int64  `json:"n,omitempty" doc:"Of the row"`
	ID       string `json:"id,omitempty" doc:"Of the row"`
	Why      string `json:"why"`
}

// Verify walks through the whole log and says whether anything was changed, taken away, put in or moved, and what the first such thing is.
// known are heads that somebody noted down elsewhere; the published ones are looked up. It reads in small steps beside those who write.
func (l *Log) Verify(ctx context.Context, d *db.DB, known ...Head) (Report, error) {
	v := &verifier{log: l, heads: map[int64][]string{}}
	for _, h := range known {
		v.heads[h.Position] = append(v.heads[h.Position], h.Link)
		v.last = max(v.last, h.Position)
	}
	if err := v.published(ctx, d); err != nil {
		return v.report, err
	}
	for done := false; !done && v.report.Broken == nil; {
		err := d.Read(ctx, func(tx *db.Tx) (err error) {
			rows, err := l.Chain(tx, v.report.Linked, verifyLimit)
			if err != nil {
				return err
			}
			for _, r := range rows {
				if err := v.row(tx, r); err != nil || v.report.Broken != nil {
					return err
				}
			}
			if done = len(rows) < verifyLimit; !done {
				return nil
			}
			return v.end(tx) // in the same view as the last rows
		})
		if err != nil {
			return v.report, err
		}
	}
	v.report.Head = Head{v.report.Linked, hex.EncodeToString(v.link)}
	if v.report.Broken != nil {
		return v.report, nil
	}
	return v.report, v.tail(ctx, d)
}

type verifier struct {
	log    *Log
	link   []byte // of the last proven row
	heads  map[int64][]string
	last   int64 // position of the last head that is known from outside
	report Report
}

func (v *verifier) broken(position int64, r *Linked, why string, args ...any) {
	b := &Broken{Position: position, Why: fmt.Sprintf(why, args...)}
	if r != nil {
		b.N, b.ID = r.N, r.ID
	}
	v.report.Broken = b
}

// published reads where the chain ended whenever that was told.
func (v *verifier) published(ctx context.Context, d *db.DB) error {
	after := int64(0)
	for {
		var events []outbox.Stored
		err := d.Read(ctx, func(tx *db.Tx) (err error) {
			events, err = outbox.OfType(tx, headAggregate, HeadPublished, after)
			return err
		})
		if err != nil || len(events) == 0 {
			return err
		}
		for _, e := range events {
			h, err := outbox.Decode[Head](e)
			if err != nil {
				return err
			}
			v.heads[h.Position] = append(v.heads[h.Position], h.Link)
			v.last, after = max(v.last, h.Position), e.Seq
		}
	}
}

// row proves the next row.
func (v *verifier) row(tx *db.Tx, r Linked) error {
	want := v.report.Linked + 1
	if r.Position != want {
		return v.missing(tx, want)
	}
	link := r.after(v.link)
	switch {
	case !bytes.Equal(link, r.Link):
		v.broken(want, &r, "the row was changed after it was linked")
		return nil
	case !r.Genuine:
		v.broken(want, &r, "the row was not written by this program: its MAC is wrong")
		return nil
	}
	for _, told := range v.heads[want] {
		if told != hex.EncodeToString(link) {
			v.broken(want, &r, "the chain was written anew: here it ended in another way when that was published")
			return nil
		}
		v.report.Heads++
	}
	v.link, v.report.Linked = link, want
	return nil
}

// missing says what became of the row at a position where there is none: taken away, or moved.
func (v *verifier) missing(tx *db.Tx, position int64) error {
	rows, err := db.All(tx, v.log.scanLinked, `select `+linkColumns+` from audit_log where link is not null and (position is null or position <= 0 or position > $1) order by n limit $2`, position, verifyLimit)
	if err != nil {
		return err
	}
	for _, r := range rows {
		was := r
		was.Position = position
		if bytes.Equal(was.after(v.link), r.Link) {
			v.broken(position, &r, "the row was moved away from its position")
			return nil
		}
	}
	v.broken(position, nil, "the row at this position was taken away")
	return nil
}

// end compares the last row with the head, and looks for what stands outside the chain.
func (v *verifier) end(tx *db.Tx) error {
	h, err := db.One(tx, scanHead, headText)
	if err != nil {
		return err
	}
	switch at := v.report.Linked; {
	case h.position > at:
		return v.missing(tx, at+1)
	case h.position < at || !bytes.Equal(h.link, v.link):
		v.broken(h.position, nil, "the head of the chain was changed: it says %d, the chain ends at %d", h.position, at)
	case at > 0 && !v.log.signer.Verify(h.mac, h.message()):
		v.broken(h.position, nil, "the head of the chain was not written by this program: its MAC is wrong")
	case v.last > at:
		v.broken(v.last, nil, "the chain was cut off: its end at %d was published, it ends at %d", v.last, at)
	}
	if v.report.Broken != nil {
		return nil
	}
	strays, err := db.All(tx, v.log.scanLinked, `select `+linkColumns+` from audit_log where position <= 0 or position is null and link is not null order by n limit 1`)
	if err != nil || len(strays) == 0 {
		return err
	}
	v.broken(0, &strays[0], "the row stands outside the chain")
	return nil
}

// tail looks at the rows that are not linked yet, each by itself.
func (v *verifier) tail(ctx context.Context, d *db.DB) error {
	after := int64(0)
	for {
		var rows []Linked
		err := d.Read(ctx, func(tx *db.Tx) (err error) {
			rows, err = db.All(tx, v.log.scanLinked, `select `+linkColumns+` from audit_log where position is null and link is null and n > $1 order by n limit $2`, after, verifyLimit)
			return err
		})
		if err != nil || len(rows) == 0 {
			return err
		}
		for _, r := range rows {
			if !r.Genuine {
				v.broken(0, &r, "the row was changed before it was linked, or was not written by this program: its MAC is wrong")
				return nil
			}
			if v.report.Unlinked == 0 {
				v.report.Oldest = r.At
			}
			v.report.Unlinked++
			after = r.N
		}
	}
}

// Exported is one line of an export: what the link is made of, so that the chain can be followed without this program's database or keys.
type Exported struct {
	Position    int64     `json:"position"`
	N           int64     `json:"n"`
	ID          string    `json:"id"`
	At          time.Time `json:"at"`
	Actor       string    `json:"actor"`
	Action      string    `json:"action"`
	SubjectKind string    `json:"subject_kind"`
	Subject     string    `json:"subject"`
	Purpose     *string   `json:"purpose"`
	Detail      string    `json:"detail" doc:"JSON as it was written, to the byte"`
	RequestID   *string   `json:"request_id"`
	MAC         string    `json:"mac"`
	Link        string    `json:"link"`
}

// Export is a row as a line of an export.
func (r *Linked) Export() Exported {
	e := Exported{
		Position: r.Position, N: r.N, ID: r.ID, At: r.At, Actor: r.Actor, Action: r.Action, SubjectKind: r.SubjectKind, Subject: r.Subject, Detail: string(r.Detail),
		MAC: hex.EncodeToString(r.mac), Link: hex.EncodeToString(r.Link),
	}
	if !r.Null.Purpose {
		e.Purpose = &r.Purpose
	}
	if !r.Null.RequestID {
		e.RequestID = &r.RequestID
	}
	return e
}

// Follow follows the chain through an export, line by line, without a key; it starts anywhere. Fault: Invalid, naming the first line that does
// not follow from the one before it, or is not what was noted down.
type Follow struct {
	Known []Head // ends of the chain that were noted down before
	Rows  int64
	Head  Head
	link  []byte
	met   int // of the known
}

// Line takes the next line.
func (f *Follow) Line(line []byte) error {
	var e Exported
	if err := json.Unmarshal(line, &e); err != nil {
		return fault.Wrap(fault.Invalid, err, fmt.Sprintf("line %d of the export cannot be read", f.Rows+1))
	}
	mac, err := hex.DecodeString(e.MAC)
	if err != nil {
		return fault.New(fault.Invalid, "line %d of the export has no MAC that can be read", f.Rows+1)
	}
	link, err := hex.DecodeString(e.Link)
	if err != nil || len(link) == 0 {
		return fault.New(fault.Invalid, "line %d of the export has no link that can be read", f.Rows+1)
	}
	r := Linked{Row: Row{N: e.N, ID: e.ID, At: e.At, Actor: e.Actor, Action: e.Action, SubjectKind: e.SubjectKind, Subject: e.Subject, Detail: json.RawMessage(e.Detail), Position: e.Position, mac: mac}}
	r.Null.Purpose, r.Null.RequestID = e.Purpose == nil, e.RequestID == nil
	if e.Purpose != nil {
		r.Purpose = *e.Purpose
	}
	if e.RequestID != nil {
		r.RequestID = *e.RequestID
	}
	// The first line of an export that begins in the middle has nothing before it to follow from.
	if f.Rows > 0 || e.Position == 1 {
		if e.Position != f.Head.Position+1 || !bytes.Equal(r.after(f.link), link) {
			return fault.New(fault.Invalid, "line %d of the export, row %d (%s), does not follow from the one before it", f.Rows+1, e.N, e.ID)
		}
	}
	for _, h := range f.Known {
		if h.Position != e.Position {
			continue
		}
		if h.Link != hex.EncodeToString(link) {
			return fault.New(fault.Invalid, "line %d of the export, row %d (%s), is not the one that was noted down as position %d", f.Rows+1, e.N, e.ID, h.Position)
		}
		f.met++
	}
	f.Rows, f.link, f.Head = f.Rows+1, link, Head{e.Position, e.Link}
	return nil
}

// End says that there are no more lines. Fault: Invalid for an export without any, or without a row that was noted down: it proves nothing.
func (f *Follow) End() error {
	switch {
	case f.Rows == 0:
		return fault.New(fault.Invalid, "the export is empty: it proves nothing")
	case f.met < len(f.Known):
		return fault.New(fault.Invalid, "the export, which ends at position %d, is without a row that was noted down", f.Head.Position)
	}
	return nil
}
