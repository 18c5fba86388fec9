package daraz

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Kinds of reverse order.
const (
	kindCancel     = "CANCEL"
	kindReturn     = "RETURN"
	kindOnlyRefund = "ONLY_REFUND"
)

// Statuses of a reverse order line. The first four and REFUND_SUCCESS are documented or were seen live; the steps between are the words of
// Lazada's flow.
const (
	revInitiate  = "REQUEST_INITIATE"
	revReject    = "REQUEST_REJECT"
	revWithdrawn = "REQUEST_CANCEL"
	revCancelled = "CANCEL_SUCCESS"
	revAgreed    = "SELLER_AGREE_RETURN"
	revSent      = "BUYER_RETURN_ITEM"
	revReceived  = "REFUND_PENDING"
	revRefunded  = "REFUND_SUCCESS"
	revRefused   = "REFUND_REJECT"
)

// returnLife is the flow of a return: action, from, to (channel-daraz §1.9). The last two actions are the buyer's.
var returnLife = map[string]map[string]string{
	"instantRefund":   {revInitiate: revRefunded},
	"agreeReturn":     {revInitiate: revAgreed},
	"refuseReturn":    {revInitiate: revReject},
	"confirmDelivery": {revSent: revReceived},
	"agreeRefund":     {revReceived: revRefunded},
	"refuseRefund":    {revReceived: revRefused},
	"send back":       {revAgreed: revSent},
	"withdraw":        {revInitiate: revWithdrawn, revAgreed: revWithdrawn},
}

// pushWords are how type 10 names a status; others go out under their own name.
var pushWords = map[string]string{
	kindCancel + revInitiate: "CANCEL_INIT", kindCancel + revCancelled: "CANCEL_SUCCESS",
	kindReturn + revInitiate: "RTM_INIT", kindReturn + revWithdrawn: "RTM_CANCELED",
	kindReturn + revSent: "RTM_SHIPPING_BACK", kindReturn + revReceived: "RTM_RECEIVE_ITEM",
}

// reverse is a reverse order: what a buyer wants undone.
type reverse struct {
	id       string
	kind     string
	order    *order
	created  time.Time
	modified time.Time
	lines    []*reverseLine
}

type reverseLine struct {
	id       string
	unit     *unit
	status   string
	ofc      string // ofc_status, where the goods are
	reason   string
	code     int
	amount   int64 // minor units: the wire says cents too
	tracking string
	dispute  bool
	history  []step
}

type step struct {
	at  time.Time
	who string
	to  string
}

// reverse finds a reverse order of this shop by its id.
func (s *Shop) reverse(id string) *reverse {
	i := slices.IndexFunc(s.reverses, func(r *reverse) bool { return r.id == id })
	if i < 0 {
		return nil
	}
	return s.reverses[i]
}

func (s *Shop) newReverse(kind, reason string, units []*unit) *reverse {
	now := s.m.second()
	r := &reverse{id: s.m.id(7), kind: kind, order: units[0].order, created: now, modified: now}
	for _, u := range units {
		r.lines = append(r.lines, &reverseLine{
			id: s.m.id(8), unit: u, ofc: "INITIAL", reason: reason, code: 10010025, amount: u.paid(),
		})
	}
	s.reverses = append(s.reverses, r)
	s.m.reverseMove(r, revInitiate, "buyer")
	return r
}

// reverseMove puts all lines of a reverse order into a status and announces it.
func (m *Market) reverseMove(r *reverse, to, who string) {
	for _, l := range r.lines {
		m.lineMove(r, l, to, who)
	}
}

func (m *Market) lineMove(r *reverse, l *reverseLine, to, who string) {
	l.status = to
	l.history = append(l.history, step{at: m.now(), who: who, to: to})
	r.modified = m.second()
	switch to {
	case revSent:
		m.seq++
		l.tracking = fmt.Sprintf("%s%09d", m.venture.carrier, m.seq*1000+m.rnd.Int64N(1000))
		l.ofc = "RETURN_RTM_SHIPPING_BACK"
	case revReceived:
		l.ofc = "RETURN_RTM_DELIVERED"
	}
	if r.kind != kindCancel {
		l.unit.returning = to
		m.touch(l.unit)
	}
	m.pushReverse(r, l, or(pushWords[r.kind+to], to))
	if to == revRefunded {
		l.unit.order.effects.Refunds++
		l.unit.order.effects.Refunded += l.amount
		l.unit.initiator, l.unit.reason = "return-customer", l.reason
		m.happen(l.unit, evReturn)
	}
}

// RequestReturn is a buyer's wish to send delivered units back, or with onlyRefund to keep them and have the money; it returns the reverse
// order's id.
func (s *Shop) RequestReturn(reason string, onlyRefund bool, units ...string) (string, error) {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	list, err := s.find(units)
	if err != nil {
		return "", err
	}
	for _, u := range list {
		switch {
		case u.order != list[0].order:
			return "", errors.New("daraz: units of several orders")
		case u.status != delivered:
			return "", fmt.Errorf("daraz: unit %s is %s, not delivered", u.id, u.status)
		}
	}
	kind := kindReturn
	if onlyRefund {
		kind = kindOnlyRefund
	}
	r := s.newReverse(kind, or(reason, "Item is defective or not working"), list)
	for _, u := range list {
		u.back = r
	}
	return r.id, nil
}

// BuyerSendsBack hands the agreed units of a return to the courier.
func (s *Shop) BuyerSendsBack(reverseID string) error { return s.buyerActs(reverseID, "send back") }

// WithdrawReturn is a buyer who changes his mind before sending anything.
func (s *Shop) WithdrawReturn(reverseID string) error { return s.buyerActs(reverseID, "withdraw") }

func (s *Shop) buyerActs(id, action string) error {
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	r := s.reverse(id)
	if r == nil || r.kind != kindReturn {
		return fmt.Errorf("daraz: no return %s", id)
	}
	moved := false
	for _, l := range r.lines {
		if to, ok := returnLife[action][l.status]; ok {
			s.m.lineMove(r, l, to, "buyer")
			moved = true
		}
	}
	if !moved {
		return fmt.Errorf("daraz: return %s is %s: cannot %s", id, r.lines[0].status, action)
	}
	return nil
}

// lineDoc is a line as both list and detail write it. Amounts are integers in cents; times are ms in the list's documentation and were
// seen as seconds live in the detail.
func (l *reverseLine) doc(r *reverse, detail bool) map[string]any {
	u := l.unit
	stamp := func(t time.Time) int64 {
		if detail {
			return t.Unix()
		}
		return t.UnixMilli()
	}
	qc := ""
	if l.status == revReceived || l.status == revRefunded {
		qc = "return_to_merchant"
	}
	d := map[string]any{
		"reverse_order_line_id": num(l.id), "trade_order_line_id": num(u.id), "reverse_status": l.status, "ofc_status": l.ofc,
		"refund_amount": l.amount, "item_unit_price": u.price, "reason_code": l.code, "reason_text": l.reason,
		"refund_payment_method": "", "whqc_decision": qc, "is_need_refund": u.order.payment != "COD" || u.status == delivered || u.status == returned,
		"is_dispute": l.dispute, "seller_sku_id": u.product.sku, "platform_sku_id": u.product.shopSKU, "tracking_number": l.tracking,
		"sla":                            r.created.Add(72 * time.Hour).UnixMilli(),
		"return_order_line_gmt_create":   stamp(r.created),
		"return_order_line_gmt_modified": stamp(r.modified),
		"trade_order_gmt_create":         stamp(r.order.created),
	}
	if detail {
		d["productDTO"] = map[string]any{"product_id": u.product.itemID, "sku": u.product.skuID}
		d["buyer"] = map[string]any{"user_id": num(r.order.buyer.ID)}
	} else {
		d["product"] = map[string]any{"product_id": u.product.itemID, "product_sku": u.product.skuID}
		d["buyer"] = map[string]any{"buyer_id": num(r.order.buyer.ID)}
	}
	return d
}

func (r *reverse) head() map[string]any {
	return map[string]any{
		"reverse_order_id": num(r.id), "trade_order_id": num(r.order.id), "request_type": r.kind, "is_rtm": r.kind == kindReturn,
		"shipping_type": "DROP_OFF",
	}
}

func (c *call) reverseList() (answer, error) {
	size, no := 10, 1
	for name, into := range map[string]*int{"page_size": &size, "page_no": &no} {
		if text := c.get(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 {
				return answer{}, refuse(isp, "InvalidParameter", "%s is not valid", name)
			}
			*into = min(n, 1000)
		}
	}
	var found []*reverse
	for _, r := range slices.Backward(c.shop.reverses) {
		if c.wantsReverse(r) {
			found = append(found, r)
		}
	}
	total := len(found)
	from := min((no-1)*size, total)
	items := []any{}
	for _, r := range found[from:min(from+size, total)] {
		doc := r.head()
		if !c.m.cfg.ReverseSummary {
			lines := []any{}
			for _, l := range r.lines {
				lines = append(lines, l.doc(r, false))
			}
			doc["reverse_order_lines"] = lines
		}
		items = append(items, doc)
	}
	return result(map[string]any{"success": true, "total": total, "page_no": no, "page_size": size, "items": items}), nil
}

func (c *call) wantsReverse(r *reverse) bool {
	inList := func(param, v string) bool {
		text := c.get(param)
		if text == "" {
			return true
		}
		list, ok := idList(text)
		return ok && slices.Contains(list, v)
	}
	bound := func(param string) (time.Time, bool) {
		ms, err := strconv.ParseInt(c.get(param), 10, 64)
		return time.UnixMilli(ms), err == nil
	}
	if id := c.get("trade_order_id"); id != "" && id != r.order.id {
		return false
	}
	if id := c.get("reverse_order_id"); id != "" && id != r.id {
		return false
	}
	if t, ok := bound("ReverseOrderLineModifiedTimeRangeStart"); ok && r.modified.Before(t.Truncate(time.Second)) {
		return false
	}
	if t, ok := bound("ReverseOrderLineModifiedTimeRangeEnd"); ok && r.modified.After(t) {
		return false
	}
	if to := c.get("return_to_type"); to != "" && (to == "RTM") != (r.kind == kindReturn) {
		return false
	}
	l := r.lines[0]
	if text := c.get("dispute_in_progress"); text != "" && strings.EqualFold(text, "true") != l.dispute {
		return false
	}
	return inList("request_type_list", r.kind) && inList("reverse_status_list", l.status) && inList("ofc_status_list", l.ofc)
}

// reverseDetail answers code 0 with no lines for an id of another shop, as one live account saw.
func (c *call) reverseDetail() (answer, error) {
	r := c.shop.reverse(c.get("reverse_order_id"))
	if r == nil {
		return data(map[string]any{"reverseOrderLineDTOList": []any{}}), nil
	}
	lines := []any{}
	for _, l := range r.lines {
		lines = append(lines, l.doc(r, true))
	}
	doc := r.head()
	doc["reverseOrderLineDTOList"] = lines
	return data(doc), nil
}

func (s *Shop) reverseLine(id string) *reverseLine {
	for _, r := range s.reverses {
		for _, l := range r.lines {
			if l.id == id {
				return l
			}
		}
	}
	return nil
}

func (c *call) reverseHistory() (answer, error) {
	l := c.shop.reverseLine(c.get("reverse_order_line_id"))
	if l == nil {
		return answer{}, refuse(isp, "112", "Reverse order line not found")
	}
	list := []any{}
	for _, s := range l.history {
		list = append(list, map[string]any{"operator": s.who, "time": s.at.UnixMilli(), "picture": []any{}, "content": s.to})
	}
	page := map[string]any{"page_size": 10, "current_page_number": 1, "total": len(list)}
	return data(map[string]any{"list": list, "page_info": page}), nil
}

// refuseReasons are what a seller can say against a return.
var refuseReasons = map[string]string{"100001": "Item is used or damaged by buyer", "100002": "Wrong item returned", "100003": "Item missing"}

func (c *call) reverseReasons() (answer, error) {
	if c.shop.reverseLine(c.get("reverse_order_line_id")) == nil {
		return answer{}, refuse(isp, "112", "Reverse order line not found")
	}
	list := []any{}
	for _, id := range []string{"100001", "100002", "100003"} {
		list = append(list, map[string]any{"reason_id": num(id), "text": refuseReasons[id], "muti_language_text": refuseReasons[id]})
	}
	return data(list), nil
}

// decided finds the reverse order and lines that a seller's decision names.
func (c *call) decided(kind string) (*reverse, []*reverseLine, error) {
	r := c.shop.reverse(c.get("reverse_order_id"))
	if r == nil || r.kind != kind {
		return nil, nil, refuse(isp, "105", "Reverse order not found")
	}
	c.ref = r.order.id
	ids, ok := idList(c.get("reverse_order_item_ids"))
	if !ok || len(ids) == 0 {
		return nil, nil, missing("reverse_order_item_ids")
	}
	var lines []*reverseLine
	for _, id := range ids {
		i := slices.IndexFunc(r.lines, func(l *reverseLine) bool { return l.id == id })
		if i < 0 {
			return nil, nil, refuse(isp, "112", "Reverse order line not found")
		}
		lines = append(lines, r.lines[i])
	}
	return r, lines, nil
}

func (c *call) reverseUpdate() (answer, error) {
	action := c.get("action")
	flow, ok := returnLife[action]
	if !ok || strings.Contains(action, " ") || action == "withdraw" {
		return answer{}, refuse(isp, "107", "Action is not valid")
	}
	r, lines, err := c.decided(kindReturn)
	if err != nil {
		return answer{}, err
	}
	if strings.HasPrefix(action, "refuse") {
		switch {
		case len(lines) > 1:
			return answer{}, refuse(isp, "111", "Only one reverse order line can be refused at a time")
		case refuseReasons[c.get("reason_id")] == "":
			return answer{}, refuse(isp, "109", "Reason is not valid")
		case c.get("comment") == "":
			return answer{}, refuse(isp, "110", "Comment is required")
		case action == "refuseRefund" && c.get("image_info") == "":
			return answer{}, refuse(isp, "114", "Image is required")
		}
	}
	for _, l := range lines {
		if flow[l.status] == "" {
			return answer{}, refuse(isp, "108", "Reverse order status does not allow this operation")
		}
	}
	for _, l := range lines {
		c.m.lineMove(r, l, flow[l.status], "seller")
	}
	return c.wrote(), nil
}

func (c *call) onlyRefundDecide() (answer, error) {
	r, lines, err := c.decided(kindOnlyRefund)
	if err != nil {
		return answer{}, err
	}
	switch {
	case len(lines) > 1:
		return answer{}, refuse(isp, "111", "Only one reverse order line at a time")
	case lines[0].status != revInitiate:
		return answer{}, refuse(isp, "108", "Reverse order status does not allow this operation")
	}
	switch c.get("action") {
	case "agreeRefund":
		c.m.lineMove(r, lines[0], revRefunded, "seller")
	case "startDispute":
		if c.get("comment") == "" {
			return answer{}, refuse(isp, "110", "Comment is required")
		}
		lines[0].dispute = true
		c.m.lineMove(r, lines[0], revReject, "seller")
	default:
		return answer{}, refuse(isp, "107", "Action is not valid")
	}
	return c.wrote(), nil
}
