package payment

import (
	"strconv"
	"strings"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/platform/db"
)

// Of lists the payments and refunds of an order, oldest first, refunds with their lines.
func (s *Service) Of(tx *db.Tx, order string) ([]Payment, []Refund, error) {
	payments, err := s.PaymentsOf(tx, order)
	if err != nil {
		return nil, nil, err
	}
	refunds, err := s.RefundsOf(tx, order)
	return payments, refunds, err
}

// PaymentsOf lists the payments of an order, oldest first.
func (s *Service) PaymentsOf(tx *db.Tx, order string) ([]Payment, error) {
	return db.All(tx, scan, `select `+columns+` from order_payments p where p.order_id = $1 order by p.id`, order)
}

// RefundsOf lists the refunds of an order, oldest first, with their lines.
func (s *Service) RefundsOf(tx *db.Tx, order string) ([]Refund, error) {
	refunds, err := db.All(tx, scanRefund, `select `+refundColumns+` from refunds r where r.order_id = $1 order by r.id`, order)
	if err != nil {
		return nil, err
	}
	return withLines(tx, refunds)
}

// GetRefund reads one refund with its lines.
func (s *Service) GetRefund(tx *db.Tx, id string) (Refund, error) {
	found, err := db.All(tx, scanRefund, `select `+refundColumns+` from refunds r where r.id = $1`, id)
	if err != nil {
		return Refund{}, err
	}
	if len(found) == 0 {
		return Refund{}, fault.New(fault.NotFound, "there is no refund %s", id)
	}
	found, err = withLines(tx, found)
	return found[0], err
}

func withLines(tx *db.Tx, refunds []Refund) ([]Refund, error) {
	ids := make([]string, len(refunds))
	for i, r := range refunds {
		ids[i] = r.ID
	}
	lines, err := refundLines(tx, ids)
	for i := range refunds {
		refunds[i].Lines = lines[refunds[i].ID]
	}
	return refunds, err
}

// RefundFilter narrows a list of refunds; the zero value is everything.
type RefundFilter struct {
	State  string
	Method string
	Return string
}

// RefundPage is one page of a keyset list; Next is empty at the end.
type RefundPage struct {
	Items []Refund `json:"items"`
	Next  string   `json:"next,omitempty"`
}

// Refunds pages through refunds, newest first, resuming after the last one of the page before.
func (s *Service) Refunds(tx *db.Tx, f RefundFilter, after string, limit int) (RefundPage, error) {
	return refundPage(tx, f, after, limit, "<", "desc")
}

// PayoutList pages through the refunds that people have to pay out to a bank account, a wallet or as store credit, oldest first. PaidOut takes one off it.
func (s *Service) PayoutList(tx *db.Tx, after string, limit int) (RefundPage, error) {
	return refundPage(tx, RefundFilter{State: "intended", Method: Payout}, after, limit, ">", "asc")
}

func refundPage(tx *db.Tx, f RefundFilter, after string, limit int, than, order string) (RefundPage, error) {
	if limit < 1 || limit > 500 {
		limit = 50
	}
	where := []string{"r.id = r.id"}
	var args []any
	add := func(clause string, v string) {
		if v != "" {
			args = append(args, v)
			where = append(where, clause+" $"+strconv.Itoa(len(args)))
		}
	}
	add("r.state =", f.State)
	add("r.method =", f.Method)
	add("r.return_id =", f.Return)
	add("r.id "+than, after)
	seen, args := tx.Within("refunds", "r", args)
	q := `select ` + refundColumns + ` from refunds r where ` + strings.Join(where, " and ") + seen
	args = append(args, limit+1)
	found, err := db.All(tx, scanRefund, q+` order by r.id `+order+` limit $`+strconv.Itoa(len(args)), args...)
	if err != nil {
		return RefundPage{}, err
	}
	p := RefundPage{Items: found}
	if len(found) > limit {
		p.Items, p.Next = found[:limit], found[limit-1].ID
	}
	p.Items, err = withLines(tx, p.Items)
	return p, err
}
