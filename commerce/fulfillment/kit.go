package fulfillment

import "github.com/openclaw-pos/commerce/kernel/event"

// parts are what a line is made of: a kit's parts, or the variant itself.
func parts(l *event.OpenLine) []event.Part {
	if len(l.Parts) > 0 {
		return l.Parts
	}
	return []event.Part{{Variant: l.Variant, SKU: l.SKU, Title: l.Title, Quantity: 1}}
}

func perLine(l *event.OpenLine, variant string) int64 {
	for _, p := range parts(l) {
		if p.Variant == variant {
			return max(1, p.Quantity)
		}
	}
	return 1
}

func named(l *event.OpenLine, variant string) (sku, title string) {
	for _, p := range parts(l) {
		if p.Variant == variant {
			return p.SKU, p.Title
		}
	}
	return l.SKU, l.Title
}

// A count of a fulfillment line.
type count func(f *FO, l *Line) int64

func shippedOf(_ *FO, l *Line) int64 { return l.Shipped }

// openOf counts what a live fulfillment order has still to hand over.
func openOf(f *FO, l *Line) int64 {
	if !f.live() {
		return 0
	}
	return l.Quantity - l.Shipped
}

func sumOf(fos []*FO, line, variant string, of count) (n int64) {
	for _, f := range fos {
		for i := range f.Lines {
			if l := &f.Lines[i]; l.LineID == line && l.Variant == variant {
				n += of(f, l)
			}
		}
	}
	return n
}

// sets counts complete units of an order line: of a kit, every part must be there.
func sets(l *event.OpenLine, fos []*FO, of count) int64 {
	least := int64(-1)
	for _, p := range parts(l) {
		n := sumOf(fos, l.LineID, p.Variant, of) / max(1, p.Quantity)
		if least < 0 || n < least {
			least = n
		}
	}
	return max(0, least)
}
