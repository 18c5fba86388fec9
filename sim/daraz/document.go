package daraz

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"strings"
	"time"
)

// linkLife is how long a label's pdf_url works.
const linkLife = 10 * time.Minute

// link is a label that can be downloaded for a while.
type link struct {
	text  []string
	until time.Time
}

// rowNoLabel is the verdict on a package that is not in a state to have a label.
var rowNoLabel = rowCode{"700040", "PACKAGE_STATUS_NOT_ALLOW_TO_PRINT", false}

// packageDocument prints labels. For PDF the file is still HTML: an iframe around the link that lives ten minutes (channel-daraz §1.7).
func (c *call) packageDocument() (answer, error) {
	var req struct {
		Type     string `json:"doc_type"`
		Packages []struct {
			ID string `json:"package_id"`
		} `json:"packages"`
		Items bool `json:"print_item_list"`
	}
	switch {
	case c.get("getDocumentReq") == "":
		return answer{}, missing("getDocumentReq")
	case !decode(c.get("getDocumentReq"), &req) || (req.Type != "PDF" && req.Type != "HTML"):
		return undone("700004", "PARAM_ILLEGAL"), nil
	case len(req.Packages) == 0 || len(req.Packages) > packMax:
		return undone("700022", "BATCH_SIZE_OUT_OF_LIMIT"), nil
	}
	var text []string
	for _, want := range req.Packages {
		p := c.shop.parcels[want.ID]
		switch {
		case p == nil:
			return undone(rowNoPackage.code, rowNoPackage.name), nil
		case p.dropped:
			return undone(rowUnpacked.code, rowUnpacked.name), nil
		case p.units[0].ownFleet:
			return undone("50008", "SOF_ORDER_NOT_SUPPORT_PRINT"), nil
		case !p.all(packed, readyToShip, shipped):
			return undone(rowNoLabel.code, rowNoLabel.name), nil
		}
		c.ref = or(c.ref, p.order.id)
		text = append(text, p.label(req.Items)...)
	}
	out := map[string]any{"doc_type": req.Type, "file": base64.StdEncoding.EncodeToString([]byte(sheet(text)))}
	if req.Type == "PDF" {
		at := c.m.publish(c.r, text, c.now)
		out["pdf_url"] = at
		frame := `<iframe src="` + html.EscapeString(at) + `" width="100%" height="100%"></iframe>`
		out["file"] = base64.StdEncoding.EncodeToString([]byte(frame))
	}
	return done(out), nil
}

// documentGet is the older way: invoice, shippingLabel or carrierManifest for units, which must be packed.
func (c *call) documentGet() (answer, error) {
	kind := c.get("doc_type")
	if kind != "invoice" && kind != "shippingLabel" && kind != "carrierManifest" {
		return answer{}, refuse(isp, "35", "E035: %q Invalid document type", kind)
	}
	ids, ok := idList(c.get("order_item_ids"))
	if !ok || len(ids) == 0 {
		return answer{}, refuse(isp, "20", "E020: %q Invalid Order Item IDs", c.get("order_item_ids"))
	}
	var text []string
	seen := map[*parcel]bool{}
	for _, id := range ids {
		u := c.shop.units[id]
		if u == nil {
			return answer{}, refuse(isp, "20", "E020: %q Invalid Order Item ID", id)
		}
		if u.parcel == nil || (u.status != packed && u.status != readyToShip && u.status != shipped) {
			return answer{}, refuse(isp, "34", "E034: Order Item must be packed. Please call SetStatusToReadyToShip before")
		}
		if !seen[u.parcel] {
			seen[u.parcel] = true
			text = append(text, u.parcel.label(true)...)
		}
	}
	return data(map[string]any{"document": map[string]any{
		"file": base64.StdEncoding.EncodeToString([]byte(sheet(text))), "mime_type": "text/html", "document_type": kind,
	}}), nil
}

// label is the text of a package's label. The cash to collect is printed; the address is masked where the app sees it masked.
func (p *parcel) label(items bool) []string {
	o := p.order
	cash := int64(0)
	if o.payment == "COD" {
		for _, u := range p.units {
			cash += u.paid() + u.shipping.net()
		}
	}
	lines := []string{
		p.provider, "Tracking " + p.tracking, "Package " + p.id, "Order " + o.number,
		"To " + o.hide(o.buyer.Name), o.hide(o.buyer.Street) + ", " + o.buyer.City, "COD " + o.shop.m.venture.currency + " " + decimal(cash),
	}
	if items {
		for _, u := range p.units {
			lines = append(lines, "1 x "+u.product.sku)
		}
	}
	return lines
}

func sheet(lines []string) string {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html><html><body>")
	for _, l := range lines {
		b.WriteString("<p>" + html.EscapeString(l) + "</p>")
	}
	b.WriteString("</body></html>")
	return b.String()
}

// publish makes a download link on the address the caller used.
func (m *Market) publish(r *http.Request, text []string, now time.Time) string {
	token := m.word(32)
	m.links[token] = link{text: text, until: now.Add(linkLife)}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + "/labels/" + token
}

func (m *Market) serveLabel(w http.ResponseWriter, r *http.Request) {
	m.mu.Lock()
	l, ok := m.links[r.PathValue("token")]
	ok = ok && m.now().Before(l.until)
	m.mu.Unlock()
	if !ok {
		http.Error(w, "AccessDenied: Request has expired.", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "application/pdf")
	_, _ = w.Write(pdf(l.text))
}

// pdf is the smallest document that a PDF reader opens: one page, one font, the lines.
func pdf(lines []string) []byte {
	var text strings.Builder
	text.WriteString("BT /F1 10 Tf 14 TL 20 390 Td\n")
	for _, l := range lines {
		ascii := strings.Map(func(r rune) rune {
			if r < 32 || r > 126 {
				return '?'
			}
			return r
		}, l)
		fmt.Fprintf(&text, "(%s) Tj T*\n", strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace(ascii))
	}
	text.WriteString("ET")
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 288 432] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", text.Len(), text.String()),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	}
	var out strings.Builder
	out.WriteString("%PDF-1.4\n")
	offsets := make([]int, len(objects))
	for i, o := range objects {
		offsets[i] = out.Len()
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, at := range offsets {
		fmt.Fprintf(&out, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&out, "trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, start)
	return []byte(out.String())
}

// orderLogisticGet lists an order's packages.
func (c *call) orderLogisticGet() (answer, error) {
	o, err := c.order()
	if err != nil {
		return answer{}, err
	}
	list := []any{}
	for _, p := range o.parcels() {
		list = append(list, map[string]any{
			"package_id": p.id, "tracking_number": p.tracking, "shipment_provider": p.provider, "status": p.units[0].status, "order_items": p.itemIDs(),
		})
	}
	return data(map[string]any{"order_id": json.Number(digits(o.id)), "packages": list}), nil
}

func (p *parcel) itemIDs() []json.Number {
	var ids []json.Number
	for _, u := range p.units {
		ids = append(ids, json.Number(digits(u.id)))
	}
	return ids
}

// parcels are the packages the order's units are in now, in the order of the rows.
func (o *order) parcels() []*parcel {
	var all []*parcel
	seen := map[*parcel]bool{}
	for _, u := range o.units {
		if u.parcel != nil && !seen[u.parcel] {
			seen[u.parcel] = true
			all = append(all, u.parcel)
		}
	}
	return all
}

// logisticTrace is the journey of each package.
func (c *call) logisticTrace() (answer, error) {
	o, err := c.order()
	if err != nil {
		return answer{}, err
	}
	list := []any{}
	for _, p := range o.parcels() {
		steps := []any{}
		for _, s := range p.scans {
			steps = append(steps, map[string]any{"title": s.title, "description": s.title, "event_time": s.at.UnixMilli(), "detail_type": "STANDARD"})
		}
		list = append(list, map[string]any{"ofc_package_id": p.id, "tracking_number": p.tracking, "logistic_detail_info_list": steps})
	}
	return result(map[string]any{
		"success": true, "not_success": false, "repeated": false, "retry": false, "error_code": nil,
		"module": []any{map[string]any{"ofc_order_id": o.id, "package_detail_info_list": list}},
	}), nil
}
