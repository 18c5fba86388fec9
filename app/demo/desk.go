package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/openclaw-pos/commerce/kernel/money"
	"github.com/openclaw-pos/commerce/platform/access"
	"github.com/openclaw-pos/commerce/platform/db"
)

// The desk is the staff that answers wishes to cancel, takes returns in and gives money back. It works through the API alone, as a console would.

// openDesk makes the key the desk works with.
func (p *play) openDesk(ctx context.Context) error {
	key, _, err := p.app.Access.Create(ctx, access.System("demo"), "demo", []access.Scope{access.Write}, time.Time{})
	p.key = key.Reveal()
	return err
}

// call sends one request to the API. A refusal because somebody else was faster is a status, not an error.
func (p *play) call(ctx context.Context, method, path, tag string, in, out any) (int, string, error) {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return 0, "", err
		}
		body = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, p.url+"/v1"+path, body)
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Authorization", "Bearer "+p.key)
	if method != http.MethodGet {
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Idempotency-Key", db.ID())
		req.Header.Set("If-Match", tag)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, "", err
	}
	switch {
	case res.StatusCode < 300:
		err = json.Unmarshal(text, out)
	case res.StatusCode != http.StatusConflict && res.StatusCode != http.StatusPreconditionFailed:
		err = fmt.Errorf("%s %s answers %d: %s", method, path, res.StatusCode, text)
	}
	return res.StatusCode, res.Header.Get("ETag"), err
}

// act reads a resource and does one of its actions on the version it saw.
func (p *play) act(ctx context.Context, resource, action string, body any) (bool, error) {
	var seen struct{}
	_, tag, err := p.call(ctx, http.MethodGet, resource, "", nil, &seen)
	if err != nil {
		return false, err
	}
	code, _, err := p.call(ctx, http.MethodPost, resource+"/"+action, tag, body, &seen)
	return code < 300, err
}

// list reads every page of a list.
func list[T any](ctx context.Context, p *play, path string) ([]T, error) {
	var all []T
	for after := ""; ; {
		var page struct {
			Items []T    `json:"items"`
			Next  string `json:"next"`
		}
		if _, _, err := p.call(ctx, http.MethodGet, path+"&limit=200&after="+url.QueryEscape(after), "", nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if page.Next == "" {
			return all, nil
		}
		after = page.Next
	}
}

// desk does everything that waits for a decision now, and answers how much it was.
func (p *play) desk(ctx context.Context) (int, error) {
	n := 0
	for _, do := range []func(context.Context) (int, error){p.answerCancels, p.applyChanges, p.takeReturns, p.payOut} {
		m, err := do(ctx)
		if err != nil {
			return n, err
		}
		n += m
	}
	return n, nil
}

// kase is an open case of the inbox.
type kase struct {
	ID    string `json:"id"`
	Order string `json:"order_id"`
}

// answerCancels says yes to three wishes to cancel of four.
func (p *play) answerCancels(ctx context.Context) (int, error) {
	cases, err := list[kase](ctx, p, "/exceptions?cause=cancel_request")
	if err != nil {
		return 0, err
	}
	n := 0
	for i, c := range cases {
		done, err := p.act(ctx, "/orders/"+c.Order, "decide-cancel", map[string]any{"agree": i%4 != 3, "reason": "asked before hand-over"})
		if err != nil {
			return n, err
		}
		if done {
			n++
		}
	}
	return n, nil
}

// applyChanges cancels here what was cancelled at the channel after packing: the parcel is opened, the goods go back to the shelf.
func (p *play) applyChanges(ctx context.Context) (int, error) {
	cases, err := list[kase](ctx, p, "/exceptions?cause=change_after_pack")
	if err != nil {
		return 0, err
	}
	n := 0
	for _, c := range cases {
		done, err := p.act(ctx, "/orders/"+c.Order, "cancel", map[string]any{"reason": "cancelled at the channel", "initiator": "buyer"})
		if err != nil {
			return n, err
		}
		if done {
			n++
		}
	}
	return n, nil
}

// parcelBack is a return as the desk sees it.
type parcelBack struct {
	ID       string   `json:"id"`
	External string   `json:"external_id"`
	Account  string   `json:"account_id"`
	Order    string   `json:"order_id"`
	Location string   `json:"location_id"`
	Kind     string   `json:"kind"`
	Decision string   `json:"decision"`
	Goods    string   `json:"goods_state"`
	Money    string   `json:"money_state"`
	Actions  []string `json:"allowed"`
	Lines    []struct {
		Line    string `json:"line_id"`
		Waiting int64  `json:"waiting"`
	} `json:"lines"`
}

func (p *play) takeReturns(ctx context.Context) (int, error) {
	open, err := list[parcelBack](ctx, p, "/returns?open=true")
	if err != nil {
		return 0, err
	}
	n := 0
	for i, r := range open {
		done, err := p.takeReturn(ctx, r, i)
		if err != nil {
			return n, fmt.Errorf("return %s: %w", r.ID, err)
		}
		if done {
			n++
		}
	}
	return n, nil
}

// takeReturn does the next thing about a return: agree, receive what the buyer sent, look at it, give the money back.
func (p *play) takeReturn(ctx context.Context, r parcelBack, i int) (bool, error) {
	at := "/returns/" + r.ID
	can := func(action string) bool { return slices.Contains(r.Actions, action) }
	switch {
	case r.Decision == "requested" && can("approve"):
		if err := p.countCash(ctx, r.Order); err != nil {
			return false, err
		}
		return p.act(ctx, at, "approve", map[string]any{})
	case r.Goods == "awaited" && r.External != "" && !p.sentOff[r.ID]:
		for _, s := range p.stalls {
			if s.account() == r.Account && s.sendBack(r.External) == nil { // else the buyer has not heard of our answer yet
				p.sentOff[r.ID] = true
				return true, nil
			}
		}
		return false, nil
	case r.Goods == "awaited" && r.Kind == "return_to_origin":
		return false, nil // the courier still has it
	case (r.Goods == "awaited" || r.Goods == "on_the_way") && can("receive"):
		return p.act(ctx, at, "receive", map[string]any{"location": p.takesBack(r)})
	case can("inspect"):
		var verdicts []map[string]any
		for _, l := range r.Lines {
			if l.Waiting > 0 {
				verdicts = append(verdicts, map[string]any{"line_id": l.Line, "quantity": l.Waiting, "disposition": []string{"sellable", "sellable", "sellable", "damaged"}[i%4]})
			}
		}
		return p.act(ctx, at, "inspect", map[string]any{"verdicts": verdicts})
	case can("refund"):
		done, err := p.act(ctx, at, "refund", map[string]any{"reason": "came back"})
		if err != nil || done {
			return done, err
		}
		return p.act(ctx, at, "waive", map[string]any{"reason": "the channel pays its buyer back itself"}) // there is nobody to ask for it
	}
	return false, nil
}

// countCash looks whether the cash of an order has come in, before any of it is given back.
func (p *play) countCash(ctx context.Context, order string) error {
	var seen struct {
		Payments []struct {
			Cash struct {
				State string `json:"state"`
			} `json:"cash_on_delivery"`
		} `json:"payments"`
	}
	if _, _, err := p.call(ctx, http.MethodGet, "/orders/"+order, "", nil, &seen); err != nil {
		return err
	}
	for _, pay := range seen.Payments {
		if pay.Cash.State == "due" {
			_, err := p.act(ctx, "/orders/"+order, "cash/confirm", map[string]any{})
			return err
		}
	}
	return nil
}

// takesBack is where a return is received: where it is expected, else the account's first place.
func (p *play) takesBack(r parcelBack) string {
	if r.Location != "" {
		return r.Location
	}
	for _, s := range p.stalls {
		if s.account() == r.Account {
			return s.home()
		}
	}
	return places[0].code
}

// payOut pays what cannot go back the way it came: the money of a parcel that was paid at the door.
func (p *play) payOut(ctx context.Context) (int, error) {
	due, err := list[struct {
		ID     string       `json:"id"`
		Amount money.Amount `json:"amount"`
	}](ctx, p, "/refunds?payout=true")
	if err != nil {
		return 0, err
	}
	var seen struct{}
	for i, r := range due {
		if _, _, err := p.call(ctx, http.MethodPost, "/refunds/"+r.ID+"/paid-out", "", map[string]any{"reference": "transfer " + strconv.Itoa(i+1)}, &seen); err != nil {
			return i, err
		}
	}
	return len(due), nil
}

// comeBack lets buyers give things back and the desk work until nothing waits for it any more.
func (p *play) comeBack(ctx context.Context) error {
	for _, s := range p.stalls {
		if err := s.giveBack(&p.wishes); err != nil {
			return fmt.Errorf("%s: %w", s.name(), err)
		}
	}
	deadline := time.Now().Add(patience)
	for ctx.Err() == nil {
		n, err := p.desk(ctx)
		if err != nil {
			return err
		}
		if n > 0 {
			deadline = time.Now().Add(patience)
			continue
		}
		left, err := p.unreturned(ctx)
		if err != nil || left == "" {
			return err
		}
		if time.Now().After(deadline) {
			p.say("the desk closes although %s", left)
			return nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	return ctx.Err()
}

// unreturned answers what buyers asked for that is not concluded.
func (p *play) unreturned(ctx context.Context) (string, error) {
	left, err := p.settled(ctx)
	if err != nil || left != "" {
		return left, err
	}
	err = p.app.DB.Read(ctx, func(tx *db.Tx) error {
		asked := p.wishes.all()
		got, err := pairs(tx, `select 'asked', count(*) from returns_rma where kind in ('return', 'refund_only') union all
			select 'open', count(*) from returns_rma where decision in ('requested', 'approved') and (money_state in ('due', 'intended') or goods_state in ('awaited', 'on_the_way', 'received')) union all
			select 'payout', count(*) from refunds where state = 'intended'`)
		switch want := int64(asked[sentBack] + asked[keptRefunded]); {
		case err != nil:
		case got["asked"] < want:
			left = fmt.Sprintf("%d returns asked for, %d here", want, got["asked"])
		case got["open"] > 0:
			left = fmt.Sprintf("%d returns are not concluded", got["open"])
		case got["payout"] > 0:
			left = fmt.Sprintf("%d refunds are not out", got["payout"])
		}
		return err
	})
	return left, err
}
