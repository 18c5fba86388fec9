package daraz

import (
	"fmt"
	"net/http"
	"net/url"

	"github.com/openclaw-pos/commerce/sim"
)

// newControl adds to the pages of package sim what a person does to this marketplace. Every page takes ?seller=, the first shop when absent.
//
//	GET  /_sim/                       settings worth knowing: venture, app key, shops, callback
//	GET  /_sim/orders                 every order;  GET /_sim/orders/{id} one
//	POST /_sim/orders                 an OrderSpec or a list of them: places them, answers their ids
//	POST /_sim/orders/{id}/pay
//	POST /_sim/generate               {"seed":1,"n":20}: places made-up orders
//	POST /_sim/units                  {"do":"ship","units":["…"],"reason":"…"}: ship deliver fail retry ship_back arrive_back lose cancel ask_cancel return only_refund
//	POST /_sim/reverse/{id}/send_back or …/withdraw
//	POST /_sim/advance                {"fail_percent":5}: a day of the couriers
//	GET  /_sim/stock                  every SKU;  POST /_sim/products {"sku":…,"price":…,"quantity":…}
//	POST /_sim/grant                  tokens without a browser;  POST /_sim/tokens/expire, /_sim/tokens/revoke
//	POST /_sim/callback               {"url":"…","pushing":true}
//	POST /_sim/rows                   {"code":"1003","rows":2}: refuses the next pack rows
func newControl(m *Market) *sim.Control {
	c := sim.NewControl(m.record, m.faults)
	sim.Page(c, "GET /_sim/{$}", func(*http.Request, struct{}) (any, error) { return m.about(), nil })
	page(c, m, "GET /_sim/orders", func(s *Shop, _ *http.Request, _ struct{}) (any, error) { return s.Orders(), nil })
	page(c, m, "GET /_sim/orders/{id}", func(s *Shop, r *http.Request, _ struct{}) (any, error) {
		v, ok := s.OrderView(r.PathValue("id"))
		if !ok {
			return nil, fmt.Errorf("no order %s", r.PathValue("id"))
		}
		return v, nil
	})
	page(c, m, "POST /_sim/orders", func(s *Shop, _ *http.Request, specs oneOrMore) (any, error) { return s.placeAll(specs) })
	page(c, m, "POST /_sim/orders/{id}/pay", func(s *Shop, r *http.Request, _ struct{}) (any, error) {
		return ok(s.Pay(r.PathValue("id")))
	})
	page(c, m, "POST /_sim/generate", func(s *Shop, _ *http.Request, in struct {
		Seed uint64 `json:"seed"`
		N    int    `json:"n"`
	},
	) (any, error) {
		return s.placeAll(s.Generate(in.Seed, in.N))
	})
	page(c, m, "POST /_sim/units", func(s *Shop, _ *http.Request, in unitAct) (any, error) { return s.act(in) })
	page(c, m, "POST /_sim/reverse/{id}/{do}", func(s *Shop, r *http.Request, _ struct{}) (any, error) {
		switch r.PathValue("do") {
		case "send_back":
			return ok(s.BuyerSendsBack(r.PathValue("id")))
		case "withdraw":
			return ok(s.WithdrawReturn(r.PathValue("id")))
		}
		return nil, fmt.Errorf("cannot %s a reverse order", r.PathValue("do"))
	})
	page(c, m, "POST /_sim/advance", func(s *Shop, _ *http.Request, in struct {
		FailPercent int `json:"fail_percent"`
	},
	) (any, error) {
		return map[string]int{"moved": s.Advance(in.FailPercent)}, nil
	})
	page(c, m, "GET /_sim/stock", func(s *Shop, _ *http.Request, _ struct{}) (any, error) { return s.Stocks(), nil })
	page(c, m, "POST /_sim/products", func(s *Shop, _ *http.Request, in struct {
		SKU      string `json:"sku"`
		ShopSKU  string `json:"shop_sku"`
		Name     string `json:"name"`
		Price    int64  `json:"price"`
		Quantity int    `json:"quantity"`
	},
	) (any, error) {
		s.AddProduct(in.SKU, in.ShopSKU, in.Price, in.Quantity)
		if in.Name != "" {
			s.Name(in.SKU, in.Name)
		}
		return s.Stock(in.SKU), nil
	})
	appPages(c, m)
	return c
}

func appPages(c *sim.Control, m *Market) {
	page(c, m, "POST /_sim/grant", func(s *Shop, _ *http.Request, _ struct{}) (any, error) { return s.Grant(), nil })
	page(c, m, "POST /_sim/tokens/{do}", func(s *Shop, r *http.Request, _ struct{}) (any, error) {
		switch r.PathValue("do") {
		case "expire":
			s.ExpireTokens()
		case "revoke":
			s.Revoke()
		default:
			return nil, fmt.Errorf("cannot %s tokens", r.PathValue("do"))
		}
		return ok(nil)
	})
	sim.Page(c, "POST /_sim/callback", func(_ *http.Request, in struct {
		URL     *string `json:"url"`
		Pushing *bool   `json:"pushing"`
	},
	) (any, error) {
		if in.URL != nil {
			if u, err := url.Parse(*in.URL); err != nil || (*in.URL != "" && !u.IsAbs()) {
				return nil, fmt.Errorf("%q is no address", *in.URL)
			}
			m.SetCallback(*in.URL)
		}
		if in.Pushing != nil {
			m.Pushing(*in.Pushing)
		}
		return m.about(), nil
	})
	sim.Page(c, "POST /_sim/rows", func(_ *http.Request, in struct {
		Code string `json:"code"`
		Rows int    `json:"rows"`
	},
	) (any, error) {
		return ok(m.RefuseRows(in.Code, in.Rows))
	})
}

// page is sim.Page for one shop.
func page[I any](c *sim.Control, m *Market, pattern string, do func(*Shop, *http.Request, I) (any, error)) {
	sim.Page(c, pattern, func(r *http.Request, in I) (any, error) {
		s := m.Shop(r.URL.Query().Get("seller"))
		if s == nil {
			return nil, fmt.Errorf("no shop %q", r.URL.Query().Get("seller"))
		}
		return do(s, r, in)
	})
}

func ok(err error) (any, error) { return map[string]bool{"ok": err == nil}, err }

func (m *Market) about() any {
	m.mu.Lock()
	defer m.mu.Unlock()
	type shop struct {
		Seller    string `json:"seller"`
		ShortCode string `json:"short_code"`
		Products  int    `json:"products"`
		Orders    int    `json:"orders"`
	}
	var shops []shop
	for _, s := range m.shops {
		shops = append(shops, shop{s.seller.ID, s.seller.ShortCode, len(s.products), len(s.orders)})
	}
	return map[string]any{
		"venture": m.cfg.Venture, "currency": m.venture.currency, "app_key": m.cfg.AppKey, "shops": shops,
		"callback": m.callback, "pushing": m.pushing, "pending_pushes": m.outbox.Pending(),
	}
}

// oneOrMore reads an OrderSpec or a list of them.
type oneOrMore []OrderSpec

// UnmarshalJSON implements json.Unmarshaler.
func (o *oneOrMore) UnmarshalJSON(b []byte) error {
	var many []OrderSpec
	if decode(string(b), &many) {
		*o = many
		return nil
	}
	var one OrderSpec
	if !decode(string(b), &one) {
		return fmt.Errorf("no order")
	}
	*o = oneOrMore{one}
	return nil
}

func (s *Shop) placeAll(specs []OrderSpec) (any, error) {
	ids := []string{}
	for _, spec := range specs {
		id, err := s.PlaceOrder(spec)
		if err != nil {
			return nil, fmt.Errorf("after %d orders: %w", len(ids), err)
		}
		ids = append(ids, id)
	}
	return map[string]any{"orders": ids}, nil
}

// unitAct is something that happens to units.
type unitAct struct {
	Do     string   `json:"do"`
	Units  []string `json:"units"`
	Reason string   `json:"reason"`
}

func (s *Shop) act(in unitAct) (any, error) {
	simple := map[string]func(...string) error{
		"ship": s.Ship, "deliver": s.Deliver, "fail": s.Fail, "retry": s.Retry, "ship_back": s.ShipBack, "lose": s.Lose,
		"arrive_back": func(u ...string) error { return s.ArriveBack(true, u...) },
		"cancel":      func(u ...string) error { return s.BuyerCancel(in.Reason, u...) },
	}
	if do, found := simple[in.Do]; found {
		return ok(do(in.Units...))
	}
	var id string
	var err error
	switch in.Do {
	case "ask_cancel":
		id, err = s.AskCancel(in.Reason, in.Units...)
	case "return":
		id, err = s.RequestReturn(in.Reason, false, in.Units...)
	case "only_refund":
		id, err = s.RequestReturn(in.Reason, true, in.Units...)
	default:
		err = fmt.Errorf("cannot %q units", in.Do)
	}
	return map[string]string{"reverse_order_id": id}, err
}
