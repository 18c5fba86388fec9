package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/exception"
	"github.com/openclaw-pos/commerce/platform/privacy"
)

// BuyerExport is all that is kept of a buyer.
type BuyerExport struct {
	At     time.Time     `json:"at"`
	Orders []BuyersOrder `json:"orders"`
}

// BuyersOrder is an order with what is kept of the person behind it.
type BuyersOrder struct {
	OrderID    string       `json:"order_id,omitempty"`
	Number     string       `json:"number,omitempty"`
	AccountID  string       `json:"account_id"`
	ExternalID string       `json:"external_id"`
	PlacedAt   time.Time    `json:"placed_at,omitzero"`
	State      string       `json:"state,omitempty"`
	Total      money.Amount `json:"total,omitzero"`
	Lines      []BuyersLine `json:"lines"`
	Records    []Personal   `json:"records" doc:"As the channel gave them, one for each time something changed"`
}

// BuyersLine is what was bought.
type BuyersLine struct {
	SKU      string       `json:"sku"`
	Title    string       `json:"title"`
	Quantity int64        `json:"quantity"`
	Total    money.Amount `json:"total"`
}

// BuyerErased says what was erased.
type BuyerErased struct {
	Orders  int `json:"orders"`
	Records int `json:"records"`
}

// BuyerRef says who is meant: exactly one of phone, email, order and request.
type BuyerRef struct {
	Phone   string `json:"phone,omitempty" maxLength:"60"`
	Country string `json:"country,omitempty" maxLength:"2" doc:"Of a phone number without its own, ISO 3166-1"`
	Email   string `json:"email,omitempty" maxLength:"320"`
	Order   string `json:"order,omitempty" maxLength:"200" doc:"Our number or id, or the channel's"`
	Request string `json:"request,omitempty" maxLength:"200" doc:"A channel's request, of the list: it is done with this"`
}

type buyerExport struct {
	Body struct {
		BuyerRef
		Purpose string `json:"purpose" minLength:"3" maxLength:"200" doc:"Why: it is written down with your name"`
	}
}

type buyerErase struct {
	Write
	Body struct {
		BuyerRef
		Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"Such as the number of the buyer's wish; nothing personal"`
	}
}

type backupRecord struct {
	Write
	Body struct {
		Backup   string    `json:"backup" minLength:"1" maxLength:"100"`
		Act      string    `json:"act" enum:"taken,restored"`
		TakenAt  time.Time `json:"taken_at"`
		Verified bool      `json:"verified,omitempty"`
		Rows     int64     `json:"rows,omitempty" minimum:"0" maximum:"1000000000000"`
		Erased   int64     `json:"erased,omitempty" minimum:"0" maximum:"1000000000000"`
	}
}

// BackupNoted is a backup as the audit log has it.
type BackupNoted struct {
	Backup string `json:"backup"`
}

// atOnce is how many orders of one buyer are found, and erased, in one transaction.
const atOnce = 200

// subjects finds the orders of a buyer, newest first; more says that there may be others.
func (s *Server) subjects(tx *db.Tx, who BuyerRef) (all []privacy.Subject, more bool, err error) {
	given := 0
	for _, v := range []string{who.Phone, who.Email, who.Order, who.Request} {
		if v != "" {
			given++
		}
	}
	if given != 1 {
		return nil, false, fault.New(fault.Invalid, "say one of phone, email, order and request")
	}
	if who.Order != "" {
		v, err := s.Order.Get(tx, who.Order)
		return []privacy.Subject{{Account: v.Account, External: v.External}}, false, err
	}
	if who.Request != "" {
		r, err := s.Privacy.RequestOf(tx, who.Request)
		return r.Subjects(), false, err
	}
	var found []privacy.Match
	if who.Phone != "" {
		found, err = s.Privacy.FindPhone(tx, who.Phone, who.Country, 10*atOnce)
	} else {
		found, err = s.Privacy.FindEmail(tx, who.Email, 10*atOnce)
	}
	for _, m := range found {
		if o := (privacy.Subject{Account: m.Account, External: m.External}); !slices.Contains(all, o) && len(all) < atOnce {
			all = append(all, o)
		}
	}
	return all, len(all) == atOnce || len(found) == 10*atOnce, err
}

// exportBuyer reads all that is kept of a buyer; every record read is in the audit log before it is shown.
func (s *Server) exportBuyer(ctx context.Context, in *buyerExport) (BuyerExport, error) {
	who, _ := access.From(ctx)
	out := BuyerExport{Orders: []BuyersOrder{}}
	ids := map[string][]string{} // records by order
	var all []string
	err := s.DB.Read(ctx, func(tx *db.Tx) error {
		out.At = tx.Now
		subjects, _, err := s.subjects(tx, in.Body.BuyerRef)
		if err != nil {
			return err
		}
		out.Orders = out.Orders[:0]
		for _, o := range subjects {
			b, err := s.buyersOrder(tx, o)
			if err != nil {
				return err
			}
			records, err := s.Privacy.RecordsOf(tx, o)
			if err != nil {
				return err
			}
			ids[o.Account+" "+o.External] = records
			all = append(all, records...)
			out.Orders = append(out.Orders, b)
		}
		return nil
	})
	if err == nil && len(out.Orders) == 0 && in.Body.Request == "" {
		err = fault.New(fault.NotFound, "nothing is kept of this buyer")
	}
	if err != nil {
		return out, err
	}
	opened, err := s.Privacy.ReadAll(ctx, all, privacy.Reading{Actor: who.Actor(), Purpose: "export: " + in.Body.Purpose, RequestID: requestOf(ctx).id})
	for i := range out.Orders {
		o := &out.Orders[i]
		for _, id := range ids[o.AccountID+" "+o.ExternalID] {
			if rec, there := opened[id]; there {
				o.Records = append(o.Records, Personal{
					OrderID: o.OrderID, Number: o.Number, Buyer: Person(rec.Person), ShipTo: Address(rec.ShipTo), BillTo: Address(rec.BillTo), Note: rec.Note,
				})
			}
		}
	}
	if err != nil || in.Body.Request == "" {
		return out, err
	}
	return out, s.DB.Write(ctx, func(tx *db.Tx) error { return s.requestDone(tx, in.Body.Request, 0, who.Actor()) })
}

// requestDone ends a channel's request that a person carried out, with its case.
func (s *Server) requestDone(tx *db.Tx, id string, erased int, by string) error {
	if err := s.Privacy.Done(tx, id, int64(erased)); err != nil {
		return err
	}
	return exception.Clear(tx, by, "carried out", exception.Key{Cause: exception.PrivacyRequest, SubjectKind: "privacy", Subject: id})
}

// buyersOrder reads an order, if it is one of ours.
func (s *Server) buyersOrder(tx *db.Tx, o privacy.Subject) (BuyersOrder, error) {
	b := BuyersOrder{AccountID: o.Account, ExternalID: o.External, Lines: []BuyersLine{}, Records: []Personal{}}
	found, err := s.Order.ByExternal(tx, o.Account, []string{o.External})
	if err != nil || found[o.External] == "" {
		return b, err
	}
	v, err := s.Order.Get(tx, found[o.External])
	b.OrderID, b.Number, b.PlacedAt, b.State, b.Total = v.ID, v.Number, v.PlacedAt, string(v.State), v.Totals.Total
	for _, l := range v.Lines {
		b.Lines = append(b.Lines, BuyersLine{l.SKU, l.Title, l.Ordered, v.Amount(l.Total)})
	}
	return b, err
}

// eraseBuyer destroys all that is kept of a buyer, some orders at a time.
func (s *Server) eraseBuyer(ctx context.Context, c *call, in *buyerErase) error {
	var sum BuyerErased
	var err error
	for more := true; more && err == nil; {
		var orders, records int
		err = s.DB.Write(ctx, func(tx *db.Tx) error {
			all, rest, err := s.subjects(tx, in.Body.BuyerRef)
			if err != nil {
				return err
			}
			more = rest
			if in.Body.Request != "" {
				if err := s.requestDone(tx, in.Body.Request, len(all), c.actor); err != nil {
					return err
				}
			}
			if orders = len(all); orders == 0 {
				return nil
			}
			if records, err = s.forget(tx, privacy.Wish, all); err != nil {
				return err
			}
			entries := make([]audit.Entry, len(all))
			for i, o := range all {
				entries[i] = audit.Entry{
					Actor: c.actor, Action: "personal.erase", SubjectKind: "channel_order", Subject: o.Account + " " + o.External, RequestID: c.request,
					Detail: map[string]any{"reason": in.Body.Reason},
				}
			}
			return s.Audit.Write(tx, entries...)
		})
		sum.Orders, sum.Records = sum.Orders+orders, sum.Records+records
	}
	c.about(fmt.Sprintf("%d %d", sum.Orders, sum.Records))
	s.forgotten(ctx, err)
	if err == nil && sum.Orders == 0 && in.Body.Request == "" {
		err = fault.New(fault.NotFound, "nothing is kept of this buyer")
	}
	return err
}

func (s *Server) showErased(_ *db.Tx, resource string) (e BuyerErased, err error) {
	_, err = fmt.Sscan(resource, &e.Orders, &e.Records)
	return e, err
}

// PrivacyStatus says how it stands with personal data.
type PrivacyStatus struct {
	Lookup     privacy.Rehash `json:"lookup" doc:"Replacing the key by which buyers are found"`
	ScrubbedAt time.Time      `json:"scrubbed_at,omitzero" doc:"When destroyed keys were last taken off the disk"`
	Scrub      privacy.Scrub  `json:"scrub" doc:"How it stands with that"`
	Open       int            `json:"open_requests" doc:"Of channels, up to 1000"`
}

func (s *Server) privacyStatus(tx *db.Tx, _ *struct{}) (st PrivacyStatus, err error) {
	if st.Lookup, err = s.Privacy.Progress(tx); err != nil {
		return st, err
	}
	all, err := s.Privacy.Requests(tx, "", 1000)
	if err != nil {
		return st, err
	}
	for _, r := range all {
		if r.State == "open" {
			st.Open++
		}
	}
	st.Scrub, err = s.Privacy.Scrub(tx)
	st.ScrubbedAt = st.Scrub.At
	return st, err
}

// privacyRoutes are wishes of buyers, and backups.
func (s *Server) privacyRoutes() {
	if s.Privacy == nil {
		return
	}
	ask(s, route{
		method: http.MethodPost, path: "/personal/export", id: "export-buyer", title: "Export all that is kept of a buyer", tag: "privacy", scope: access.Admin,
		text: "The buyer is found by an exact phone number or e-mail address, or as the one behind an order. Every record read is written down with its purpose. 404 when nothing is kept.",
	}, s.exportBuyer)
	write(s, route{
		path: "/personal/erase", id: "erase-buyer", title: "Destroy all that is kept of a buyer", tag: "privacy", scope: access.Admin, outside: true,
		text: "For good: later readings, replays and restored backups do not bring it back. The orders, their money and their goods stay. 404 when nothing is kept.",
	}, s.eraseBuyer, s.showErased)
	read(s, route{
		path: "/personal/requests", id: "list-privacy-requests", title: "What channels asked about buyers' data", tag: "privacy", scope: access.Admin,
		text: "Newest first. Erasures are carried out by themselves as soon as an order is finished; an export waits for a person.",
	}, func(tx *db.Tx, in *Paging) (Page[privacy.Request], error) {
		all, err := s.Privacy.Requests(tx, in.After, in.Limit+1)
		return page(all, in.Limit, func(r privacy.Request) string { return r.ID }), err
	})
	read(s, route{path: "/personal", id: "privacy-status", title: "How it stands with personal data", tag: "privacy", scope: access.Admin}, s.privacyStatus)
	write(s, route{
		path: "/personal/rotate-lookup", id: "rotate-lookup", title: "Replace the key by which buyers are found", tag: "privacy", scope: access.Admin, outside: true,
		text: "Every record is hashed anew in the background, and buyers are found all the while; then the old key is destroyed. 409 while it is being replaced.",
	}, func(ctx context.Context, c *call, _ *struct{ Write }) error {
		c.about("lookup")
		return s.Privacy.StartRehash(ctx, c.actor, c.request)
	}, func(tx *db.Tx, _ string) (privacy.Rehash, error) { return s.Privacy.Progress(tx) })
	write(s, route{
		path: "/backups", id: "record-backup", title: "Write down that a backup was taken or restored", tag: "privacy", scope: access.Admin,
		text: "The command line makes backups itself, since it writes files; this leaves the row in the audit log.",
	}, func(ctx context.Context, c *call, in *backupRecord) error {
		b := in.Body
		c.about(b.Backup)
		return s.DB.Write(ctx, func(tx *db.Tx) error {
			return s.Audit.Write(tx, audit.Entry{
				Actor: c.actor, Action: "backup." + b.Act, SubjectKind: "backup", Subject: strings.ToLower(b.Backup), RequestID: c.request,
				Detail: map[string]any{"taken_at": b.TakenAt.UTC(), "verified": b.Verified, "rows": b.Rows, "erased": b.Erased},
			})
		})
	}, func(_ *db.Tx, resource string) (BackupNoted, error) { return BackupNoted{resource}, nil })
}
