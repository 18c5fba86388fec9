package api

import (
	"context"
	"net/http"

	"github.com/openclaw-pos/commerce/commerce/order"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/audit"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/platform/privacy"
)

// Personal is what is kept of the person behind an order.
type Personal struct {
	OrderID string  `json:"order_id"`
	Number  string  `json:"number"`
	Buyer   Person  `json:"buyer"`
	ShipTo  Address `json:"ship_to"`
	BillTo  Address `json:"bill_to"`
	Note    string  `json:"note,omitempty"`
	// Lines are what the buyer asked of single lines: an engraving, a message on a card.
	Lines []LineNote `json:"lines,omitempty"`
}

// LineNote is one wish of the buyer about a line.
type LineNote struct {
	External string `json:"external_id" doc:"The channel's id of the line"`
	SKU      string `json:"sku,omitempty"`
	Name     string `json:"name" doc:"What the shop's form calls it; apps begin theirs with an underscore"`
	Value    string `json:"value"`
}

// Person is a buyer.
type Person struct {
	External string `json:"external_id,omitempty"`
	Name     string `json:"name,omitempty"`
	Email    string `json:"email,omitempty"`
	Phone    string `json:"phone,omitempty"`
	Company  string `json:"company,omitempty"`
	TaxID    string `json:"tax_id,omitempty"`
}

// Address is where something goes.
type Address struct {
	Name     string `json:"name,omitempty"`
	Company  string `json:"company,omitempty"`
	Phone    string `json:"phone,omitempty"`
	Phone2   string `json:"phone_2,omitempty"`
	Line1    string `json:"line_1,omitempty"`
	Line2    string `json:"line_2,omitempty"`
	District string `json:"district,omitempty"`
	City     string `json:"city,omitempty"`
	Province string `json:"province,omitempty"`
	Postcode string `json:"postcode,omitempty"`
	Country  string `json:"country,omitempty"`
	Masked   bool   `json:"masked,omitempty" doc:"The channel shows us only part of it"`
}

type personalRead struct {
	One
	Body struct {
		Purpose string `json:"purpose" minLength:"3" maxLength:"200" doc:"Why: it is written down with your name"`
	}
}

type personalErase struct {
	Write
	One
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"500" doc:"Such as the number of the buyer's wish; nothing personal"`
	}
}

func (in personalErase) resource() string { return in.ID }

// erase destroys what is kept of the person behind an order: every reading of the order and every record made of it. The order itself stays.
func (s *Server) erase(ctx context.Context, c *call, in *personalErase) error {
	var v order.View
	if err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
		v, err = s.Order.Get(tx, in.ID)
		return err
	}); err != nil {
		return err
	}
	far, err := s.forgetFar(ctx, privacy.Wish, []privacy.Subject{{Account: v.Account, External: v.External}})
	if err != nil {
		return err
	}
	err = s.DB.Write(ctx, func(tx *db.Tx) error {
		records, err := s.forget(tx, privacy.Wish, []privacy.Subject{{Account: v.Account, External: v.External}})
		if err != nil {
			return err
		}
		return s.Audit.Write(tx, audit.Entry{Actor: c.actor, Action: "personal.erase", SubjectKind: "order", Subject: v.ID, RequestID: c.request, Detail: map[string]any{"reason": in.Body.Reason, "records": far + records}})
	})
	s.forgotten(ctx, err)
	return err
}

// forgetFar destroys what is personal of orders in other zones.
func (s *Server) forgetFar(ctx context.Context, cause string, orders []privacy.Subject) (int, error) {
	if s.ForgetFar == nil {
		return 0, nil
	}
	return s.ForgetFar(ctx, cause, orders)
}

// zones finds the stores of what is personal.
func (s *Server) zones() *privacy.Zones {
	if s.Zones != nil {
		return s.Zones
	}
	return privacy.Alone(s.Privacy)
}

// forget destroys everything personal of orders in the main database.
func (s *Server) forget(tx *db.Tx, cause string, orders []privacy.Subject) (int, error) {
	if s.Forget != nil {
		return s.Forget(tx, cause, orders)
	}
	for _, o := range orders {
		if s.Connect == nil {
			continue
		}
		if err := s.Connect.Erase(tx, o.Account, []string{o.External}); err != nil {
			return 0, err
		}
	}
	return s.Privacy.EraseOrders(tx, cause, orders, nil)
}

// forgotten has what was erased be off the disk and on the list. What fails is done again by the minute.
func (s *Server) forgotten(ctx context.Context, err error) {
	if err != nil || s.Forgotten == nil {
		return
	}
	if err := s.Forgotten(ctx); err != nil {
		s.Log.Error("what was erased is not off the disk yet", "err", err)
	}
}

func lineNotes(v order.View, notes []privacy.LineNote) []LineNote {
	var all []LineNote
	for _, n := range notes {
		one := LineNote{External: n.Line, Name: n.Name, Value: n.Value}
		for i := range v.Lines {
			if v.Lines[i].External == n.Line {
				one.SKU = v.Lines[i].SKU
			}
		}
		all = append(all, one)
	}
	return all
}

// personalRoutes read what is sealed, for a purpose.
func (s *Server) personalRoutes(tag string) {
	if s.Privacy == nil {
		return
	}
	ask(s, route{
		method: http.MethodPost, path: "/orders/{id}/personal", id: "read-personal", title: "Read who bought it and where it goes", tag: tag, scope: access.Write,
		text: "Reading is written down with its purpose. 404 with code erased when it is no more; 403 with code zone_elsewhere when it is kept where this process is not allowed, and with transfer_refused when a rule keeps it there.",
	}, func(ctx context.Context, in *personalRead) (Personal, error) {
		who, _ := access.From(ctx)
		var v order.View
		err := s.DB.Read(ctx, func(tx *db.Tx) (err error) {
			v, err = s.Order.Get(tx, in.ID)
			return err
		})
		p := Personal{OrderID: v.ID, Number: v.Number}
		if err != nil || v.Buyer == "" {
			return p, err
		}
		rec, err := s.zones().Read(ctx, v.Account, v.Buyer, privacy.Reading{Actor: who.Actor(), Purpose: in.Body.Purpose, RequestID: requestOf(ctx).id})
		p.Buyer, p.ShipTo, p.BillTo, p.Note = Person(rec.Person), Address(rec.ShipTo), Address(rec.BillTo), rec.Note
		p.Lines = lineNotes(v, rec.Lines)
		return p, err
	})
	write(s, route{
		path: "/orders/{id}/erase", id: "erase-personal", title: "Destroy what is kept of the person behind an order", tag: tag, scope: access.Admin,
		text: "For good. The order, its money and its goods stay; what its channel says later loses its personal fields. Repeating it changes nothing.",
	}, s.erase, s.showOrder)
}
