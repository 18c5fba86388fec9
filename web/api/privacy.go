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
	At       time.Time     `json:"at"`
	Orders   []BuyersOrder `json:"orders"`
	NotAsked []string      `json:"not_asked,omitempty" doc:"Residency zones that could not be asked: more may be kept there"`
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
	Orders   int      `json:"orders"`
	Records  int      `json:"records"`
	NotAsked []string `json:"not_asked,omitempty" doc:"Residency zones that could not be asked: more may be kept there"`
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

// buyers are the orders of a buyer, newest first.
type buyers struct {
	orders   []privacy.Subject
	more     bool     // there may be others
	notAsked []string // zones
}

// subjects finds the orders of a buyer.
func (s *Server) subjects(ctx context.Context, who BuyerRef) (out buyers, err error) {
	given := 0
	for _, v := range []string{who.Phone, who.Email, who.Order, who.Request} {
		if v != "" {
			given++
		}
	}
	if given != 1 {
		return out, fault.New(fault.Invalid, "say one of phone, email, order and request")
	}
	if who.Order != "" || who.Request != "" {
		err = s.DB.Read(ctx, func(tx *db.Tx) error {
			if who.Request != "" {
				r, err := s.Privacy.RequestOf(tx, who.Request)
				out.orders = r.Subjects()
				return err
			}
			v, err := s.Order.Get(tx, who.Order)
			out.orders = []privacy.Subject{{Account: v.Account, External: v.External}}
			return err
		})
		return out, err
	}
	var found privacy.Found
	if who.Phone != "" {
		found, err = s.zones().FindPhone(ctx, who.Phone, who.Country, 10*atOnce)
	} else {
		found, err = s.zones().FindEmail(ctx, who.Email, 10*atOnce)
	}
	for _, m := range found.Matches {
		if o := (privacy.Subject{Account: m.Account, External: m.External}); !slices.Contains(out.orders, o) && len(out.orders) < atOnce {
			out.orders = append(out.orders, o)
		}
	}
	out.more, out.notAsked = len(out.orders) == atOnce || len(found.Matches) >= 10*atOnce, found.NotAsked
	return out, err
}

// recordsOf lists the records of orders, by account and then by order; zones that cannot be asked are named.
func (s *Server) recordsOf(ctx context.Context, orders []privacy.Subject) (all map[string]map[string][]string, notAsked []string, err error) {
	all = map[string]map[string][]string{}
	for _, o := range orders {
		store, err := s.zones().Store(ctx, o.Account)
		var ids []string
		if err == nil {
			err = store.Look(ctx, func(tx *db.Tx) (err error) {
				ids, err = store.RecordsOf(tx, o)
				return err
			})
		}
		switch {
		case fault.CodeOf(err) == privacy.Elsewhere, fault.Temporary(err) && store != s.Privacy:
			zone, err := s.zones().ZoneOf(ctx, o.Account)
			if err != nil {
				return nil, nil, err
			}
			if !slices.Contains(notAsked, zone) {
				notAsked = append(notAsked, zone)
			}
			continue
		case err != nil:
			return nil, nil, err
		}
		if all[o.Account] == nil {
			all[o.Account] = map[string][]string{}
		}
		all[o.Account][o.External] = ids
	}
	return all, notAsked, nil
}

// exportBuyer reads all that is kept of a buyer; every record read is in the audit log before it is shown.
func (s *Server) exportBuyer(ctx context.Context, in *buyerExport) (BuyerExport, error) {
	who, _ := access.From(ctx)
	out := BuyerExport{Orders: []BuyersOrder{}}
	found, err := s.subjects(ctx, in.Body.BuyerRef)
	if err != nil {
		return out, err
	}
	ids, away, err := s.recordsOf(ctx, found.orders)
	if err != nil {
		return out, err
	}
	err = s.DB.Read(ctx, func(tx *db.Tx) error {
		out.At, out.Orders = tx.Now, out.Orders[:0]
		for _, o := range found.orders {
			b, err := s.buyersOrder(tx, o)
			if err != nil {
				return err
			}
			out.Orders = append(out.Orders, b)
		}
		return nil
	})
	if err == nil && len(out.Orders) == 0 && in.Body.Request == "" {
		err = nothingKept(found.notAsked)
	}
	if err != nil {
		return out, err
	}
	byAccount := map[string][]string{}
	for account, orders := range ids {
		for _, records := range orders {
			byAccount[account] = append(byAccount[account], records...)
		}
	}
	opened, missed, err := s.zones().ReadAll(ctx, byAccount, privacy.Reading{Actor: who.Actor(), Purpose: "export: " + in.Body.Purpose, RequestID: requestOf(ctx).id, To: "export"})
	out.NotAsked = slices.Compact(slices.Sorted(slices.Values(slices.Concat(found.notAsked, away, missed))))
	for i := range out.Orders {
		o := &out.Orders[i]
		for _, id := range ids[o.AccountID][o.ExternalID] {
			if rec, there := opened[id]; there {
				o.Records = append(o.Records, Personal{
					OrderID: o.OrderID, Number: o.Number, Buyer: Person(rec.Person), ShipTo: Address(rec.ShipTo), BillTo: Address(rec.BillTo), Note: rec.Note,
				})
			}
		}
	}
	if err != nil || in.Body.Request == "" || len(out.NotAsked) > 0 { // one that was not answered in full stays open
		return out, err
	}
	return out, s.DB.Write(ctx, func(tx *db.Tx) error { return s.requestDone(tx, in.Body.Request, 0, who.Actor()) })
}

// nothingKept says that a buyer was not found, and where nobody looked.
func nothingKept(notAsked []string) error {
	if len(notAsked) == 0 {
		return fault.New(fault.NotFound, "nothing is kept of this buyer")
	}
	return fault.New(fault.NotFound, "nothing is kept of this buyer where this process may look; not asked: zone %s", strings.Join(notAsked, ", "))
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
		var found buyers
		if found, err = s.subjects(ctx, in.Body.BuyerRef); err != nil {
			break
		}
		all := found.orders
		more, sum.NotAsked = found.more, found.notAsked
		far, bad := s.forgetFar(ctx, privacy.Wish, all)
		if err = bad; err != nil {
			break
		}
		var orders, records int
		err = s.DB.Write(ctx, func(tx *db.Tx) (err error) {
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
		sum.Orders, sum.Records = sum.Orders+orders, sum.Records+records+far
	}
	c.about(strings.TrimSpace(fmt.Sprintf("%d %d %s", sum.Orders, sum.Records, strings.Join(sum.NotAsked, " "))))
	s.forgotten(ctx, err)
	if err == nil && sum.Orders == 0 && in.Body.Request == "" {
		err = nothingKept(sum.NotAsked)
	}
	return err
}

func (s *Server) showErased(_ *db.Tx, resource string) (e BuyerErased, err error) {
	_, err = fmt.Sscan(resource, &e.Orders, &e.Records)
	if said := strings.Fields(resource); len(said) > 2 {
		e.NotAsked = said[2:]
	}
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
		return s.zones().Each(ctx, func(store *privacy.Store) error { return store.StartRehash(ctx, c.actor, c.request) })
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
