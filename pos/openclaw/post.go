package openclaw

import (
	"context"
	"encoding/json"
	"math/big"
	"net/http"
	"strconv"
	"strings"

	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/pos"
)

// create inserts a row once. The core has no upsert: a repeat of an id fails like any other insert, so a refusal is followed by a look whether the row is there.
func (c *core) create(ctx context.Context, path string, doc map[string]any) error {
	a, refused := c.call(ctx, http.MethodPost, path, doc)
	if !fault.Is(refused, fault.Refused) {
		return refused
	}
	rows, complete, err := c.rows(ctx, path)
	if err != nil {
		return err
	}
	id, _ := doc["id"].(string)
	for _, r := range rows {
		if r.text("id") != id {
			continue
		}
		if field := differs(doc, r); field != "" {
			return fault.New(fault.Conflict, "%s is in the POS core with another %s", id, field).WithCode("id_taken")
		}
		return nil
	}
	switch {
	case complete:
		return refused
	case strings.Contains(a.Detail, "UNIQUE constraint failed") && strings.Contains(a.Detail, ".id"):
		return nil // D1 names the column: our id is there, behind what the list shows
	}
	return &fault.Error{Kind: fault.OutcomeUnknown, Message: "the POS core refused a document that it may hold already, further back than it shows", Code: "not_shown", Err: refused}
}

// differs names the first field in which a row is not what we posted. Numbers are compared to half a ten-thousandth, since the columns are reals; what people
// at the core move on, the statuses, is theirs.
func differs(doc map[string]any, r row) string {
	for name, want := range doc {
		got, there := r[name]
		if !there || want == nil || name == "restock_to_inventory" || strings.HasSuffix(name, "_status") {
			continue
		}
		if n, ok := want.(json.Number); ok {
			a, okA := rational(n.String())
			b, okB := rational(r.text(name))
			if !okA || !okB || new(big.Rat).Abs(a.Sub(a, b)).Cmp(big.NewRat(1, 20000)) > 0 {
				return name
			}
			continue
		}
		if text, ok := want.(string); ok && text != r.text(name) && got != nil {
			return name
		}
	}
	return ""
}

// number is an amount as the core wants it: a number of major units.
func number(a money.Amount) json.Number {
	if a.IsNone() {
		return "0"
	}
	return json.Number(a.Decimal())
}

func pieces(n int64) json.Number { return json.Number(strconv.FormatInt(n, 10)) }

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// PostSale implements pos.Core: the receipt, then its lines, then its payments, each under its own id, so that a repeat goes on where the first one stopped.
func (c *core) PostSale(ctx context.Context, s pos.Sale) error {
	if err := s.Check(); err != nil {
		return err
	}
	err := c.create(ctx, "/sales-receipts", map[string]any{
		"id": s.ID, "receipt_no": s.Number, "branch_id": s.Branch, "till_id": text(s.Till), "customer_id": text(s.Customer), "currency_code": s.Currency,
		"business_date": s.Date, "subtotal_amount": number(s.Subtotal), "tax_amount": number(s.Tax), "discount_amount": number(s.Discount), "total_amount": number(s.Total),
		"payment_status": s.Status,
	})
	for i := 0; err == nil && i < len(s.Lines); i++ {
		err = c.create(ctx, "/sales-receipt-lines", line("sales_receipt_id", s.ID, s.Lines[i]))
	}
	for i := 0; err == nil && i < len(s.Payments); i++ {
		p := s.Payments[i]
		err = c.create(ctx, "/sales-receipt-payments", map[string]any{
			"id": p.ID, "sales_receipt_id": s.ID, "payment_method_id": p.Method, "amount": number(p.Amount), "settlement_status": p.Settlement,
		})
	}
	return err
}

func line(parent, id string, l pos.SaleLine) map[string]any {
	return map[string]any{
		"id": l.ID, parent: id, "sku_code": l.SKU, "quantity": pieces(l.Quantity), "unit_price": number(l.UnitPrice), "line_total": number(l.Total),
	}
}

// PostMovement implements pos.Core. The core adds the delta to the branch's stock in the same batch.
func (c *core) PostMovement(ctx context.Context, m pos.Movement) error {
	if err := m.Check(); err != nil {
		return err
	}
	doc := map[string]any{
		"id": m.ID, "movement_code": m.Code, "sku_code": m.SKU, "branch_id": m.Branch, "movement_type": string(m.Type), "quantity_delta": pieces(m.Delta),
		"business_date": m.Date, "reference_type": text(m.RefType), "reference_id": text(m.RefID),
	}
	if !m.UnitCost.IsNone() {
		doc["unit_cost"] = number(m.UnitCost)
	}
	return c.create(ctx, "/inventory-movements", doc)
}

// PostReturn implements pos.Core. Lines are posted without restocking: the core would add the stock to the branch of the return, which is the online branch, and under an
// id of its own that we could not recognise. The stock comes back by a Movement.
func (c *core) PostReturn(ctx context.Context, r pos.Return) error {
	if err := r.Check(); err != nil {
		return err
	}
	err := c.create(ctx, "/sales-returns", map[string]any{
		"id": r.ID, "return_no": r.Number, "branch_id": r.Branch, "currency_code": r.Currency, "business_date": r.Date, "original_sales_receipt_id": text(r.Sale),
		"return_reason": text(r.Reason), "return_status": r.Status, "approval_status": text(r.Approval), "subtotal_amount": number(r.Subtotal), "tax_amount": number(r.Tax),
		"total_amount": number(r.Total),
	})
	for i := 0; err == nil && i < len(r.Lines); i++ {
		doc := line("sales_return_id", r.ID, r.Lines[i])
		doc["restock_to_inventory"] = 0
		err = c.create(ctx, "/sales-return-lines", doc)
	}
	return err
}

// PostRefund implements pos.Core.
func (c *core) PostRefund(ctx context.Context, r pos.Refund) error {
	if err := r.Check(); err != nil {
		return err
	}
	return c.create(ctx, "/sales-refunds", map[string]any{
		"id": r.ID, "sales_return_id": r.Return, "payment_method_id": r.Method, "amount": number(r.Amount), "reference_no": text(r.Number), "refund_status": r.Status,
	})
}
