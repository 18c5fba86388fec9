package daraz

import (
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/openclaw-pos/commerce/sim"
)

// row finds one unit's verdict in a pack answer.
func row(r reply, unit string) any {
	for _, o := range list(at(r, "result", "data", "pack_order_list")) {
		for _, it := range list(at(o, "order_item_list")) {
			if text(at(it, "order_item_id")) == unit {
				return it
			}
		}
	}
	return nil
}

func TestPack(t *testing.T) {
	t.Parallel()
	t.Run("success does not mean that every row succeeded", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.s.AddProduct("A", "", 1000, 10)
		w.s.AddProduct("F", "", 1000, 0)
		w.s.Central("F", 5)
		id, err := w.s.PlaceOrder(OrderSpec{Items: []ItemSpec{{SKU: "A", Quantity: 3}, {SKU: "F", Central: true}}})
		if err != nil {
			t.Fatal(err)
		}
		u := w.view(id).ids()
		if err := w.s.BuyerCancel("", u[2]); err != nil {
			t.Fatal(err)
		}
		r := w.want("0", w.post("/order/fulfill/pack", packReq(id, u[0], u[2], u[3], "999")))
		if at(r, "result", "success") != true {
			t.Fatalf("answer %v", r)
		}
		for unit, code := range map[string]string{u[0]: "0", u[2]: "700026", u[3]: "700027", "999": "700025"} {
			if got := text(at(row(r, unit), "item_err_code")); got != code {
				t.Errorf("unit %s: code %s, want %s", unit, got, code)
			}
		}
		if at(row(r, u[0]), "retry") != false || text(at(row(r, u[0]), "tracking_number")) == "" {
			t.Errorf("packed row %v", row(r, u[0]))
		}
		if got := w.view(id).states(); got != "packed pending canceled pending" {
			t.Errorf("partial packing leaves the rest alone: %s", got)
		}
		again := w.post("/order/fulfill/pack", packReq(id, u[0]))
		if text(at(row(again, u[0]), "item_err_code")) != "700026" || len(w.view(id).Units[0].Package) == 0 {
			t.Errorf("packing twice: %v", again)
		}
		unknown := w.post("/order/fulfill/pack", packReq("1", "2"))
		if text(at(row(unknown, "2"), "item_err_code")) != "700021" {
			t.Errorf("unknown order: %v", unknown)
		}
	})
	t.Run("unpaid units are not ready and busy rows say retry", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		o := w.order(2, func(s *OrderSpec) { s.Payment = "MIXEDCARD" })
		r := w.post("/order/fulfill/pack", packReq(o.ID, o.ids()...))
		if text(at(row(r, o.Units[0].ID), "item_err_code")) != "700031" {
			t.Errorf("unpaid: %v", r)
		}
		if err := w.s.Pay(o.ID); err != nil {
			t.Fatal(err)
		}
		if err := w.m.RefuseRows("700024", 1); err != nil {
			t.Fatal(err)
		}
		r = w.post("/order/fulfill/pack", packReq(o.ID, o.ids()...))
		if at(row(r, o.Units[0].ID), "retry") != true || text(at(row(r, o.Units[1].ID), "item_err_code")) != "0" {
			t.Errorf("one row busy: %v", r)
		}
	})
	t.Run("units of two warehouses become two packages", func(t *testing.T) {
		t.Parallel()
		w := setup(t, func(c *Config) { c.Sellers = []Seller{{Warehouses: []string{"khi", "lhe"}}} })
		w.s.AddProduct("A", "", 1000, 10)
		id, err := w.s.PlaceOrder(OrderSpec{Items: []ItemSpec{{SKU: "A", Quantity: 2}, {SKU: "A", Warehouse: "lhe"}}, Oversell: true})
		if err != nil {
			t.Fatal(err)
		}
		w.packed(w.view(id))
		v := w.view(id)
		if v.Units[0].Package != v.Units[1].Package || v.Units[0].Package == v.Units[2].Package {
			t.Errorf("packages %+v", v.Units)
		}
	})
	t.Run("twenty orders at most", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		many := strings.Repeat(`{"order_id":1,"order_item_list":[1]},`, 20) + `{"order_id":1,"order_item_list":[1]}`
		r := w.want("0", w.post("/order/fulfill/pack", args{"packReq": `{"pack_order_list":[` + many + `],"delivery_type":"dropship","shipping_allocate_type":"TFS"}`}))
		if at(r, "result", "success") != false || at(r, "result", "error_code") != "700022" {
			t.Errorf("answer %v", r)
		}
	})
	t.Run("an answer lost after the work leaves the package made", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		o := w.order(1)
		if err := w.m.Faults().Set(sim.Fault{Kind: sim.LostAnswer, Match: "/order/fulfill/pack"}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.send("POST", "/order/fulfill/pack", w.signed("/order/fulfill/pack", packReq(o.ID, o.ids()...))); err == nil {
			t.Fatal("an answer came")
		}
		r := w.want("0", w.get("/order/items/get", args{"order_id": o.ID}))
		if at(r, "data", 0, "status") != "packed" || text(at(r, "data", 0, "package_id")) == "" {
			t.Errorf("row %v", at(r, "data", 0))
		}
		if n := len(w.m.Told("/order/fulfill/pack")); n != 1 {
			t.Errorf("told %d times", n)
		}
	})
}

func TestPackage(t *testing.T) {
	t.Parallel()
	code := func(r reply) string { return text(at(r, "result", "data", "packages", 0, "item_err_code")) }
	t.Run("only packed can be made ready", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		o := w.order(2)
		p := w.packed(o)
		for _, want := range []string{"0", "700000"} {
			if got := code(w.want("0", w.post("/order/package/rts", packageReq("readyToShipReq", p)))); got != want {
				t.Errorf("code %s, want %s", got, want)
			}
		}
		if got := code(w.post("/order/package/rts", packageReq("readyToShipReq", "FP0"))); got != "600001" {
			t.Errorf("unknown package: %s", got)
		}
		if got := w.view(o.ID).states(); got != "ready_to_ship ready_to_ship" {
			t.Errorf("states %s", got)
		}
	})
	t.Run("a repack undoes the package and the next one is new", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		o := w.order(1)
		p := w.packed(o)
		if got := code(w.post("/order/package/repack", packageReq("rePackReq", p))); got != "0" {
			t.Fatalf("repack: %s", got)
		}
		if v := w.view(o.ID).Units[0]; v.Status != "repacked" || v.Package != "" {
			t.Errorf("unit %+v", v)
		}
		if got := code(w.post("/order/package/rts", packageReq("readyToShipReq", p))); got != "600002" {
			t.Errorf("the old package: %s", got)
		}
		if again := w.packed(o); again == p {
			t.Error("the same package id")
		}
	})
	t.Run("a seller's own fleet reports the delivery", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.s.AddProduct("A", "", 1000, 10)
		w.s.AddProduct("B", "", 1000, 10)
		id, err := w.s.PlaceOrder(OrderSpec{Items: []ItemSpec{{SKU: "A", OwnFleet: true}}})
		if err != nil {
			t.Fatal(err)
		}
		p := w.packed(w.view(id))
		if got := code(w.post("/order/package/sof/delivered", packageReq("dbsDeliveryReq", p))); got != "700000" {
			t.Errorf("before ready to ship: %s", got)
		}
		w.post("/order/package/rts", packageReq("readyToShipReq", p))
		if got := code(w.post("/order/package/sof/delivered", packageReq("dbsDeliveryReq", p))); got != "0" || w.view(id).states() != "delivered" {
			t.Errorf("delivered: %s %s", got, w.view(id).states())
		}
		other := w.order(1, func(s *OrderSpec) { s.Items[0].SKU = "B" })
		w.ready(other)
		if got := code(w.post("/order/package/sof/failed_delivery", packageReq("dbsFailedDeliveryReq", w.view(other.ID).Units[0].Package))); got != "700013" {
			t.Errorf("the platform's parcel: %s", got)
		}
	})
	t.Run("a label is a link in a frame that lives ten minutes", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		o := w.order(1)
		ask := func(id string) reply {
			return w.want("0", w.get("/order/package/document/get", args{"getDocumentReq": `{"doc_type":"PDF","packages":[{"package_id":"` + id + `"}]}`}))
		}
		w.want("34", w.get("/order/document/get", args{"doc_type": "shippingLabel", "order_item_ids": "[" + o.Units[0].ID + "]"}))
		p := w.packed(o)
		w.want("0", w.get("/order/document/get", args{"doc_type": "shippingLabel", "order_item_ids": "[" + o.Units[0].ID + "]"}))
		r := ask(p)
		link := text(at(r, "result", "data", "pdf_url"))
		frame, err := base64.StdEncoding.DecodeString(text(at(r, "result", "data", "file")))
		if err != nil || !strings.HasPrefix(string(frame), "<iframe") || !strings.Contains(string(frame), link) {
			t.Fatalf("frame %q %v", frame, err)
		}
		if status, body := fetch(t, link); status != http.StatusOK || !strings.HasPrefix(body, "%PDF-") || !strings.Contains(body, p) {
			t.Errorf("label: %d %q", status, body)
		}
		w.clock.add(10 * time.Minute)
		if status, _ := fetch(t, link); status != http.StatusForbidden {
			t.Errorf("late: %d", status)
		}
		if r := ask("FP0"); at(r, "result", "error_code") != "600001" {
			t.Errorf("unknown package: %v", r)
		}
	})
	t.Run("the journey shows in the trace", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		o := w.order(1)
		w.delivered(o)
		r := w.want("0", w.get("/logistic/order/trace", args{"order_id": o.ID}))
		steps := list(at(r, "result", "module", 0, "package_detail_info_list", 0, "logistic_detail_info_list"))
		if len(steps) != 4 {
			t.Errorf("steps %v", steps)
		}
		w.want("0", w.get("/order/logistic/get", args{"order_id": o.ID}))
		w.want("0", w.post("/order/invoice_number/set", args{"order_item_id": o.Units[0].ID, "invoice_number": "INV-1"}))
		w.want("0", w.get("/order/shipment/providers/get", args{"getShipmentProvidersReq": `{"orders":[{"order_id":` + o.ID + `,"order_item_ids":[1]}]}`}))
	})
}

func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestJourney(t *testing.T) {
	t.Parallel()
	t.Run("what fails at the door comes back", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		o := w.order(2)
		w.ready(o)
		for _, step := range []struct {
			do   func(...string) error
			want string
		}{
			{w.s.Ship, "shipped shipped"},
			{w.s.Fail, "failed failed"},
			{w.s.Retry, "shipped shipped"},
			{w.s.Fail, "failed failed"},
			{w.s.ShipBack, "shipped_back shipped_back"},
			{func(u ...string) error { return w.s.ArriveBack(true, u...) }, "shipped_back_success shipped_back_success"},
		} {
			if err := step.do(o.Units[0].ID); err != nil {
				t.Fatal(err)
			}
			if got := w.view(o.ID).states(); got != step.want {
				t.Errorf("a parcel moves as one: %s, want %s", got, step.want)
			}
		}
		if err := w.s.Deliver(o.Units[0].ID); err == nil {
			t.Error("delivered after all")
		}
	})
	t.Run("the couriers wait for the seller and Daraz ships its own", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		w.s.AddProduct("A", "", 1000, 10)
		w.s.Central("A", 3)
		id, err := w.s.PlaceOrder(OrderSpec{Items: []ItemSpec{{SKU: "A"}, {SKU: "A", Quantity: 2, Central: true}}})
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; w.s.Advance(0) > 0; n++ {
			if n > 5 {
				t.Fatal("no end")
			}
		}
		if got := w.view(id).states(); got != "pending delivered delivered" {
			t.Errorf("states %s", got)
		}
	})
	t.Run("every transition that the table lacks is refused", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		id := w.order(1).ID
		u := w.s.byID[id].units[0]
		for event, moves := range life {
			for _, from := range []string{unpaid, pending, repacked, packed, readyToShip, shipped, delivered, failed, canceled, returned, shippedBack, backSuccess, backFailed, lost, damaged} {
				u.status = from
				err := w.m.move(u, event)
				if want, ok := moves[from]; (err == nil) != ok || (ok && u.status != want) {
					t.Errorf("%s from %s: %v, now %s", event, from, err, u.status)
				}
			}
		}
	})
}
