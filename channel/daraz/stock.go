package daraz

import (
	"context"
	"encoding/xml"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/openclaw-pos/commerce/channel"
	"github.com/openclaw-pos/commerce/channel/iop"
	"github.com/openclaw-pos/commerce/kernel/fault"
)

// skuBatch is how many SKUs go into one call: 50 are allowed, 20 are advised (channel-daraz.md §1.10).
const skuBatch = 20

// xmlRequest is the payload of /product/price_quantity/update. What is left out stays as it is.
type xmlRequest struct {
	XMLName xml.Name `xml:"Request"`
	SKUs    []xmlSKU `xml:"Product>Skus>Sku"`
}

type xmlSKU struct {
	ItemID    string         `xml:"ItemId,omitempty"`
	SkuID     string         `xml:"SkuId,omitempty"`
	SellerSKU string         `xml:"SellerSku,omitempty"`
	Price     string         `xml:"Price,omitempty"`
	SalePrice string         `xml:"SalePrice,omitempty"`
	SaleFrom  string         `xml:"SaleStartDate,omitempty"`
	SaleUntil string         `xml:"SaleEndDate,omitempty"`
	Quantity  *int64         `xml:"Quantity"`
	Multi     *xmlWarehouses `xml:"MultiWarehouseInventories"`
}

type xmlWarehouses struct {
	List []xmlWarehouse `xml:"MultiWarehouseInventory"`
}

type xmlWarehouse struct {
	Code     string `xml:"WarehouseCode"`
	Quantity int64  `xml:"Quantity"`
}

// update is one item of a bulk call on its way out: the SKU it becomes, or why it is not sent.
type update struct {
	listing  channel.ListingRef
	location string
	sku      xmlSKU
	err      error
}

// SetStock implements channel.StockSetter. The number is the total, Daraz's own open units included; one below what Daraz has promised is refused. A
// level with a location goes in the form of multi-warehouse sellers. Setting is absolute, so repeating is safe; there is no compare-and-swap.
func (s *shop) SetStock(ctx context.Context, levels []channel.StockLevel) ([]channel.Verdict, error) {
	updates := make([]update, len(levels))
	for i, l := range levels {
		u := newUpdate(l.Listing)
		u.location = place(l.Location)
		switch {
		case u.err != nil:
		case l.Quantity < 0:
			u.err = fault.Field("quantity", "is below zero")
		case u.location == "":
			u.sku.Quantity = &l.Quantity
		default:
			u.sku.Multi = &xmlWarehouses{[]xmlWarehouse{{u.location, l.Quantity}}}
			u.err = xmlSafe("location", u.location)
		}
		updates[i] = u
	}
	return s.send(ctx, updates)
}

// newUpdate names the SKU: the seller's SKU is the key, ids are sent where we have them.
func newUpdate(l channel.ListingRef) update {
	u := update{listing: l, sku: xmlSKU{ItemID: l.Parent, SkuID: l.External, SellerSKU: l.SKU}}
	if l.SKU == "" && l.External == "" {
		u.err = fault.Field("listing", "names neither a seller SKU nor a SKU id")
		return u
	}
	for _, text := range []string{l.Parent, l.External, l.SKU} {
		if err := xmlSafe("listing", text); err != nil {
			u.err = err
		}
	}
	return u
}

// xmlSafe refuses text that XML cannot carry: the encoder would replace it, and another SKU might be meant.
func xmlSafe(field, text string) error {
	bad := func(r rune) bool {
		return r == utf8.RuneError || r < 0x20 || r == 0xFFFE || r == 0xFFFF
	}
	if !utf8.ValidString(text) || strings.ContainsFunc(text, bad) {
		return fault.Field(field, "has a character that Daraz's payload cannot carry")
	}
	return nil
}

// send takes updates in batches and gives one verdict each. When a batch as a whole fails, the verdicts before it are given with the error; the rest was
// not attempted, or may be repeated.
func (s *shop) send(ctx context.Context, updates []update) ([]channel.Verdict, error) {
	verdicts := make([]channel.Verdict, len(updates))
	for from := 0; from < len(updates); {
		to := batchEnd(updates, from)
		err := s.sendBatch(ctx, updates[from:to], verdicts[from:to])
		if err != nil {
			return verdicts[:from], err
		}
		from = to
	}
	return verdicts, nil
}

// batchEnd is where the batch that begins at from ends: at twenty SKUs, or before a SKU that is in it already, unless the two are of different
// locations: those go together, since a total may be all that the partner compares.
func batchEnd(updates []update, from int) int {
	seen := map[string]map[string]bool{}
	for i := from; i < len(updates); i++ {
		u := updates[i]
		if u.err != nil {
			continue
		}
		key := u.listing.SKU + "\x00" + u.listing.External
		locations := seen[key]
		switch {
		case locations == nil && len(seen) == skuBatch:
			return i
		case locations == nil:
			seen[key] = map[string]bool{u.location: true}
		case u.location == "" || locations[""] || locations[u.location]:
			return i
		default:
			locations[u.location] = true
		}
	}
	return len(updates)
}

// sendBatch sends the good ones of a batch. Daraz refuses a call with several SKUs as a whole (501) and names some in detail: those are refused, and
// the others, of which nothing is known, are sent again without them; when none is named, each is sent alone.
func (s *shop) sendBatch(ctx context.Context, updates []update, verdicts []channel.Verdict) error {
	var open []int
	for i, u := range updates {
		if verdicts[i].Err = u.err; u.err == nil {
			open = append(open, i)
		}
	}
	for len(open) > 0 {
		refused, err := s.sendSKUs(ctx, updates, open)
		if err != nil {
			return err
		}
		if refused == nil {
			return nil
		}
		rest := open[:0:0]
		for _, i := range open {
			verdicts[i].Err = refused.of(updates[i].listing)
			if verdicts[i].Err == nil {
				rest = append(rest, i)
			}
		}
		switch {
		case len(rest) < len(open):
			open = rest
		case len(skusOf(updates, open)) == 1:
			for _, i := range open {
				verdicts[i].Err = refused.err
			}
			return nil
		default:
			return s.sendEach(ctx, updates, open, verdicts)
		}
	}
	return nil
}

// sendEach sends one SKU at a time.
func (s *shop) sendEach(ctx context.Context, updates []update, open []int, verdicts []channel.Verdict) error {
	for len(open) > 0 {
		first, rest := []int{}, []int{}
		for _, i := range open {
			if updates[i].listing == updates[open[0]].listing {
				first = append(first, i)
			} else {
				rest = append(rest, i)
			}
		}
		refused, err := s.sendSKUs(ctx, updates, first)
		if err != nil {
			return err
		}
		if refused != nil {
			for _, i := range first {
				verdicts[i].Err = refused.err
				if own := refused.of(updates[i].listing); own != nil {
					verdicts[i].Err = own
				}
			}
		}
		open = rest
	}
	return nil
}

// skusOf merges the updates into SKUs: locations of one SKU belong into one element.
func skusOf(updates []update, which []int) []xmlSKU {
	var skus []xmlSKU
	at := map[channel.ListingRef]int{}
	for _, i := range which {
		u := updates[i]
		if n, ok := at[u.listing]; ok {
			skus[n].Multi.List = append(skus[n].Multi.List, u.sku.Multi.List...)
			continue
		}
		at[u.listing] = len(skus)
		if u.sku.Multi != nil {
			u.sku.Multi = &xmlWarehouses{slices.Clone(u.sku.Multi.List)}
		}
		skus = append(skus, u.sku)
	}
	return skus
}

// sendSKUs makes one call. A refusal of what was sent is a value; everything that says nothing about the SKUs (too often, no answer, no token) is an error.
func (s *shop) sendSKUs(ctx context.Context, updates []update, which []int) (*refusal, error) {
	payload, err := xml.Marshal(xmlRequest{SKUs: skusOf(updates, which)})
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the update cannot be written")
	}
	var details []detail
	a := ask{method: http.MethodPost, path: "price_quantity", params: map[string]string{"payload": string(payload)}, codes: productCodes}
	answer, err := s.callDetailed(ctx, a, &details)
	switch {
	case err == nil:
		// Code 0 with remarks about what was sent refuses those rows; rows without remarks are taken.
		for _, d := range readDetails(answer.Detail) {
			for _, i := range which {
				if d.about(updates[i].listing) {
					details = append(details, d)
					break
				}
			}
		}
		if len(details) == 0 {
			return nil, nil
		}
		return &refusal{err: details[0].err("501"), details: details}, nil
	case fault.Is(err, fault.Refused), fault.Is(err, fault.Invalid), fault.Is(err, fault.Conflict), fault.Is(err, fault.NotFound):
		return &refusal{err: err, details: details}, nil
	}
	return nil, err
}

// of is the remark about one listing as an error, nil when there is none.
func (r *refusal) of(l channel.ListingRef) error {
	for _, d := range r.details {
		if d.about(l) {
			return d.err(fault.CodeOf(r.err))
		}
	}
	return nil
}

// callDetailed is call, keeping the remarks of a refusal.
func (s *shop) callDetailed(ctx context.Context, a ask, details *[]detail) (iop.Answer, error) {
	a.heed = func(f iop.Failure) { *details = readDetails(f.Detail) }
	return s.call(ctx, a)
}
