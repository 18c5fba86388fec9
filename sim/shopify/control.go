package shopify

import (
	"cmp"
	"errors"
	"net/http"
	"strconv"

	"github.com/openclaw-pos/commerce/sim"
)

type ref struct {
	Order    string  `json:"order"`
	SKU      string  `json:"sku"`
	Quantity int     `json:"quantity"`
	Location string  `json:"location"`
	Amount   string  `json:"amount"`
	Reason   string  `json:"reason"`
	Restock  string  `json:"restock"`
	Status   string  `json:"status"`
	Company  string  `json:"company"`
	Number   string  `json:"number"`
	Topic    string  `json:"topic"`
	Secret   string  `json:"secret"`
	Address  Address `json:"address"`
}

// newControl has a page for everything that can be played by Go calls:
//
//	POST /_sim/products {sku,price,…}       POST /_sim/orders {lines,…}      POST /_sim/generate?seed=&n=
//	GET  /_sim/orders                       GET  /_sim/orders/{ref}          GET  /_sim/stock?sku=&location=
//	POST /_sim/pay|cancel|deliver|ship {order,…}       POST /_sim/scan {order,status}
//	POST /_sim/edit {order,sku,quantity}               POST /_sim/address {order,address}
//	POST /_sim/return {order,sku,quantity,reason}      POST /_sim/refund {order,amount | sku,quantity,restock}
//	POST /_sim/stock {sku,location,quantity}           POST /_sim/compliance {topic,order}
//	POST /_sim/uninstall   POST /_sim/revoke   POST /_sim/secret {secret}   GET /_sim/pending
func (s *Shop) newControl() *sim.Control {
	c := sim.NewControl(s.Record, s.Faults)
	sim.Page(c, "POST /_sim/products", func(_ *http.Request, in ProductSpec) (any, error) { return s.AddProduct(in) })
	sim.Page(c, "POST /_sim/orders", func(_ *http.Request, in OrderSpec) (any, error) { return s.PlaceOrder(in) })
	sim.Page(c, "GET /_sim/orders", func(*http.Request, struct{}) (any, error) { return s.Orders(), nil })
	sim.Page(c, "GET /_sim/pending", func(*http.Request, struct{}) (any, error) { return s.Pending(), nil })
	c.Handle("GET /_sim/orders/{ref}", func(w http.ResponseWriter, r *http.Request) {
		v, ok := s.OrderView(r.PathValue("ref"))
		if !ok {
			sim.WriteJSON(w, http.StatusNotFound, map[string]string{"error": "no such order"})
			return
		}
		sim.WriteJSON(w, http.StatusOK, v)
	})
	sim.Page(c, "GET /_sim/stock", func(r *http.Request, _ struct{}) (any, error) {
		sku, loc := r.URL.Query().Get("sku"), r.URL.Query().Get("location")
		return kv{"at_location": s.Stock(sku, loc), "available": s.Available(sku), "committed": s.Committed(sku)}, nil
	})
	sim.Page(c, "POST /_sim/generate", func(r *http.Request, _ struct{}) (any, error) {
		seed, _ := strconv.ParseUint(r.URL.Query().Get("seed"), 10, 64)
		n, _ := strconv.Atoi(r.URL.Query().Get("n"))
		placed := []Placed{}
		for _, spec := range s.Generate(seed, max(1, min(n, 100_000))) {
			p, err := s.PlaceOrder(spec)
			if errors.Is(err, ErrSoldOut) {
				continue // this buyer leaves without
			}
			if err != nil {
				return nil, err
			}
			placed = append(placed, p)
		}
		return placed, nil
	})
	s.plays(c)
	return c
}

func (s *Shop) plays(c *sim.Control) {
	for name, do := range map[string]func(in ref) error{
		"pay":     func(in ref) error { return s.Pay(in.Order) },
		"cancel":  func(in ref) error { return s.Cancel(in.Order) },
		"deliver": func(in ref) error { return s.Deliver(in.Order) },
		"scan":    func(in ref) error { return s.Scan(in.Order, in.Status) },
		"ship":    func(in ref) error { return s.Ship(in.Order, in.Company, in.Number) },
		"edit":    func(in ref) error { return s.EditQuantity(in.Order, in.SKU, in.Quantity) },
		"address": func(in ref) error { return s.ChangeAddress(in.Order, in.Address) },
		"stock":   func(in ref) error { return s.SetStock(in.SKU, in.Location, in.Quantity) },
		"refund": func(in ref) error {
			if in.SKU != "" {
				return s.RefundLine(in.Order, in.SKU, in.Quantity, cmp.Or(in.Restock, "NO_RESTOCK"))
			}
			return s.RefundAmount(in.Order, in.Amount)
		},
		"return":     func(in ref) error { _, err := s.RequestReturn(in.Order, in.SKU, in.Quantity, in.Reason); return err },
		"compliance": func(in ref) error { return s.Compliance(in.Topic, in.Order) },
		"uninstall":  func(ref) error { s.Uninstall(); return nil },
		"reinstall":  func(ref) error { s.Reinstall(); return nil },
		"revoke":     func(ref) error { s.RevokeTokens(); return nil },
		"secret":     func(in ref) error { s.RotateSecret(in.Secret); return nil },
	} {
		sim.Page(c, "POST /_sim/"+name, func(_ *http.Request, in ref) (any, error) {
			if err := do(in); err != nil {
				return nil, err
			}
			if v, ok := s.OrderView(in.Order); ok && in.Order != "" {
				return v, nil
			}
			return kv{"ok": true}, nil
		})
	}
}
