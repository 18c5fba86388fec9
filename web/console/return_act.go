package console

import (
	"slices"
	"strconv"
	"strings"

	"github.com/openclaw-pos/commerce/commerce/returns"
	"github.com/openclaw-pos/commerce/kernel/fault"
	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
	"github.com/openclaw-pos/commerce/web/api"
)

// reason is why a person does something that others will ask about. Fault: Invalid without one.
func (v *visit) reason() (string, error) {
	why := v.form("reason")
	if why == "" || len(why) > 500 {
		return "", fault.Field("reason", "is missing: say why, in up to 500 characters")
	}
	return why, nil
}

// returnDecide decides about a return: what may come, what may not, what is over. Each act says how it is taken back.
func returnDecide(v *visit) error {
	ctx, s, id, at := v.r.Context(), v.Returns, v.id(), v.version()
	undo := func(text, act string) error {
		return v.back(returnPath(id), flash{Text: text, Undo: returnPath(id) + "/decide/" + act})
	}
	act, why := v.r.PathValue("act"), ""
	if act == "decline" || act == "withdraw" || act == "refuse" {
		var err error
		if why, err = v.reason(); err != nil {
			return err
		}
	}
	switch act {
	case "approve":
		if _, err := s.Approve(ctx, id, at, v.actor()); err != nil {
			return err
		}
		return undo(v.T("Approved: the goods may come"), "unapprove")
	case "unapprove":
		_, err := s.Unapprove(ctx, id, at, v.actor())
		return v.returned(err, v.T("It is to be decided again"))
	case "decline":
		if _, err := s.Decline(ctx, id, at, why, v.actor()); err != nil {
			return err
		}
		return undo(v.T("Declined"), "reopen")
	case "withdraw":
		if _, err := s.Withdraw(ctx, id, at, why, v.actor()); err != nil {
			return err
		}
		return undo(v.T("Withdrawn"), "reopen")
	case "reopen":
		_, err := s.Reopen(ctx, id, at, v.actor())
		return v.returned(err, v.T("It is to be decided again"))
	case "close":
		_, err := s.Close(ctx, id, at, v.actor())
		return v.returned(err, v.T("Closed: what has not come stays with the buyer"))
	case "refuse":
		_, err := s.Refuse(ctx, id, at, why, v.actor())
		return v.returned(err, v.T("The money is kept"))
	}
	return fault.New(fault.NotFound, "there is no such decision")
}

// returned ends an act on a return.
func (v *visit) returned(err error, text string) error {
	if err != nil {
		return err
	}
	return v.back(returnPath(v.id()), flash{Text: text})
}

// returnDo is what the warehouse does with what comes back.
func returnDo(v *visit) error {
	ctx, s, id := v.r.Context(), v.Returns, v.id()
	switch v.r.PathValue("act") {
	case "sent":
		if _, err := s.SentBack(ctx, id, v.version(), v.form("carrier"), v.form("tracking"), v.actor()); err != nil {
			return err
		}
		return v.back(returnPath(id), flash{Text: v.T("On the way: the order counts it as coming back"), Undo: returnPath(id) + "/do/not_sent"})
	case "not_sent":
		_, err := s.NotSent(ctx, id, v.version(), v.actor())
		return v.returned(err, v.T("Not sent after all"))
	case "receive":
		return returnReceive(v)
	case "unreceive":
		units, err := v.returnUnits("line-")
		if err == nil {
			_, err = s.Unreceive(ctx, id, v.version(), units, v.actor())
		}
		return v.returned(err, v.T("The receipt is taken back"))
	case "inspect":
		return returnInspect(v)
	case "uninspect":
		_, err := s.Uninspect(ctx, id, v.version(), v.verdicts(), v.actor())
		return v.returned(err, v.T("The inspection is taken back: the goods wait again"))
	}
	return fault.New(fault.NotFound, "there is no such step")
}

// returnUnits reads how many units of each line a form names.
func (v *visit) returnUnits(prefix string) (out []returns.Units, err error) {
	for name := range v.r.PostForm {
		line, ok := strings.CutPrefix(name, prefix)
		if !ok || v.form(name) == "" || v.form(name) == "0" {
			continue
		}
		n, err := v.number(name)
		if err != nil {
			return nil, err
		}
		out = append(out, returns.Units{LineID: line, Quantity: n})
	}
	return out, nil
}

// returnReceive records what came at a location; taking it back is the undo.
func returnReceive(v *visit) error {
	units, err := v.returnUnits("line-")
	if err != nil {
		return err
	}
	if v.form("all") != "" {
		units = nil
	} else if len(units) == 0 {
		return fault.Field("line", "scan what came, or type how many units of each item")
	}
	return v.receive(returns.Receipt{Lines: units, Actor: v.actor()})
}

func (v *visit) receive(got returns.Receipt) error {
	var before returns.RMA
	err := v.read(func(tx *db.Tx) (err error) {
		if before, err = v.Returns.Get(tx, v.id()); err != nil {
			return err
		}
		if got.Location = before.Location; v.form("at") == "" {
			return nil
		}
		l, err := v.Inventory.LocationByCode(tx, v.form("at"))
		got.Location = l.ID
		if err != nil {
			return err
		}
		return sees(tx, access.Locations, l.ID)
	})
	if err != nil {
		return err
	}
	after, err := v.Returns.Receive(v.r.Context(), before.ID, v.version(), got)
	if err != nil {
		return err
	}
	back := map[string]string{}
	for i, l := range after.Lines {
		if i < len(before.Lines) && l.Received > before.Lines[i].Received {
			back["line-"+l.LineID] = strconv.FormatInt(l.Received-before.Lines[i].Received, 10)
		}
	}
	return v.back(returnPath(before.ID), flash{Text: v.T("Received: it waits for inspection"), Undo: returnPath(before.ID) + "/do/unreceive", With: back})
}

// returnScan receives one unit by its code, where no script counts the scans on the page.
func returnScan(v *visit) error {
	code := v.form("code")
	p, err := v.returnPage()
	if err != nil {
		return err
	}
	for _, l := range p.Rows {
		for c := range strings.FieldsSeq(l.Codes) {
			if c == code && l.Missing > 0 {
				return v.receive(returns.Receipt{Lines: []returns.Units{{LineID: l.LineID, Quantity: 1}}, Actor: v.actor()})
			}
		}
	}
	return fault.Field("code", "%q is none of the items that are still to come", code)
}

// returnInspect decides unit by unit what becomes of goods that came.
func returnInspect(v *visit) error {
	verdicts := v.verdicts()
	if len(verdicts) == 0 {
		return fault.Field("unit", "choose for at least one unit what becomes of it")
	}
	if _, err := v.Returns.Inspect(v.r.Context(), v.id(), v.version(), verdicts, v.actor()); err != nil {
		return err
	}
	with := map[string]string{}
	for _, g := range verdicts {
		with["verdict-"+g.LineID+"-"+string(g.Disposition)] = strconv.FormatInt(g.Quantity, 10)
	}
	return v.back(returnPath(v.id()), flash{Text: v.T("Inspected: stock follows"), Undo: returnPath(v.id()) + "/do/uninspect", With: with})
}

// verdicts reads what becomes of units: each unit's own (unit-LINE-3=sellable), or how many (verdict-LINE-sellable=2).
func (v *visit) verdicts() (out []returns.Verdict) {
	count := map[[2]string]int64{}
	for name, values := range v.r.PostForm {
		kind, rest, _ := strings.Cut(name, "-")
		line, last, _ := cutLast(rest, "-")
		switch kind {
		case "unit":
			if len(values) > 0 && values[0] != "" {
				count[[2]string{line, clean(values[0])}]++
			}
		case "verdict":
			if n, err := strconv.ParseInt(v.form(name), 10, 64); err == nil && n > 0 {
				count[[2]string{line, last}] += n
			}
		}
	}
	for k, n := range count {
		out = append(out, returns.Verdict{LineID: k[0], Quantity: n, Disposition: returns.Disposition(k[1])})
	}
	return out
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// returnMoney gives money back, or something else for it.
func returnMoney(v *visit) error {
	ctx, s, id := v.r.Context(), v.Returns, v.id()
	switch v.r.PathValue("act") {
	case "refund":
		return returnRefund(v)
	case "paid":
		return returnPaid(v)
	case "waive":
		why, err := v.reason()
		if err == nil {
			_, err = s.Waive(ctx, id, v.version(), why, v.actor())
		}
		return v.returned(err, v.T("Noted: the buyer does without the money"))
	case "owe":
		why, err := v.reason()
		if err == nil {
			_, err = s.Owe(ctx, id, v.version(), why, v.actor())
		}
		return v.returned(err, v.T("The money is due again"))
	case "exchange":
		return returnExchange(v)
	case "unexchange":
		_, err := s.Unexchange(ctx, id, v.version(), v.actor())
		return v.returned(err, v.T("The replacement is taken back"))
	}
	return fault.New(fault.NotFound, "there is no such step")
}

// returnRefund gives back what is due, or less; never more than is shown.
func returnRefund(v *visit) error {
	var r returns.RMA
	if err := v.read(func(tx *db.Tx) (err error) { r, err = v.Returns.Get(tx, v.id()); return err }); err != nil {
		return err
	}
	pay := returns.Paying{Reason: v.form("reason"), Actor: v.actor()}
	if v.form("method") == "payout" {
		pay.Method = "payout"
	}
	most := money.Of(r.RefundDue-r.Refunded, r.Currency)
	if text := v.form("amount"); text != "" {
		a, err := money.ParseLoose(text, r.Currency)
		if err != nil || a.Sign() <= 0 {
			return fault.Field("amount", "is an amount such as %s", most.Decimal())
		}
		if a.Minor > most.Minor {
			return fault.Field("amount", "is more than the %s that may go back", most)
		}
		if a.Minor < most.Minor {
			pay.Amount = a.Minor
		}
	}
	_, err := v.Returns.Refund(v.r.Context(), r.ID, v.version(), pay)
	if fault.CodeOf(err) == api.SecondPerson {
		ask := map[string]any{"reason": pay.Reason}
		if pay.Method != "" {
			ask["method"] = pay.Method
		}
		if pay.Amount != 0 {
			ask["amount"] = map[string]string{"amount": money.Of(pay.Amount, r.Currency).Decimal(), "currency": r.Currency}
		}
		return v.asked(returnPath(r.ID), v.Do(v.r.Context(), v.who, post, "/returns/"+r.ID+"/refund", v.match(), ask, nil), v.T("The refund is under way"))
	}
	if err != nil {
		return err
	}
	return v.back(returnPath(r.ID), flash{Text: v.T("The refund is under way")})
}

// returnPaid says that a refund on the payout list was paid out, under the bank's or wallet's reference.
func returnPaid(v *visit) error {
	id, reference := v.form("refund"), v.form("reference")
	var r returns.RMA
	if err := v.read(func(tx *db.Tx) (err error) { r, err = v.Returns.Get(tx, v.id()); return err }); err != nil {
		return err
	}
	if !slices.Contains(r.Detail.Refunds, id) {
		return fault.Field("refund", "is none of this return")
	}
	err := v.Do(v.r.Context(), v.who, post, "/refunds/"+id+"/paid-out", "", map[string]string{"reference": reference}, nil)
	return v.asked(returnPath(r.ID), err, v.T("Noted: the money was paid out"))
}

// returnExchange orders what the buyer gets instead; taking it back is the undo.
func returnExchange(v *visit) error {
	var lines []returns.Replacement
	err := v.read(func(tx *db.Tx) (err error) { lines, err = v.replacements(tx); return err })
	if err != nil {
		return err
	}
	if _, err := v.Returns.Exchange(v.r.Context(), v.id(), v.version(), lines, 0, v.actor()); err != nil {
		return err
	}
	return v.back(returnPath(v.id()), flash{Text: v.T("The replacement is ordered"), Undo: returnPath(v.id()) + "/money/unexchange"})
}

// replacements reads what a buyer gets instead: SKUs with quantities beside them. Fault: Invalid for one that nobody knows.
func (v *visit) replacements(tx *db.Tx) (out []returns.Replacement, err error) {
	counts := v.r.PostForm["quantity"]
	for i, sku := range v.r.PostForm["sku"] {
		if sku = clean(sku); sku == "" {
			continue
		}
		variant, err := v.Catalog.BySKU(tx, sku)
		if err != nil {
			return nil, fault.Field("sku", "there is no item %q", sku)
		}
		n := int64(1)
		if i < len(counts) && clean(counts[i]) != "" {
			if n, err = strconv.ParseInt(clean(counts[i]), 10, 64); err != nil || n < 1 || n > 1_000_000 {
				return nil, fault.Field("quantity", "is a number from 1 on")
			}
		}
		out = append(out, returns.Replacement{Variant: variant.ID, Quantity: n})
	}
	return out, nil
}
