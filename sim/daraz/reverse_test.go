package daraz

import (
	"testing"
	"time"
)

func TestCancel(t *testing.T) {
	t.Parallel()
	t.Run("out of stock cancels the unit and empties the shelf", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		o := w.order(2)
		q := args{"order_id": o.ID, "order_item_id_list": "[" + o.Units[0].ID + "]"}
		r := w.want("0", w.get("/order/reverse/cancel/validate", q))
		if at(r, "data", "tip_type") != "warn" || text(at(r, "data", "reason_options", 0, "reason_id")) != "15" {
			t.Fatalf("validate %v", r)
		}
		q["reason_id"] = "15"
		if r := w.want("0", w.get("/order/reverse/cancel/create", q)); at(r, "data", "tip_type") != "success" {
			t.Fatalf("create %v", r)
		}
		v := w.view(o.ID)
		if v.states() != "canceled pending" || v.Units[0].Initiator != "cancellation-seller" {
			t.Errorf("order %+v", v)
		}
		if st := w.s.Stock("A"); st.Sellable != 0 || st.Real != 1 {
			t.Errorf("stock %+v", st)
		}
		if r := w.want("0", w.get("/order/reverse/cancel/create", q)); at(r, "data", "tip_type") != "error" {
			t.Errorf("twice: %v", r)
		}
	})
	t.Run("cancelling one unit of a package cancels the package", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		o := w.order(3)
		w.want("0", w.post("/order/fulfill/pack", packReq(o.ID, o.Units[0].ID, o.Units[1].ID)))
		w.want("0", w.post("/order/cancel", args{"order_item_id": o.Units[0].ID, "reason_id": "10", "reason_detail": "x"}))
		if got := w.s.Effects(o.ID); got != (Effects{Packed: 2, Cancelled: 2}) {
			t.Errorf("effects %+v", got)
		}
		if got := w.view(o.ID).states(); got != "canceled canceled pending" {
			t.Errorf("states %s", got)
		}
		r := w.post("/order/package/rts", packageReq("readyToShipReq", w.view(o.ID).Units[0].Package))
		if text(at(r, "result", "data", "packages", 0, "item_err_code")) != "600002" {
			t.Errorf("its package: %v", r)
		}
	})
	t.Run("what has shipped cannot be cancelled", func(t *testing.T) {
		t.Parallel()
		w := setup(t)
		o := w.order(1)
		w.ready(o)
		if err := w.s.Ship(o.ids()...); err != nil {
			t.Fatal(err)
		}
		w.want("73", w.post("/order/cancel", args{"order_item_id": o.Units[0].ID, "reason_id": "10"}))
		w.want("20", w.post("/order/cancel", args{"order_item_id": "1", "reason_id": "10"}))
		if err := w.s.BuyerCancel("", o.ids()...); err == nil {
			t.Error("a buyer did it")
		}
	})
}

func TestBuyerCancel(t *testing.T) {
	t.Parallel()
	ask := func(t *testing.T) (*world, OrderView, string) {
		w := setup(t, plain)
		o := w.order(2)
		w.packed(o)
		id, err := w.s.AskCancel("", o.Units[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		return w, o, id
	}
	t.Run("is a request with a deadline", func(t *testing.T) {
		t.Parallel()
		w, o, id := ask(t)
		r := w.want("0", w.get("/order/get", args{"order_id": o.ID}))
		if at(r, "data", "need_cancel_confirm") != true || at(r, "data", "is_cancel_pending") != true {
			t.Errorf("order %v", r)
		}
		r = w.want("0", w.get("/order/items/get", args{"order_id": o.ID}))
		if text(at(r, "data", 0, "cancel_trigger_time")) != "2026-03-17T14:00:00+05:00" {
			t.Errorf("row %v", at(r, "data", 0))
		}
		r = w.want("0", w.get("/reverse/getreverseordersforseller", args{"request_type_list": `["CANCEL"]`}))
		if text(at(r, "result", "items", 0, "reverse_order_id")) != id {
			t.Errorf("list %v", r)
		}
	})
	t.Run("agreed cancels the package", func(t *testing.T) {
		t.Parallel()
		w, o, id := ask(t)
		w.want("0", w.get("/order/reverse/cancel/seller/decide", args{"reverse_order_id": id, "agree_cancel": "true"}))
		if v := w.view(o.ID); v.states() != "canceled canceled" || v.Units[0].State != revCancelled {
			t.Errorf("order %+v", v)
		}
		w.want("108", w.get("/order/reverse/cancel/seller/decide", args{"reverse_order_id": id, "agree_cancel": "true"}))
	})
	t.Run("refused needs a reason and changes nothing", func(t *testing.T) {
		t.Parallel()
		w, o, id := ask(t)
		w.want("MissingParameter", w.get("/order/reverse/cancel/seller/decide", args{"reverse_order_id": id, "agree_cancel": "false"}))
		w.want("0", w.get("/order/reverse/cancel/seller/decide", args{"reverse_order_id": id, "agree_cancel": "false", "reason_code": "1"}))
		if v := w.view(o.ID); v.states() != "packed packed" || v.Units[0].State != revReject {
			t.Errorf("order %+v", v)
		}
	})
	t.Run("undecided takes effect by itself", func(t *testing.T) {
		t.Parallel()
		w, o, _ := ask(t)
		w.clock.add(24 * time.Hour)
		if got := w.view(o.ID).states(); got != "canceled canceled" {
			t.Errorf("states %s", got)
		}
	})
	t.Run("is overtaken by the courier", func(t *testing.T) {
		t.Parallel()
		w, o, _ := ask(t)
		w.post("/order/package/rts", packageReq("readyToShipReq", w.view(o.ID).Units[0].Package))
		if err := w.s.Ship(o.ids()...); err != nil {
			t.Fatal(err)
		}
		w.clock.add(48 * time.Hour)
		if v := w.view(o.ID); v.states() != "shipped shipped" || v.Units[0].State != revReject {
			t.Errorf("order %+v", v)
		}
	})
}

func TestReturn(t *testing.T) {
	t.Parallel()
	// request returns both units of a delivered order, the paid price of each being Rs 1,000.00.
	request := func(t *testing.T, onlyRefund bool) (*world, OrderView, string, []string) {
		w := setup(t)
		o := w.order(2, func(s *OrderSpec) { s.VoucherPlatform = 50000 })
		w.delivered(o)
		id, err := w.s.RequestReturn("Wrong size", onlyRefund, o.ids()...)
		if err != nil {
			t.Fatal(err)
		}
		r := w.want("0", w.get("/order/reverse/return/detail/list", args{"reverse_order_id": id}))
		var lines []string
		for _, l := range list(at(r, "data", "reverseOrderLineDTOList")) {
			lines = append(lines, text(at(l, "reverse_order_line_id")))
			if got := text(at(l, "refund_amount")); got != "100000" {
				t.Errorf("refund in cents: %s", got)
			}
		}
		if len(lines) != 2 {
			t.Fatalf("detail %v", r)
		}
		return w, o, id, lines
	}
	update := func(w *world, id, line, action string, more ...string) reply {
		q := args{"action": action, "reverse_order_id": id, "reverse_order_item_ids": "[" + line + "]"}
		for i := 0; i < len(more); i += 2 {
			q[more[i]] = more[i+1]
		}
		return w.get("/order/reverse/return/update", q)
	}
	t.Run("walks from request to refund", func(t *testing.T) {
		t.Parallel()
		w, o, id, lines := request(t, false)
		both := lines[0] + "," + lines[1]
		w.want("108", update(w, id, both, "confirmDelivery"))
		w.want("0", update(w, id, both, "agreeReturn"))
		if err := w.s.BuyerSendsBack(id); err != nil {
			t.Fatal(err)
		}
		w.want("0", update(w, id, both, "confirmDelivery"))
		w.want("0", update(w, id, both, "agreeRefund"))
		if got := w.s.Effects(o.ID); got != (Effects{Packed: 2, Ready: 2, Refunds: 2, Refunded: 200000}) {
			t.Errorf("effects %+v", got)
		}
		if v := w.view(o.ID); v.states() != "returned returned" || v.Units[0].Initiator != "return-customer" {
			t.Errorf("order %+v", v)
		}
		r := w.want("0", w.get("/order/reverse/return/detail/list", args{"reverse_order_id": id}))
		l := at(r, "data", "reverseOrderLineDTOList", 0)
		if at(l, "reverse_status") != "REFUND_SUCCESS" || at(l, "ofc_status") != "RETURN_RTM_DELIVERED" || at(l, "tracking_number") == "" {
			t.Errorf("line %v", l)
		}
		r = w.want("0", w.get("/order/reverse/return/history/list", args{"reverse_order_line_id": lines[0]}))
		if n := len(list(at(r, "data", "list"))); n != 5 {
			t.Errorf("history of %d steps", n)
		}
	})
	t.Run("can be refunded at once, line by line", func(t *testing.T) {
		t.Parallel()
		w, o, id, lines := request(t, false)
		w.want("0", update(w, id, lines[0], "instantRefund"))
		if got := w.view(o.ID).states(); got != "returned delivered" {
			t.Errorf("states %s", got)
		}
	})
	t.Run("is refused with reason and comment, one line at a time", func(t *testing.T) {
		t.Parallel()
		w, o, id, lines := request(t, false)
		w.want("107", update(w, id, lines[0], "refuesReturn"))
		w.want("111", update(w, id, lines[0]+","+lines[1], "refuseReturn"))
		w.want("109", update(w, id, lines[0], "refuseReturn"))
		w.want("110", update(w, id, lines[0], "refuseReturn", "reason_id", "100001"))
		w.want("0", update(w, id, lines[0], "refuseReturn", "reason_id", "100001", "comment", "used"))
		w.want("112", update(w, id, "1", "agreeReturn"))
		w.want("105", update(w, "1", lines[0], "agreeReturn"))
		if v := w.view(o.ID); v.Units[0].State != revReject || v.states() != "delivered delivered" {
			t.Errorf("order %+v", v)
		}
	})
	t.Run("only the money", func(t *testing.T) {
		t.Parallel()
		w, o, id, lines := request(t, true)
		q := args{"action": "agreeRefund", "reverse_order_id": id, "reverse_order_item_ids": "[" + lines[0] + "]"}
		w.want("0", w.get("/order/reverse/onlyrefund/seller/decide", q))
		q["action"], q["reverse_order_item_ids"] = "startDispute", "["+lines[1]+"]"
		w.want("110", w.get("/order/reverse/onlyrefund/seller/decide", q))
		q["comment"] = "item was fine"
		w.want("0", w.get("/order/reverse/onlyrefund/seller/decide", q))
		if got := w.view(o.ID).states(); got != "returned delivered" {
			t.Errorf("states %s", got)
		}
	})
	t.Run("the list filters by time and another shop's id has no lines", func(t *testing.T) {
		t.Parallel()
		w, _, id, _ := request(t, false)
		for bound, want := range map[string]string{"1773651600000": "1", "1773651601000": "0"} {
			r := w.want("0", w.post("/reverse/getreverseordersforseller", args{"ReverseOrderLineModifiedTimeRangeStart": bound, "page_no": "1", "page_size": "10"}))
			if text(at(r, "result", "total")) != want {
				t.Errorf("from %s: %v", bound, r)
			}
		}
		r := w.want("0", w.get("/order/reverse/return/detail/list", args{"reverse_order_id": "1"}))
		if n := len(list(at(r, "data", "reverseOrderLineDTOList"))); n != 0 {
			t.Errorf("%d lines", n)
		}
		if err := w.s.WithdrawReturn(id); err != nil {
			t.Fatal(err)
		}
		w.want("UnsupportedHTTPMethod", w.post("/order/reverse/return/detail/list", args{"reverse_order_id": id}))
	})
}

func TestFinance(t *testing.T) {
	t.Parallel()
	w := setup(t, plain)
	o := w.order(2, func(s *OrderSpec) { s.Shipping, s.VoucherSeller = 15000, 20000 })
	w.delivered(o)
	span := args{"start_time": "2026-03-01", "end_time": "2026-03-31", "trans_type": "-1", "limit": "500"}
	var sum int64
	numbers := map[string]int{}
	for _, row := range list(at(w.want("0", w.get("/finance/transaction/details/get", span)), "data")) {
		n, ok := minor(text(at(row, "amount")))
		if !ok || at(row, "paid_status") != "Not paid" {
			t.Errorf("row %v", row)
		}
		sum += n
		numbers[text(at(row, "transaction_number"))]++
	}
	// 2 × 1,250.00 − seller voucher 200.00 − commission 10 % − payment fee 1.25 %; shipping passes through.
	if want := int64(250000 - 20000 - 25000 - 3124); sum != want || len(numbers) != 2 {
		t.Errorf("sum %d, want %d; numbers %v", sum, want, numbers)
	}
	if _, err := w.s.RequestReturn("", false, o.Units[0].ID); err != nil {
		t.Fatal(err)
	}
	w.want("InvalidParameter", w.get("/finance/transaction/details/get", args{"start_time": "2026-01-01", "end_time": "2026-06-30"}))
	w.want("17", w.get("/finance/transaction/details/get", args{"start_time": "x", "end_time": "2026-06-30"}))
	w.clock.add(20 * 24 * time.Hour)
	r := w.want("0", w.get("/finance/payout/status/get", args{"created_after": "2026-03-01"}))
	if at(r, "data", 0, "payout") != decimal(sum)+" PKR" || at(r, "data", 0, "paid") != "1" {
		t.Errorf("payout %v", r)
	}
}
